import type { CountsRequest } from '../ports/metrics.ts';
import type { Preset } from './presets/preset.ts';
import { matcher } from './promql.ts';

/**
 * How far before the oldest moment of interest samples are asked for, so that each series has one to count from: two
 * scrapes at the usual slowest interval of a minute.
 */
export const lookBackMs = 120_000;

/** What a request reads, oldest moment first, epoch ms. */
export function span(requests: readonly CountsRequest[]): { fromMs: number; atMs: number } {
  return {
    fromMs: Math.min(...requests.map((request) => request.fromMs)) - lookBackMs,
    atMs: Math.max(...requests.map((request) => request.atMs)),
  };
}

/**
 * One query for the raw samples of all the requests (of one preset). It may also select series of nobody: names and
 * namespaces are matched apart from each other.
 *
 * @returns undefined when there is nothing to select by, e.g. no pod addresses yet
 */
export function countsQuery(preset: Preset, requests: readonly CountsRequest[]): string | undefined {
  const histogram = requests.some((request) => request.histogram);
  const names = preset.counters.map((counter) => counter.name);
  if (histogram && preset.durations !== undefined) names.push(preset.durations.name);
  const matchers = [matcher('__name__', names)];
  for (const [label, value] of Object.entries(preset.always)) matchers.push(matcher(label, [value]));
  for (const rule of preset.side) {
    const values = requests.flatMap((request) =>
      [request.stable, request.canary].flatMap((side) => rule.values(request, side)),
    );
    if (values.length === 0) return undefined;
    matchers.push(matcher(rule.label, [...new Set(values)].toSorted(), rule.match));
  }
  const { fromMs, atMs } = span(requests);
  return `{${matchers.join(',')}}[${Math.ceil((atMs - fromMs) / 1000)}s]`;
}
