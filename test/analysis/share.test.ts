import { expect, test } from 'vitest';
import { clearBreach } from '../../src/analysis/clear-breach.ts';
import { observedShare, shareAgrees, shareTolerance } from '../../src/analysis/share.ts';
import { requests, timeline } from './builders.ts';

test('the observed share is that of the requests after the moment', () => {
  const line = timeline({
    stable: [requests(true, [1000, 1100, 1195])],
    canary: [requests(true, [0, 50, 54]), requests(false, [1], 20_000)],
  });
  expect(observedShare(line, 5_000)).toEqual({ share: 5, requests: 100, newestSampleMs: 20_000 });
});

test('without requests there is no observed share', () => {
  expect(observedShare(timeline({}), 0)).toEqual({ share: undefined, requests: 0, newestSampleMs: undefined });
});

test('a share agrees within 3 points or four standard deviations, whichever is more', () => {
  expect(shareTolerance(50, 100)).toBeCloseTo(20);
  expect(shareTolerance(5, 1_000_000)).toBe(3);
  expect(shareAgrees({ share: 8, asked: 5, requests: 100_000 })).toBe('agrees');
  expect(shareAgrees({ share: 8.1, asked: 5, requests: 100_000 })).toBe('differs');
  expect(shareAgrees({ share: 97, asked: 100, requests: 1000 })).toBe('agrees');
  expect(shareAgrees({ share: 0, asked: 50, requests: 1000 })).toBe('differs');
});

test('fewer than 20 expected canary requests say nothing about the share', () => {
  expect(shareAgrees({ share: 0, asked: 5, requests: 399 })).toBe('tooFew');
  expect(shareAgrees({ share: 0, asked: 5, requests: 400 })).toBe('differs');
  expect(shareAgrees({ share: undefined, asked: 50, requests: 0 })).toBe('tooFew');
});

const question = {
  metric: 'request-success-rate',
  limit: { min: 99 },
  minSamples: 20,
  elapsedMs: 10_000,
  intervalMs: 60_000,
} as const;

test('a breach is clear when good answers to all that is expected could not mend it', () => {
  const newestSampleMs = 10_000;
  // 100 requests in a sixth of the interval: 600 by its end, of which 6 may fail.
  expect(clearBreach({ ...question, counts: { total: 100, good: 94, newestSampleMs } })).toBe(false);
  expect(clearBreach({ ...question, counts: { total: 100, good: 93, newestSampleMs } })).toBe(true);
  expect(clearBreach({ ...question, counts: { total: 19, good: 0, newestSampleMs } })).toBe(false);
  expect(clearBreach({ ...question, elapsedMs: 0, counts: { total: 100, good: 0, newestSampleMs } })).toBe(false);
  expect(clearBreach({ ...question, elapsedMs: 60_000, counts: { total: 600, good: 593, newestSampleMs } })).toBe(true);
});

test('a breach of the duration is clear when fast answers to all that is expected could not mend it', () => {
  const slow = (count: number) => ({
    total: 100,
    good: 100,
    newestSampleMs: 10_000,
    buckets: [
      { leMs: 500, count: 100 - count },
      { leMs: Infinity, count: 100 },
    ],
  });
  const limit = { max: 500 };
  expect(clearBreach({ ...question, metric: 'request-duration', limit, counts: slow(6) })).toBe(false);
  expect(clearBreach({ ...question, metric: 'request-duration', limit, counts: slow(7) })).toBe(true);
});
