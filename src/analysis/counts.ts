import type { BucketSeries, RequestSeries, Sample, Side, SideSeries, Timeline } from './timeline.ts';

/** Requests of one version in a window. */
export interface SideCounts {
  total: number;
  /** Never more than `total`. */
  good: number;
  /** Time of the newest sample of the version up to the window's end, epoch ms; undefined when it has no series at all. */
  newestSampleMs: number | undefined;
  /** Time between the newest sample and the one before it; absent when there is no such pair. */
  scrapeGapMs?: number;
  /** Rising edges, cumulative counts, the last edge is `Infinity`. Absent where there is no histogram. */
  buckets?: BucketCount[];
}

export interface BucketCount {
  leMs: number;
  /** Requests that took `leMs` or less. */
  count: number;
}

/**
 * From which scrape a window counts. `before`: the last one at or before its start, so nothing in it is missed (failing
 * evidence). `after`: the first one at or after its start, so nothing from before it is counted (passing evidence).
 */
export type Baseline = 'before' | 'after';

interface Window {
  fromMs: number;
  toMs: number;
  baseline: Baseline;
}

interface Tracked {
  target: string;
  samples: Sample[];
}

/**
 * Counts exactly, where PromQL's `increase` would extrapolate and lose the first sample of a new series. A counter that
 * fell was reset and counts what it has now. A series that appears counts from 0 when its target had been scraped without
 * it, else from its first sample: after a gap in scraping, nobody knows when those requests were. A series that vanishes
 * keeps what it had.
 *
 * @param options.toMs end of the window, epoch ms; default: all there is
 */
export function countsBetween(
  timeline: Timeline,
  side: Side,
  fromMs: number,
  options: { baseline: Baseline; toMs?: number },
): SideCounts {
  const window: Window = { fromMs, toMs: options.toMs ?? Infinity, baseline: options.baseline };
  const starts = startOfTargets(timeline, window);
  const { requests, buckets } = timeline[side];
  const counts: SideCounts = { total: 0, good: 0, ...newestScrape(requests, window.toMs) };
  for (const series of requests) {
    const delta = increase(series, starts, window);
    counts.total += delta;
    if (series.good) counts.good += delta;
  }
  const merged = mergeHistograms(buckets, starts, window);
  if (merged !== undefined) counts.buckets = merged;
  return counts;
}

function newestScrape(series: RequestSeries[], toMs: number): Pick<SideCounts, 'newestSampleMs' | 'scrapeGapMs'> {
  const times = new Set(series.flatMap(({ samples }) => lastTwo(samples, toMs)));
  const newestSampleMs = times.size === 0 ? undefined : Math.max(...times);
  const gaps = series.flatMap(({ samples }) => {
    const [previous, last] = lastTwo(samples, toMs);
    return previous !== undefined && last === newestSampleMs && last !== undefined ? [last - previous] : [];
  });
  return { newestSampleMs, ...(gaps.length === 0 ? {} : { scrapeGapMs: Math.min(...gaps) }) };
}

/** Times of the last two samples up to `toMs`, the newest one last. */
function lastTwo(samples: Sample[], toMs: number): number[] {
  const end = samples.findLastIndex((sample) => sample.atMs <= toMs) + 1;
  return samples.slice(Math.max(0, end - 2), end).map((sample) => sample.atMs);
}

/** For each target the scrape that the window counts from; both versions of a target count from the same one. */
function startOfTargets(timeline: Timeline, window: Window): Map<string, number> {
  const starts = new Map<string, number>();
  for (const { target, samples } of allSeries(timeline)) {
    const own = startOfSamples(samples, window);
    if (own === undefined) continue;
    const other = starts.get(target);
    starts.set(target, other === undefined ? own : betterStart(own, other, window));
  }
  return starts;
}

function allSeries(timeline: Timeline): Tracked[] {
  const of = (side: SideSeries): Tracked[] => [...side.requests, ...side.buckets];
  return [...of(timeline.stable), ...of(timeline.canary)];
}

function startOfSamples(samples: Sample[], { fromMs, baseline }: Window): number | undefined {
  if (baseline === 'after') return samples.find((sample) => sample.atMs >= fromMs)?.atMs;
  return (samples.findLast((sample) => sample.atMs <= fromMs) ?? samples[0])?.atMs;
}

/** The latest scrape before the window's start if there is one, else the earliest in it. */
function betterStart(a: number, b: number, { fromMs, baseline }: Window): number {
  const bothBefore = baseline === 'before' && a <= fromMs && b <= fromMs;
  return bothBefore ? Math.max(a, b) : Math.min(a, b);
}

function increase(series: Tracked, starts: Map<string, number>, window: Window): number {
  const startMs = starts.get(series.target);
  if (startMs === undefined) return 0;
  const at = baselineIndex(series.samples, startMs, window.baseline);
  let previous = at < 0 ? 0 : (series.samples[at]?.value ?? 0);
  let sum = 0;
  for (let i = at + 1; i < series.samples.length; i++) {
    const sample = series.samples[i];
    if (sample === undefined || sample.atMs > window.toMs) break;
    sum += sample.value >= previous ? sample.value - previous : sample.value;
    previous = sample.value;
  }
  return sum;
}

/** Index of the sample to count from; -1: the series appeared after the target's start, so it counts from 0. */
function baselineIndex(samples: Sample[], startMs: number, baseline: Baseline): number {
  const last = samples.findLastIndex((sample) => sample.atMs <= startMs);
  // Missing from the start scrape but known before it: what came between belongs to an unknown moment.
  const missed = baseline === 'after' && last >= 0 && samples[last]?.atMs !== startMs;
  return missed ? Math.min(last + 1, samples.length - 1) : last;
}

/** Adds the histograms up on the edges that all of them have. Histograms without the last bucket are left out. */
function mergeHistograms(
  series: BucketSeries[],
  starts: Map<string, number>,
  window: Window,
): BucketCount[] | undefined {
  const histograms = new Map<string, Map<number, number>>();
  for (const bucket of series) {
    const edges = histograms.get(bucket.histogram) ?? new Map<number, number>();
    edges.set(bucket.leMs, increase(bucket, starts, window));
    histograms.set(bucket.histogram, edges);
  }
  const whole = [...histograms.values()].filter((edges) => edges.has(Infinity));
  if (whole.length === 0) return undefined;
  const used = whole.filter((edges) => edges.get(Infinity) !== 0);
  if (used.length === 0) return [{ leMs: Infinity, count: 0 }];
  return addUp(used);
}

function addUp(histograms: Map<number, number>[]): BucketCount[] {
  const [first, ...others] = histograms;
  const common = [...(first?.keys() ?? [])].filter((edge) => others.every((other) => other.has(edge)));
  let highest = 0;
  return common
    .toSorted((a, b) => a - b)
    .map((leMs) => {
      const sum = histograms.reduce((total, edges) => total + (edges.get(leMs) ?? 0), 0);
      // A reset seen by one bucket and not by the next must not make the counts fall.
      highest = Math.max(highest, sum);
      return { leMs, count: highest };
    });
}
