import { beforeEach, describe, expect, test } from 'vitest';
import { createMetricsStore, type MetricsStore } from '../../src/sandbox/world/metrics/store.ts';
import { type ManualClock, manualClock } from './metrics-fixtures.ts';

const START_MS = 1_800_000_000_000;

let clock: ManualClock;
let store: MetricsStore;

beforeEach(() => {
  clock = manualClock(START_MS);
  store = createMetricsStore({ clock });
});

/** The vector that a query gives, as label text → value. */
function vector(query: string, atMs?: number): Record<string, number> {
  const result = store.evaluate(query, atMs);
  if (result.type !== 'vector') throw new Error(`${query} gives a ${result.type}`);
  return Object.fromEntries(
    result.samples.map(({ labels, value }) => [[...labels].map((pair) => pair.join('=')).join(','), value]),
  );
}

describe('scraping', () => {
  test('gives each series the labels of its target and renames its own of the same name', async () => {
    store.addTarget({ labels: { job: 'shop', instance: 'a' }, scrape: () => 'c{job="own",code="200"} 3\n' });
    await clock.advance(1000);
    expect(vector('c')).toEqual({ '__name__=c,code=200,exported_job=own,instance=a,job=shop': 3 });
    expect(vector('up')).toEqual({ '__name__=up,instance=a,job=shop': 1 });
  });

  test('takes place once an interval, and each sample has the time at which its scrape began', async () => {
    let count = 0;
    store.addTarget({ labels: { job: 'shop' }, scrape: () => `c ${++count}\n` });
    await clock.advance(5000);
    expect(count).toBe(5);
    expect(vector('timestamp(c)')).toEqual({ 'job=shop': (START_MS + 5000) / 1000 });
    expect(vector('count_over_time(c[10s])')).toEqual({ 'job=shop': 5 });
  });

  test('of a target that fails ends its series and sets up to 0', async () => {
    let healthy = true;
    store.addTarget({
      labels: { job: 'shop' },
      scrape: async () => {
        if (!healthy) throw new Error('connection refused');
        return 'c 1\n';
      },
    });
    await clock.advance(1000);
    healthy = false;
    await clock.advance(1000);
    expect(vector('c')).toEqual({});
    expect(vector('up')).toEqual({ '__name__=up,job=shop': 0 });
    expect(store.targets()).toMatchObject([{ health: 'down', lastError: 'connection refused' }]);
    healthy = true;
    await clock.advance(1000);
    expect(vector('c')).toEqual({ '__name__=c,job=shop': 1 });
  });

  test('of a text that cannot be parsed leaves no sample behind', async () => {
    store.addTarget({ labels: { job: 'shop' }, scrape: () => 'a 1\nb{x=1} 2\n' });
    await clock.advance(1000);
    expect(vector('{job="shop"}')).toEqual({ '__name__=up,job=shop': 0 });
    expect(store.targets()[0]?.lastError).toContain('line 2');
  });

  test('that hangs ends at the timeout, and the next one begins in time', async () => {
    let begun = 0;
    const signals: AbortSignal[] = [];
    store.addTarget({
      labels: { job: 'shop' },
      scrape: (signal) => {
        begun += 1;
        signals.push(signal);
        return new Promise(() => {});
      },
    });
    await clock.advance(4500);
    expect(begun).toBeGreaterThanOrEqual(2);
    expect(signals[0]?.aborted).toBe(true);
    expect(vector('up')).toEqual({ '__name__=up,job=shop': 0 });
  });

  test('keeps the timestamps that a text carries', async () => {
    store.addTarget({ labels: { job: 'shop' }, scrape: () => `c 7 ${START_MS - 500}\n` });
    await clock.advance(1000);
    expect(vector('timestamp(c)')).toEqual({ 'job=shop': (START_MS - 500) / 1000 });
  });

  test('leaves no timer when there is no target', async () => {
    const remove = store.addTarget({ labels: { job: 'shop' }, scrape: () => 'c 1\n' });
    await clock.advance(3000);
    remove();
    await clock.advance(2000);
    expect(clock.pending()).toBe(0);
  });
});

describe('staleness', () => {
  test('a series that vanishes from its target is gone with the next scrape, though its past stays', async () => {
    let text = 'a 1\nb 2\n';
    store.addTarget({ labels: { job: 'shop' }, scrape: () => text });
    await clock.advance(2000);
    text = 'a 1\n';
    await clock.advance(1000);
    expect(vector('b')).toEqual({});
    expect(vector('b', START_MS + 2500)).toEqual({ '__name__=b,job=shop': 2 });
    expect(vector('count_over_time(b[1m])')).toEqual({ 'job=shop': 2 });
  });

  test('all series of a target that is removed are gone at once', async () => {
    const remove = store.addTarget({ labels: { job: 'shop' }, scrape: () => 'a 1\n' });
    await clock.advance(1500);
    remove();
    expect(vector('{job="shop"}')).toEqual({});
  });

  test('a synthetic series counts for 5 minutes', () => {
    store.append({ __name__: 'c' }, 1, START_MS);
    expect(vector('c', START_MS + 299_999)).toEqual({ '__name__=c': 1 });
    expect(vector('c', START_MS + 300_000)).toEqual({});
  });

  test('an ordinary NaN is a value', () => {
    store.append({ __name__: 'c' }, Number.NaN, START_MS);
    expect(vector('c', START_MS)).toEqual({ '__name__=c': Number.NaN });
  });
});

describe('keeping', () => {
  test('every sample is there for the retention, through every growth of the ring', () => {
    for (let second = 0; second < 2000; second++) store.append({ __name__: 'c' }, second, START_MS + second * 1000);
    const result = store.evaluate('c[1h]', START_MS + 2_000_000);
    const points = result.type === 'matrix' ? (result.series[0]?.points ?? []) : [];
    const expected = Array.from({ length: 2000 }, (_, second) => ({ atMs: START_MS + second * 1000, value: second }));
    expect(points).toEqual(expected);
  });

  test('a ring that is full gives up only what is out of retention', async () => {
    let count = 0;
    store.addTarget({ labels: { job: 'shop' }, scrape: () => `c ${++count}\n` });
    await clock.advance(40 * 60_000);
    const result = store.evaluate('c[15m]');
    const values = result.type === 'matrix' ? (result.series[0]?.points ?? []).map(({ value }) => value) : [];
    expect(values).toEqual(Array.from({ length: 900 }, (_, index) => 1501 + index));
  });

  test('a series without samples for longer than the retention is forgotten', async () => {
    store.append({ __name__: 'old' }, 1, START_MS);
    store.addTarget({ labels: { job: 'shop' }, scrape: () => 'c 1\n' });
    await clock.advance(20 * 60_000);
    expect(store.findSeries([], 0, Number.MAX_SAFE_INTEGER).map((labels) => labels.get('__name__'))).toEqual([
      'up',
      'c',
    ]);
    expect(vector('c')).toEqual({ '__name__=c,job=shop': 1 });
  });

  test('a sample that is not newer than the newest is refused', () => {
    expect(store.append({ __name__: 'c' }, 1, START_MS)).toBe(true);
    expect(store.append({ __name__: 'c' }, 2, START_MS)).toBe(false);
    expect(store.append({ __name__: 'c' }, 2, START_MS - 1)).toBe(false);
    expect(vector('c')).toEqual({ '__name__=c': 1 });
  });

  test('a label named __proto__ is a label like any other', () => {
    store.append(JSON.parse('{"__name__": "c", "__proto__": "x"}'), 1, START_MS);
    expect(vector('c{__proto__="x"}')).toEqual({ '__name__=c,__proto__=x': 1 });
  });
});
