import type { SideCounts } from './counts.ts';
import { p99Within } from './quantile.ts';
import type { Limit } from './verdict.ts';

/** A built-in check at a moment within its interval. */
export interface BreachQuestion {
  metric: 'request-success-rate' | 'request-duration';
  /** Of the canary, since the interval began. */
  counts: SideCounts;
  limit: Limit;
  /** Fewer requests than this are never a breach. */
  minSamples: number;
  elapsedMs: number;
  intervalMs: number;
}

/**
 * Whether the limit will be broken at the interval's end even if every request still to be expected, at the present rate,
 * is a good one (a fast one): then there is no use in waiting for the end.
 */
export function clearBreach(question: BreachQuestion): boolean {
  const { counts, limit, minSamples, elapsedMs, intervalMs } = question;
  const inHistogram = counts.buckets?.at(-1)?.count ?? 0;
  const total = question.metric === 'request-duration' ? inHistogram : counts.total;
  if (!(elapsedMs > 0) || !(total >= Math.max(1, minSamples))) return false;
  const expected = (total * Math.max(0, intervalMs - elapsedMs)) / elapsedMs;
  if (question.metric === 'request-success-rate') {
    return limit.min !== undefined && (100 * (counts.good + expected)) / (total + expected) < limit.min;
  }
  const best = (counts.buckets ?? []).map(({ leMs, count }) => ({ leMs, count: count + expected }));
  return limit.max !== undefined && p99Within(best, limit.max) === false;
}
