import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SideCounts } from '../../src/analysis/counts.ts';
import {
  type CountsEvidence,
  judgeDuration,
  judgeSuccessRate,
  judgeUnanswered,
  judgeValue,
} from '../../src/analysis/judge.ts';

const nowMs = 1_000_000;

function evidence(counts: Partial<SideCounts>, limit: CountsEvidence['limit'], minSamples = 20): CountsEvidence {
  const whole = { total: 0, good: 0, newestSampleMs: nowMs - 5_000, ...counts };
  return { counts: whole, limit, minSamples, atMs: nowMs };
}

/** 100 requests: 80 up to 100 ms, 15 up to 500 ms, `slow` up to 1000 ms and the rest above. */
function durations(slow = 5): Partial<SideCounts> {
  const buckets = [
    { leMs: 100, count: 80 },
    { leMs: 500, count: 95 },
    { leMs: 1000, count: 95 + slow },
    { leMs: Infinity, count: 100 },
  ];
  return { total: 100, good: 100, buckets };
}

describe('the success rate', () => {
  test('passes at its limit exactly and fails just below it', () => {
    expect(judgeSuccessRate(evidence({ total: 1000, good: 990 }, { min: 99 }))).toMatchObject({
      verdict: 'pass',
      value: 99,
      requests: 1000,
      message: '990 of 1000 requests succeeded (99 %); at least 99 % is wanted.',
    });
    expect(judgeSuccessRate(evidence({ total: 1000, good: 989 }, { min: 99 })).verdict).toBe('fail');
  });

  test('is unsure with too few requests, whatever they were', () => {
    expect(judgeSuccessRate(evidence({ total: 19, good: 0 }, { min: 99 }))).toMatchObject({
      verdict: 'unsure',
      reason: 'NotEnoughRequests',
      requests: 19,
      message: '19 of 20 requests seen.',
    });
    expect(judgeSuccessRate(evidence({ total: 0, good: 0 }, { min: 0 }, 0)).verdict).toBe('unsure');
  });

  test('is unsure without any series', () => {
    const none = evidence({ newestSampleMs: undefined }, { min: 99 });
    expect(judgeSuccessRate(none)).toMatchObject({ verdict: 'unsure', reason: 'NoData' });
  });

  test.each([
    ['five-second scrapes', 5_000, 15_000],
    ['minute scrapes', 60_000, 180_000],
    ['scrapes once in ten minutes', 600_000, 300_000],
    ['scrapes of unknown distance', undefined, 120_000],
  ])('is unsure when %s have been missed for too long, however good the requests before were', (_, gap, longest) => {
    const scraped = gap === undefined ? {} : { scrapeGapMs: gap };
    const at = (ageMs: number) =>
      judgeSuccessRate(evidence({ total: 100, good: 100, newestSampleMs: nowMs - ageMs, ...scraped }, { min: 99 }));
    expect(at(longest).verdict).toBe('pass');
    expect(at(longest + 1_000)).toMatchObject({
      verdict: 'unsure',
      reason: 'StaleData',
      message: `The newest sample was scraped ${longest / 1000 + 1} s ago.`,
    });
  });

  test('a check without a limit never passes', () => {
    for (const limit of [{}, { min: Number.NaN }, { max: Infinity }]) {
      expect(judgeSuccessRate(evidence({ total: 100, good: 100 }, limit)).verdict).toBe('unsure');
    }
  });
});

describe('the duration', () => {
  test('interpolates P99 inside its bucket', () => {
    expect(judgeDuration(evidence(durations(), { max: 900 }))).toMatchObject({ verdict: 'pass', value: 900 });
    expect(judgeDuration(evidence(durations(), { max: 899 })).verdict).toBe('fail');
  });

  test('is exact when the limit is an edge', () => {
    const buckets = [
      { leMs: 500, count: 99 },
      { leMs: Infinity, count: 100 },
    ];
    expect(judgeDuration(evidence({ buckets }, { max: 500 })).verdict).toBe('pass');
    const worse = [
      { leMs: 500, count: 989 },
      { leMs: 1000, count: 1000 },
      { leMs: Infinity, count: 1000 },
    ];
    expect(judgeDuration(evidence({ buckets: worse }, { max: 500 })).verdict).toBe('fail');
  });

  test('a P99 above the last edge fails every limit in reach and cannot be compared with one beyond', () => {
    expect(judgeDuration(evidence(durations(3), { max: 1000 }))).toMatchObject({
      verdict: 'fail',
      message: 'P99 of 100 requests is above 1000 ms; at most 1000 ms is wanted.',
    });
    expect(judgeDuration(evidence(durations(3), { max: 2000 }))).toMatchObject({ verdict: 'unsure', reason: 'NoData' });
  });

  test('says what is missing when the metrics have no histogram', () => {
    const verdict = judgeDuration(evidence({ total: 100, good: 100 }, { max: 500 }));
    expect(verdict).toMatchObject({ reason: 'NoData', message: 'The metrics have no histogram of durations.' });
  });

  test('is unsure when the histograms have no edge in common', () => {
    const lonely = evidence({ buckets: [{ leMs: Infinity, count: 100 }] }, { max: 500 });
    expect(judgeDuration(lonely)).toMatchObject({ verdict: 'unsure', reason: 'NoData' });
  });
});

