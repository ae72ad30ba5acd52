import type { BucketCount } from './counts.ts';

/** P99 of a histogram. `ms` is the last finite edge when `beyond`, i.e. when P99 lies above it. */
export interface P99 {
  ms: number;
  beyond: boolean;
}

/** Whether at least 99 % of the requests are at or below the edge; in whole numbers, so exact on edges. */
function holds99(bucket: BucketCount, total: number): boolean {
  return 100 * bucket.count >= 99 * total;
}

/**
 * P99 by linear interpolation inside its bucket, as PromQL's `histogram_quantile` has it.
 *
 * @param buckets rising edges, cumulative counts, the last edge `Infinity`
 * @returns undefined when there are no requests or no finite edge
 */
export function p99(buckets: readonly BucketCount[]): P99 | undefined {
  const total = buckets.at(-1)?.count ?? 0;
  const lastEdge = buckets.at(-2)?.leMs;
  if (total <= 0 || lastEdge === undefined) return undefined;
  const at = buckets.findIndex((bucket) => holds99(bucket, total));
  const found = buckets[at];
  if (found === undefined || found.leMs === Infinity) return { ms: lastEdge, beyond: true };
  const below = buckets[at - 1] ?? { leMs: Math.min(0, found.leMs), count: 0 };
  const part = (0.99 * total - below.count) / (found.count - below.count);
  const ms = below.leMs + (found.leMs - below.leMs) * Math.min(1, Math.max(0, part));
  return { ms: Math.min(ms, found.leMs), beyond: false };
}

/** Whether P99 is at most `maxMs`; undefined when it lies above the last finite edge and so does `maxMs`. */
export function p99Within(buckets: readonly BucketCount[], maxMs: number): boolean | undefined {
  const found = p99(buckets);
  if (found === undefined) return undefined;
  if (found.beyond) return maxMs <= found.ms ? false : undefined;
  return found.ms <= maxMs;
}
