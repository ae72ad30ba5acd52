import * as fc from 'fast-check';
import type { BucketSeries, RequestSeries, Sample, Timeline } from '../../src/analysis/timeline.ts';

/** Samples 10 s apart, the first at `fromMs`. */
export function samples(values: number[], fromMs = 0): Sample[] {
  return values.map((value, index) => ({ atMs: fromMs + index * 10_000, value }));
}

export function requests(good: boolean, values: number[], fromMs = 0, target = 'gateway'): RequestSeries {
  return { target, good, samples: samples(values, fromMs) };
}

/** One histogram that grows from 0 at `fromMs` to the given cumulative counts ten seconds later. */
export function histogram(counts: [leMs: number, count: number][], name = 'h', target = 'gateway'): BucketSeries[] {
  return counts.map(([leMs, count]) => ({ target, leMs, histogram: name, samples: samples([0, count]) }));
}

export function timeline(parts: {
  stable?: RequestSeries[];
  canary?: RequestSeries[];
  buckets?: BucketSeries[];
}): Timeline {
  return {
    stable: { requests: parts.stable ?? [], buckets: [] },
    canary: { requests: parts.canary ?? [], buckets: parts.buckets ?? [] },
  };
}

/** What a process that counts and sometimes restarts would have been scraped as: whole numbers, with resets and births. */
const scraped = fc
  .record({
    target: fc.constantFrom('a', 'b'),
    good: fc.boolean(),
    born: fc.nat(6),
    steps: fc.array(fc.oneof(fc.nat(50), fc.constant('restart' as const)), { minLength: 1, maxLength: 12 }),
  })
  .map(({ target, good, born, steps }): RequestSeries => {
    let value = 0;
    const values = steps.map((step) => {
      value = step === 'restart' ? 0 : value + step;
      return value;
    });
    return { target, good, samples: samples(values, born * 10_000) };
  });

/** Timelines of several targets, with resets, and series that are born and vanish. */
export const anyTimeline: fc.Arbitrary<Timeline> = fc
  .record({
    stable: fc.array(scraped, { maxLength: 5 }),
    canary: fc.array(scraped, { maxLength: 5 }),
  })
  .map(timeline);
