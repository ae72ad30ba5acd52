import type { Point } from '../series.ts';
import { maxOf, meanOf, minOf, quantileOf, sumOf, varianceOf } from './numbers.ts';

/** The window that a range vector was asked for: (fromMs, toMs]. */
interface Window {
  fromMs: number;
  toMs: number;
}

/** One number out of a window's samples (at least one); undefined gives no result for the series. */
export type OverTime = (points: readonly Point[], window: Window) => number | undefined;

const values = (points: readonly Point[]) => points.map(({ value }) => value);

/**
 * The functions that take one range vector. Windows are open on the left, as since Prometheus 3.
 */
export const OVER_TIME: Record<string, OverTime> = {
  rate: (points, window) => extrapolated(points, window, { counter: true, perSecond: true }),
  increase: (points, window) => extrapolated(points, window, { counter: true, perSecond: false }),
  delta: (points, window) => extrapolated(points, window, { counter: false, perSecond: false }),
  irate: (points) => lastTwo(points, true),
  idelta: (points) => lastTwo(points, false),
  sum_over_time: (points) => sumOf(values(points)),
  min_over_time: (points) => minOf(values(points)),
  max_over_time: (points) => maxOf(values(points)),
  avg_over_time: (points) => meanOf(values(points)),
  count_over_time: (points) => points.length,
  last_over_time: (points) => points.at(-1)?.value,
  present_over_time: () => 1,
  stddev_over_time: (points) => Math.sqrt(varianceOf(values(points))),
  stdvar_over_time: (points) => varianceOf(values(points)),
  changes: (points) => countPairs(points, (a, b) => a !== b && !(Number.isNaN(a) && Number.isNaN(b))),
  resets: (points) => countPairs(points, (a, b) => b < a),
};

/** `quantile_over_time`, which has a parameter more. */
export function quantileOverTime(q: number, points: readonly Point[]): number {
  return quantileOf(q, values(points));
}

function countPairs(points: readonly Point[], counts: (before: number, after: number) => boolean): number {
  return points.filter((point, index) => {
    const before = points[index - 1];
    return before !== undefined && counts(before.value, point.value);
  }).length;
}

function lastTwo(points: readonly Point[], perSecond: boolean): number | undefined {
  const [before, last] = points.slice(-2);
  if (before === undefined || last === undefined || last.atMs === before.atMs) return undefined;
  if (!perSecond) return last.value - before.value;
  const rise = last.value < before.value ? last.value : last.value - before.value;
  return rise / ((last.atMs - before.atMs) / 1000);
}

/**
 * The rise within the samples, stretched to the window's ends: up to an end that is nearer than 1.1 sample distances, else by half a
 * distance, and for counters never to before the moment at which the counter would have been 0.
 */
function extrapolated(
  points: readonly Point[],
  { fromMs, toMs }: Window,
  { counter, perSecond }: { counter: boolean; perSecond: boolean },
): number | undefined {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined || points.length < 2) return undefined;
  const rise = last.value - first.value + (counter ? lostInResets(points) : 0);
  const sampled = (last.atMs - first.atMs) / 1000;
  const distance = sampled / (points.length - 1);
  const nearby = (seconds: number) => (seconds >= distance * 1.1 ? distance / 2 : seconds);
  let toStart = nearby((first.atMs - fromMs) / 1000);
  if (counter && rise > 0 && first.value >= 0) toStart = Math.min(toStart, sampled * (first.value / rise));
  const toEnd = nearby((toMs - last.atMs) / 1000);
  const factor = (sampled + toStart + toEnd) / sampled;
  return rise * (perSecond ? factor / ((toMs - fromMs) / 1000) : factor);
}

function lostInResets(points: readonly Point[]): number {
  let lost = 0;
  let before = points[0]?.value ?? 0;
  for (const { value } of points) {
    if (value < before) lost += before;
    before = value;
  }
  return lost;
}
