import { keyOf, type Labels, without } from '../labels.ts';
import type { Sample } from './value.ts';

interface Bucket {
  upper: number;
  count: number;
}

const OWN_LABELS = new Set(['__name__', 'le']);
/** Differences between neighbouring buckets below this share are rounding and not observations. */
const SMALL_DELTA = 1e-12;

/** `histogram_quantile` over classic histograms: one result for each label set but `le`. */
export function histogramQuantile(q: number, samples: readonly Sample[]): Sample[] {
  const histograms = new Map<string, { labels: Labels; buckets: Bucket[] }>();
  for (const { labels, value } of samples) {
    const upper = parseUpperBound(labels.get('le'));
    if (upper === undefined) continue;
    const rest = without(labels, OWN_LABELS);
    const key = keyOf(rest);
    const histogram = histograms.get(key) ?? { labels: rest, buckets: [] };
    histogram.buckets.push({ upper, count: value });
    histograms.set(key, histogram);
  }
  return [...histograms.values()].map(({ labels, buckets }) => ({ labels, value: bucketQuantile(q, buckets) }));
}

function parseUpperBound(le: string | undefined): number | undefined {
  if (le === undefined) return undefined;
  if (/^\+?inf$/i.test(le)) return Number.POSITIVE_INFINITY;
  if (/^-inf$/i.test(le)) return Number.NEGATIVE_INFINITY;
  const upper = Number(le);
  return le.trim() === '' || Number.isNaN(upper) ? undefined : upper;
}

function bucketQuantile(q: number, unordered: readonly Bucket[]): number {
  if (Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const buckets = cumulative(coalesced([...unordered].sort((a, b) => a.upper - b.upper || 0)));
  const last = buckets.at(-1);
  if (last === undefined || buckets.length < 2 || last.upper !== Number.POSITIVE_INFINITY) return Number.NaN;
  if (last.count === 0 || Number.isNaN(last.count)) return Number.NaN;
  return interpolate(q * last.count, buckets);
}

/** @param buckets cumulative, at least two, the last one unbounded */
function interpolate(rank: number, buckets: readonly Bucket[]): number {
  const found = buckets.findIndex((bucket, index) => index === buckets.length - 1 || bucket.count >= rank);
  const bucket = buckets[found] as Bucket;
  const below = buckets[found - 1];
  if (found === buckets.length - 1) return below?.upper ?? Number.NaN;
  if (below === undefined) return bucket.upper <= 0 ? bucket.upper : bucket.upper * (rank / bucket.count);
  return below.upper + (bucket.upper - below.upper) * ((rank - below.count) / (bucket.count - below.count));
}

/** Bounds may be written in several ways (`1`, `1.0`): their counts add up. */
function coalesced(buckets: readonly Bucket[]): Bucket[] {
  const merged: Bucket[] = [];
  for (const bucket of buckets) {
    const last = merged.at(-1);
    if (last !== undefined && last.upper === bucket.upper) last.count += bucket.count;
    else merged.push({ ...bucket });
  }
  return merged;
}

/** Counts never fall from one bucket to the next; where scraping or rounding made them, they are lifted. */
function cumulative(buckets: Bucket[]): Bucket[] {
  let before = buckets[0]?.count ?? 0;
  for (const bucket of buckets) {
    if (bucket.count < before || almostEqual(bucket.count, before)) bucket.count = before;
    else before = bucket.count;
  }
  return buckets;
}

function almostEqual(a: number, b: number): boolean {
  return a === b || Math.abs(a - b) / Math.min(Math.abs(a) + Math.abs(b), Number.MAX_VALUE) < SMALL_DELTA;
}
