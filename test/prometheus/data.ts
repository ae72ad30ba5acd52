/** One series of the comparison's data: labels with `__name__`, samples in order. */
export interface TestSeries {
  labels: Record<string, string>;
  points: { atMs: number; value: number }[];
}

/** Where the data begin; long ago, so that nothing depends on when the test runs. */
export const BEGIN_MS = 1_700_000_000_000;
const STEP_MS = 15_000;
const STEPS = 120;
/**
 * Samples never lie on a whole second: Prometheus 2 counts a sample on the left edge of a window, Prometheus 3 and this store do not, and
 * here the two must be comparable.
 */
const SHIFT_MS = 137;

/** Numbers that look like chance and are the same in every run. */
function noise(seed: number, index: number): number {
  const mixed = Math.sin(seed * 12.9898 + index * 78.233) * 43758.5453;
  return mixed - Math.floor(mixed);
}

function series(labels: Record<string, string>, valueAt: (index: number) => number | undefined): TestSeries {
  const points = Array.from({ length: STEPS }, (_, index) => ({
    atMs: BEGIN_MS + index * STEP_MS + SHIFT_MS + Math.floor(noise(3, index) * 300),
    value: valueAt(index),
  }));
  return { labels, points: points.flatMap(({ atMs, value }) => (value === undefined ? [] : [{ atMs, value }])) };
}

function counter(seed: number, { start = 1000, step = 10, resetAt = 0 } = {}): (index: number) => number {
  let total = start;
  return (index) => {
    if (index > 0 && index === resetAt) total = 0;
    total += Math.floor(noise(seed, index) * step);
    return total;
  };
}

/** `index` only from..to, else no sample. */
function within(from: number, to: number, valueAt: (index: number) => number): (index: number) => number | undefined {
  return (index) => (index >= from && index < to ? valueAt(index) : undefined);
}

function histogram(labels: Record<string, string>, seed: number): TestSeries[] {
  const bounds = ['0.05', '0.1', '0.25', '0.5', '1', '2.5', '+Inf'];
  return bounds.map((le, bucket) =>
    series({ __name__: 'duration_seconds_bucket', ...labels, le }, (index) => {
      let count = 0;
      for (let i = 0; i <= index; i++) count += Math.floor(noise(seed, i) * 5 * (bucket + 1));
      return count;
    }),
  );
}

/** Requests of two versions in two zones, a histogram, gauges with every odd value, series that come, go, reset and stand still. */
export function testData(): TestSeries[] {
  const requests = ['v1', 'v2'].flatMap((version, v) =>
    ['a', 'b'].flatMap((zone, z) =>
      ['200', '404', '503'].map((code, c) =>
        series(
          { __name__: 'requests_total', version, zone, code },
          counter(v * 100 + z * 10 + c, { step: 60 / (c * 5 + 1) }),
        ),
      ),
    ),
  );
  return [
    ...requests,
    ...histogram({ version: 'v1' }, 5),
    ...histogram({ version: 'v2' }, 6),
    series({ __name__: 'restarts_total', pod: 'p1' }, counter(21, { resetAt: 70 })),
    series({ __name__: 'restarts_total', pod: 'p2' }, within(75, STEPS, counter(22, { start: 0, step: 40 }))),
    series({ __name__: 'restarts_total', pod: 'p3' }, within(0, 72, counter(23, { start: 5 }))),
    series({ __name__: 'temperature', room: 'hall' }, (index) => Math.sin(index / 7) * 30),
    series({ __name__: 'temperature', room: 'cellar' }, (index) => -5.25 + noise(31, index)),
    series({ __name__: 'temperature', room: 'oven' }, (index) => (index % 3 === 0 ? Number.POSITIVE_INFINITY : 250)),
    series({ __name__: 'temperature', room: 'nowhere' }, () => Number.NaN),
    series({ __name__: 'steady', note: 'a "quoted" \\ text\nin two lines' }, () => 1e-7),
    series({ __name__: 'big' }, () => 1.5e21),
    series({ __name__: 'small' }, () => 3),
    series({ __name__: 'capacity', version: 'v1', team: 'blue' }, () => 100),
    series({ __name__: 'capacity', version: 'v2', team: 'green' }, () => 50),
    series({ __name__: 'owner', version: 'v1', zone: 'a' }, () => 1),
    series({ __name__: 'owner', version: 'v1', zone: 'b' }, () => 1),
    series(
      { __name__: 'gone' },
      within(0, 55, (index) => index),
    ),
  ];
}