describe('a single value', () => {
  const value = { sampleMs: nowMs, fromMs: nowMs - 30_000, atMs: nowMs };

  test('passes between its limits, both included', () => {
    for (const [number, verdict] of [
      [1, 'pass'],
      [2, 'pass'],
      [0.99, 'fail'],
      [2.01, 'fail'],
    ] as const) {
      expect(judgeValue({ ...value, value: number, limit: { min: 1, max: 2 } }).verdict).toBe(verdict);
    }
  });

  test('NaN, infinities and old samples never pass and never fail', () => {
    expect(judgeValue({ ...value, value: Number.NaN, limit: { min: 1 } })).toMatchObject({ reason: 'NoData' });
    expect(judgeValue({ ...value, value: Infinity, limit: { min: 1 } })).toMatchObject({ reason: 'Nonsense' });
    const old = { ...value, value: 5, sampleMs: nowMs - 31_000, limit: { min: 1 } };
    expect(judgeValue(old)).toMatchObject({ verdict: 'unsure', reason: 'StaleData' });
  });
});

test('every answer without data is unsure, with its own reason', () => {
  const limit = { min: 99 };
  const text = { query: 'q', message: 'm' };
  const reasons = [
    judgeUnanswered({ outcome: 'noData', ...text }, limit),
    judgeUnanswered({ outcome: 'nonsense', ...text }, limit),
    judgeUnanswered({ outcome: 'error', reason: 'Failed', ...text }, limit),
    judgeUnanswered({ outcome: 'error', reason: 'MultipleSeries', ...text }, limit),
  ].map((verdict) => (verdict.verdict === 'unsure' ? verdict.reason : verdict.verdict));
  expect(reasons).toEqual(['NoData', 'Nonsense', 'MetricsError', 'MultipleSeries']);
});

describe('for any numbers', () => {
  const anyNumber = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(Number.NaN, Infinity, -Infinity, -1, 0, 1e308));
  const anyLimit = fc.record({ min: anyNumber, max: anyNumber }, { requiredKeys: [] });

  test('only a finite value inside finite limits passes', () => {
    fc.assert(
      fc.property(anyNumber, anyLimit, (number, limit) => {
        const verdict = judgeValue({ value: number, sampleMs: nowMs, limit, fromMs: 0, atMs: nowMs });
        if (verdict.verdict !== 'pass') return;
        expect(Number.isFinite(number)).toBe(true);
        expect(number).toBeGreaterThanOrEqual(limit.min ?? -Infinity);
        expect(number).toBeLessThanOrEqual(limit.max ?? Infinity);
      }),
      { numRuns: 1000 },
    );
  });

  test('no counts but whole ones pass, and never with fewer requests than asked for', () => {
    fc.assert(
      fc.property(anyNumber, anyNumber, anyLimit, fc.nat(100), (total, good, limit, minSamples) => {
        const verdict = judgeSuccessRate(evidence({ total, good }, limit, minSamples));
        if (verdict.verdict === 'unsure') return;
        expect(total).toBeGreaterThanOrEqual(Math.max(1, minSamples));
        expect(good >= 0 && good <= total).toBe(true);
        expect(Number.isFinite(verdict.value)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('P99 lies in the histogram, and a higher limit never turns a pass into a failure', () => {
    const histograms = fc
      .array(fc.record({ width: fc.integer({ min: 1, max: 500 }), more: fc.nat(200) }), { minLength: 2, maxLength: 12 })
      .map((parts) => {
        let leMs = 0;
        let count = 0;
        return parts.map(({ width, more }, index) => {
          leMs += width;
          count += more;
          return { leMs: index === parts.length - 1 ? Infinity : leMs, count };
        });
      });
    fc.assert(
      fc.property(histograms, fc.integer({ min: 1, max: 6000 }), (buckets, max) => {
        const lower = judgeDuration(evidence({ buckets }, { max }, 1));
        const higher = judgeDuration(evidence({ buckets }, { max: max + 1 }, 1));
        if (lower.verdict === 'pass') expect(higher.verdict).toBe('pass');
        if (lower.value !== undefined) expect(lower.value).toBeLessThanOrEqual(buckets.at(-2)?.leMs ?? 0);
      }),
      { numRuns: 1000 },
    );
  });
});
