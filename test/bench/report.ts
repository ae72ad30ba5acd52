import { apiRequests, type Tally } from './tally.ts';
import type { Mode } from './shops.ts';

/** The most that a release may cost, on average over all of them. */
const limits = { apiRequestsPerRelease: 50, prometheusRequestsPerRelease: 1 };

/** A stretch in which nothing is to happen. */
export interface Rest {
  seconds: number;
  tally: Tally;
  /** Runs of the loop in it. */
  runs: number;
  cpuSeconds: number;
}

/** All that was measured. */
export interface Result {
  mode: Mode;
  canaries: number;
  outcomes: Record<string, number>;
  /** With the Canaries watched and nothing released yet, and after all releases. */
  restBefore: Rest;
  restAfter: Rest;
  /** Requests of all releases together. */
  tally: Tally;
  /** Answers of the API server that were no success, by verb, kind and code. */
  refusals: Record<string, number>;
  failedRuns: number;
  cpuSeconds: number;
  rssMaxMiB: number;
  eventLoopDelayP99Ms: number;
  /** From the new versions to the end of the last release. */
  wallSeconds: number;
  /** Steps times interval. */
  idealSeconds: number;
  users: { requests: number; failed: number };
}

/** The line of JSON that ends the output. */
export function summaryOf(result: Result): Record<string, unknown> {
  const { mode, canaries, outcomes, tally, refusals, failedRuns, rssMaxMiB, eventLoopDelayP99Ms } = result;
  return {
    mode,
    canaries,
    outcomes,
    apiRequestsPerRelease: each(apiRequests(tally), canaries),
    prometheusRequestsPerRelease: each(tally.prometheus, canaries),
    apiRequestsByVerbAndKind: perRelease(result),
    refusals,
    conflicts: conflictsOf(result),
    failedRuns,
    cpuSeconds: round(result.cpuSeconds),
    cpuSecondsPerRelease: each(result.cpuSeconds, canaries),
    rssMaxMiB,
    eventLoopDelayP99Ms,
    wallSeconds: Math.round(result.wallSeconds),
    idealSeconds: result.idealSeconds,
    restBefore: restSummary(result.restBefore),
    restAfter: restSummary(result.restAfter),
    users: result.users,
  };
}

/** One sentence for each limit that was passed. */
export function problemsOf(result: Result): string[] {
  const { canaries, outcomes, tally } = result;
  const problems: string[] = [];
  if (outcomes['Promoted'] !== canaries) {
    problems.push(`${outcomes['Promoted'] ?? 0} of ${canaries} releases were promoted: ${JSON.stringify(outcomes)}`);
  }
  const api = each(apiRequests(tally), canaries);
  if (api > limits.apiRequestsPerRelease) {
    problems.push(`${api} API requests per release; at most ${limits.apiRequestsPerRelease} are allowed`);
  }
  const prometheus = each(tally.prometheus, canaries);
  if (prometheus > limits.prometheusRequestsPerRelease) {
    const most = limits.prometheusRequestsPerRelease;
    problems.push(`${prometheus} Prometheus requests per release; at most ${most} is allowed`);
  }
  return [...problems, ...restless('before', result.restBefore), ...restless('after', result.restAfter)];
}

function restless(when: string, { tally, runs, seconds }: Rest): string[] {
  const where = `at rest ${when} the releases, in ${seconds} s`;
  return [
    ...(apiRequests(tally) > 0 ? [`${where}: API requests ${JSON.stringify(tally.api)}; none is allowed`] : []),
    ...(tally.prometheus > 0 ? [`${where}: ${tally.prometheus} Prometheus requests; none is allowed`] : []),
    ...(runs > 0 ? [`${where}: ${runs} runs of the loop; none is allowed`] : []),
  ];
}

function restSummary({ seconds, tally, runs, cpuSeconds }: Rest): Record<string, unknown> {
  return {
    seconds,
    apiRequests: apiRequests(tally),
    prometheusRequests: tally.prometheus,
    runs,
    leaseRequests: tally.lease,
    watches: tally.watches,
    cpuSeconds: round(cpuSeconds),
  };
}

/** Writes that came too late, as somebody else had changed the object: 409, and 422 for a JSON Patch whose `test` failed. */
function conflictsOf({ refusals }: Result): number {
  return Object.entries(refusals).reduce(
    (sum, [what, count]) => sum + (/^patch .* (409|422)$/.test(what) ? count : 0),
    0,
  );
}

function perRelease({ tally, canaries }: Result): Record<string, number> {
  const sorted = Object.entries(tally.api).toSorted(([, a], [, b]) => b - a);
  return Object.fromEntries(sorted.map(([what, count]) => [what, each(count, canaries)]));
}

function each(sum: number, count: number): number {
  return round(sum / count);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** The measured part of docs/performance.md. */
export function tableOf(results: Result[]): string {
  const rows: [string, (result: Result) => string | number][] = [
    ['Canaries, all released at once', ({ canaries }) => canaries],
    ['promoted', ({ outcomes }) => outcomes['Promoted'] ?? 0],
    ['requests of users that failed', ({ users }) => `${users.failed} of ${users.requests}`],
    ['API requests per release', ({ tally, canaries }) => each(apiRequests(tally), canaries)],
    ['Prometheus requests per release', ({ tally, canaries }) => each(tally.prometheus, canaries)],
    ['conflicts, in all', conflictsOf],
    ['CPU seconds of the engine per release', ({ cpuSeconds, canaries }) => each(cpuSeconds, canaries)],
    ['most memory of the engine (RSS)', ({ rssMaxMiB }) => `${rssMaxMiB} MiB`],
    ['delay of its event loop, 99th percentile', ({ eventLoopDelayP99Ms }) => `${eventLoopDelayP99Ms} ms`],
    ['from push to the end of the last release', ({ wallSeconds }) => `${Math.round(wallSeconds)} s`],
    ['of which steps × interval', ({ idealSeconds }) => `${idealSeconds} s`],
    ...restRows('before', ({ restBefore }) => restBefore),
    ...restRows('after', ({ restAfter }) => restAfter),
  ];
  const line = (cells: (string | number)[]) => `| ${cells.join(' | ')} |`;
  const head = [line(['', ...results.map(({ mode }) => `\`${mode}\``)]), line(['---', ...results.map(() => '---:')])];
  return [...head, ...rows.map(([name, cell]) => line([name, ...results.map(cell)]))].join('\n');
}

function restRows(when: string, restOf: (result: Result) => Rest): [string, (result: Result) => string | number][] {
  return [
    [`at rest ${when}: seconds looked at`, (result) => restOf(result).seconds],
    [`at rest ${when}: API requests but Lease and watches`, (result) => apiRequests(restOf(result).tally)],
    [`at rest ${when}: Prometheus requests`, (result) => restOf(result).tally.prometheus],
    [`at rest ${when}: runs of the loop`, (result) => restOf(result).runs],
    [`at rest ${when}: CPU seconds of the engine`, (result) => round(restOf(result).cpuSeconds)],
  ];
}
