import type { Clock } from '../../../ports/clock.ts';
import type { Labels } from '../../world/metrics/labels.ts';
import type { MetricsStore } from '../../world/metrics/store.ts';
import { formatLabels, formatResult } from './format.ts';
import { durationParameter, ParameterError, timeParameter } from './parameters.ts';

/** What answers are made from. */
export interface Source {
  store: MetricsStore;
  clock: Clock;
}

/** @returns what stands under `data`. @throws PromqlError, ParameterError */
type Route = (params: URLSearchParams, source: Source) => unknown;

/** The version of Prometheus whose grammar and arithmetic the store follows. */
const VERSION = '3.15.0-linnet-sandbox';

const ROUTES: Record<string, Route> = {
  '/api/v1/query': query,
  '/api/v1/query_range': queryRange,
  '/api/v1/series': series,
  '/api/v1/labels': (params, source) => distinct(selected(params, source).flatMap((labels) => [...labels.keys()])),
  '/api/v1/targets': targets,
  '/api/v1/status/buildinfo': () => ({
    version: VERSION,
    revision: '',
    branch: '',
    buildUser: '',
    buildDate: '',
    goVersion: '',
  }),
};

/** @returns the route of a path of the API, undefined where there is none */
export function findRoute(path: string): Route | undefined {
  const label = /^\/api\/v1\/label\/([^/]+)\/values$/.exec(path)?.[1];
  return label === undefined ? ROUTES[path] : (params, source) => labelValues(label, params, source);
}

function query(params: URLSearchParams, { store, clock }: Source): unknown {
  const atMs = timeParameter(params, 'time', clock.now());
  return formatResult(store.evaluate(params.get('query') ?? '', atMs));
}

function queryRange(params: URLSearchParams, { store }: Source): unknown {
  const startMs = timeParameter(params, 'start', undefined);
  const endMs = timeParameter(params, 'end', undefined);
  if (endMs < startMs) throw new ParameterError('end', 'end timestamp must not be before start time');
  const stepMs = durationParameter(params, 'step');
  if (stepMs <= 0) {
    throw new ParameterError(
      'step',
      'zero or negative query resolution step widths are not accepted. Try a positive integer',
    );
  }
  return formatResult(store.evaluateRange(params.get('query') ?? '', { startMs, endMs, stepMs }));
}

/** The label sets that the request's `match[]`, `start` and `end` ask for. */
function selected(params: URLSearchParams, { store }: Source): Labels[] {
  const fromMs = timeParameter(params, 'start', Number.MIN_SAFE_INTEGER);
  const toMs = timeParameter(params, 'end', Number.MAX_SAFE_INTEGER);
  return store.findSeries(params.getAll('match[]'), fromMs, toMs);
}

function series(params: URLSearchParams, source: Source): unknown {
  if (!params.has('match[]')) throw new ParameterError(undefined, 'no match[] parameter provided');
  return selected(params, source).map(formatLabels);
}

function labelValues(label: string, params: URLSearchParams, source: Source): unknown {
  return distinct(selected(params, source).flatMap((labels) => labels.get(label) ?? []));
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)].sort((a, b) => (a < b ? -1 : 1));
}

function targets(_: URLSearchParams, { store }: Source): unknown {
  const activeTargets = store.targets().map(({ labels, health, lastScrapeMs, lastError }) => ({
    discoveredLabels: labels,
    labels,
    scrapePool: labels.job ?? '',
    health,
    lastError,
    lastScrape: lastScrapeMs === undefined ? '0001-01-01T00:00:00Z' : new Date(lastScrapeMs).toISOString(),
  }));
  return { activeTargets, droppedTargets: [], droppedTargetCounts: {} };
}
