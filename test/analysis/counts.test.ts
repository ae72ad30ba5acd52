import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Baseline, countsBetween } from '../../src/analysis/counts.ts';
import { anyTimeline, histogram, requests, samples, timeline } from './builders.ts';

const before = { baseline: 'before' } as const;
const after = { baseline: 'after' } as const;

describe('counting requests', () => {
  test('failing evidence counts from the last scrape before the moment, passing evidence from the first one after it', () => {
    const line = timeline({ canary: [requests(true, [100, 110, 130, 160])] });
    expect(countsBetween(line, 'canary', 15_000, before).total).toBe(50);
    expect(countsBetween(line, 'canary', 15_000, after).total).toBe(30);
  });

  test('a scrape at the very moment is the baseline of both', () => {
    const line = timeline({ canary: [requests(true, [100, 110, 130])] });
    expect(countsBetween(line, 'canary', 10_000, before).total).toBe(20);
    expect(countsBetween(line, 'canary', 10_000, after).total).toBe(20);
  });

  test('good and bad series add up to the total', () => {
    const line = timeline({ canary: [requests(true, [0, 90]), requests(false, [0, 10])] });
    expect(countsBetween(line, 'canary', 0, before)).toMatchObject({ total: 100, good: 90 });
  });

  test('a counter that fell was reset and counts what it has since', () => {
    const line = timeline({ canary: [requests(true, [1000, 1010, 4, 9])] });
    expect(countsBetween(line, 'canary', 0, before).total).toBe(10 + 4 + 5);
  });

  test('the first failures of a version count although their series did not exist before', () => {
    const line = timeline({
      stable: [requests(true, [500, 520, 540, 560])],
      canary: [requests(false, [7, 9], 20_000)],
    });
    expect(countsBetween(line, 'canary', 5_000, before)).toMatchObject({ total: 9, good: 0 });
    expect(countsBetween(line, 'canary', 5_000, after)).toMatchObject({ total: 9, good: 0 });
  });

  test('a series that appears together with its target counts from its first sample, as after a wiped metrics store', () => {
    const line = timeline({
      stable: [requests(true, [90_000, 90_100], 60_000)],
      canary: [requests(false, [5_000, 5_001], 60_000)],
    });
    expect(countsBetween(line, 'stable', 30_000, before).total).toBe(100);
    expect(countsBetween(line, 'canary', 30_000, before).total).toBe(1);
    expect(countsBetween(line, 'canary', 30_000, after).total).toBe(1);
  });

  test('a series that vanished keeps what it had', () => {
    const line = timeline({ canary: [requests(true, [0, 5], 0, 'gone'), requests(true, [0, 1, 2, 3], 0, 'here')] });
    expect(countsBetween(line, 'canary', 0, before).total).toBe(8);
  });

  test('passing evidence leaves out what came while a series known before was not scraped', () => {
    const patchy = { target: 'gateway', good: true, samples: [...samples([10]), ...samples([60, 65], 40_000)] };
    const line = timeline({ canary: [patchy, requests(true, [0, 0, 0, 0, 0, 0])] });
    expect(countsBetween(line, 'canary', 15_000, after).total).toBe(5);
    expect(countsBetween(line, 'canary', 15_000, before).total).toBe(55);
  });

  test('the newest sample is that of the version, up to the end of the window', () => {
    const line = timeline({ stable: [requests(true, [0, 0, 0, 0])], canary: [requests(true, [0, 1, 2])] });
    expect(countsBetween(line, 'canary', 0, before)).toMatchObject({ newestSampleMs: 20_000, scrapeGapMs: 10_000 });
    expect(countsBetween(line, 'canary', 0, { ...before, toMs: 15_000 }).newestSampleMs).toBe(10_000);
    expect(countsBetween(timeline({}), 'canary', 0, before)).toEqual({
      total: 0,
      good: 0,
      newestSampleMs: undefined,
    });
  });
});

describe('adding histograms up', () => {
  const all: [number, number][] = [
    [100, 80],
    [500, 95],
    [Infinity, 100],
  ];

  test('histograms with the same edges are added edge by edge', () => {
    const buckets = [...histogram(all, 'a'), ...histogram(all, 'b')];
    expect(countsBetween(timeline({ buckets }), 'canary', 0, before).buckets).toEqual([
      { leMs: 100, count: 160 },
      { leMs: 500, count: 190 },
      { leMs: Infinity, count: 200 },
    ]);
  });

  test('of histograms with other edges only the common ones are used', () => {
    const other: [number, number][] = [
      [250, 50],
      [500, 60],
      [Infinity, 60],
    ];
    const buckets = [...histogram(all, 'a'), ...histogram(other, 'b')];
    expect(countsBetween(timeline({ buckets }), 'canary', 0, before).buckets).toEqual([
      { leMs: 500, count: 155 },
      { leMs: Infinity, count: 160 },
    ]);
  });

  test('a histogram without its last bucket is not used', () => {
    const line = timeline({ buckets: histogram([[100, 5]]) });
    expect(countsBetween(line, 'canary', 0, before).buckets).toBeUndefined();
  });
});

describe('for any timeline', () => {
  const moment = fc.integer({ min: -20_000, max: 220_000 });
  const baselines = fc.constantFrom<Baseline>('before', 'after');
  const sides = fc.constantFrom('stable' as const, 'canary' as const);

  test('counts are whole, never negative, and good ones never more than all', () => {
    fc.assert(
      fc.property(anyTimeline, sides, moment, baselines, (line, side, fromMs, baseline) => {
        const { total, good } = countsBetween(line, side, fromMs, { baseline });
        expect(Number.isInteger(total) && total >= 0).toBe(true);
        expect(good >= 0 && good <= total).toBe(true);
      }),
    );
  });

  test('two windows that meet count what the whole window counts', () => {
    fc.assert(
      fc.property(anyTimeline, sides, fc.tuple(moment, moment, moment), (line, side, moments) => {
        const [from, middle, to] = moments.toSorted((a, b) => a - b) as [number, number, number];
        const whole = countsBetween(line, side, from, { ...before, toMs: to });
        const first = countsBetween(line, side, from, { ...before, toMs: middle });
        const second = countsBetween(line, side, middle, { ...before, toMs: to });
        expect(first.total + second.total).toBe(whole.total);
        expect(first.good + second.good).toBe(whole.good);
      }),
      { numRuns: 1000 },
    );
  });

  test('passing evidence never counts more than failing evidence', () => {
    fc.assert(
      fc.property(anyTimeline, sides, moment, (line, side, fromMs) => {
        const strict = countsBetween(line, side, fromMs, after).total;
        expect(strict).toBeLessThanOrEqual(countsBetween(line, side, fromMs, before).total);
      }),
      { numRuns: 1000 },
    );
  });

  test('a longer window never counts less', () => {
    fc.assert(
      fc.property(anyTimeline, sides, moment, moment, (line, side, a, b) => {
        const near = countsBetween(line, side, 0, { ...before, toMs: Math.min(a, b) }).total;
        expect(countsBetween(line, side, 0, { ...before, toMs: Math.max(a, b) }).total).toBeGreaterThanOrEqual(near);
      }),
    );
  });
});
