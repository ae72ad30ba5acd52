import type { Answer } from '../analysis/answer.ts';
import type { Timeline } from '../analysis/timeline.ts';
import type { CountsRequest, MetricsServer } from '../ports/metrics.ts';
import { assign } from './assign.ts';
import { BodyError, type RawSeries, readMatrix } from './body.ts';
import { placeOf } from './failure.ts';
import type { Preset } from './presets/preset.ts';
import type { Question, Reply } from './prometheus.ts';
import { countsQuery, span } from './query.ts';

/** At most this many Canaries in one query. */
const maxAskers = 100;
/** At most this long a query, in bytes, unless a single Canary needs more. */
const maxQueryBytes = 8 * 1024;
/** Bytes of answer for each Canary that asks; histograms have some twenty series for one of a counter. */
const answerBytes = { counters: 256 * 1024, histograms: 1024 * 1024 };
const maxAnswerBytes = 32 * 1024 * 1024;

/** Asks one question of the server at hand. */
export type AskServer = (question: Question, askers: number) => Promise<Reply>;

/** A request and the promise it waits with. */
export interface Waiting {
  request: CountsRequest;
  resolve: (answer: Answer<Timeline>) => void;
}

/** Answers all of them with as few queries as the limits allow. They are of one server and one preset. */
export async function answerAll(
  preset: Preset,
  server: MetricsServer,
  waiting: Waiting[],
  askServer: AskServer,
): Promise<void> {
  const groups = intoGroups(preset, waiting);
  await Promise.all(groups.map((group) => answerGroup(preset, server, group, askServer)));
}

function intoGroups(preset: Preset, waiting: Waiting[]): Waiting[][] {
  const groups: Waiting[][] = [];
  let group: Waiting[] = [];
  for (const one of waiting) {
    const query = countsQuery(preset, requestsOf([...group, one])) ?? '';
    const full = group.length >= maxAskers || Buffer.byteLength(query) > maxQueryBytes;
    if (full && group.length > 0) {
      groups.push(group);
      group = [];
    }
    group.push(one);
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

async function answerGroup(
  preset: Preset,
  server: MetricsServer,
  group: Waiting[],
  askServer: AskServer,
): Promise<void> {
  const requests = requestsOf(group);
  const query = countsQuery(preset, requests);
  if (query === undefined) return settle(preset, group, () => nothingToAskFor());
  const reply = await askServer({ query, atMs: span(requests).atMs, maxBytes: answerLimit(requests) }, group.length);
  if (reply.ok) return distribute(preset, server, group, reply.data);
  if (reply.kind !== 'failed' && group.length > 1) {
    // One Canary's names or numbers must not spoil the others' answers.
    const half = Math.ceil(group.length / 2);
    await answerGroup(preset, server, group.slice(0, half), askServer);
    return answerGroup(preset, server, group.slice(half), askServer);
  }
  const invalidQuery = reply.kind === 'badQuery';
  settle(preset, group, () => ({
    outcome: 'error',
    reason: 'Failed',
    message: reply.message,
    ...(invalidQuery ? { invalidQuery } : {}),
  }));
}

function distribute(preset: Preset, server: MetricsServer, group: Waiting[], data: unknown): void {
  let series: RawSeries[];
  try {
    series = readMatrix(data);
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    const message = `The metrics server ${placeOf(server)} ${error.message}.`;
    return settle(preset, group, () => ({ outcome: 'error', reason: 'Failed', message }));
  }
  const assigned = assign(preset, requestsOf(group), series);
  settle(preset, group, (request, index) => {
    const mine = assigned[index];
    if (mine === undefined) return { outcome: 'noData', message: nothingFound(preset, request) };
    if (!mine.ok) return { outcome: mine.outcome, message: mine.message };
    if (isEmpty(mine.timeline)) return { outcome: 'noData', message: nothingFound(preset, request) };
    return { outcome: 'data', data: mine.timeline };
  });
}

type WithoutQuery<T> = T extends unknown ? Omit<T, 'query'> : never;

function settle(
  preset: Preset,
  group: Waiting[],
  answerOf: (request: CountsRequest, index: number) => WithoutQuery<Answer<Timeline>>,
): void {
  for (const [index, { request, resolve }] of group.entries()) {
    // The query of this Canary alone: what was sent names the others too.
    const query = countsQuery(preset, [request]) ?? '';
    resolve({ ...answerOf(request, index), query });
  }
}

function requestsOf(group: Waiting[]): CountsRequest[] {
  return group.map((waiting) => waiting.request);
}

function answerLimit(requests: CountsRequest[]): number {
  const wanted = requests.map(({ histogram }) => (histogram ? answerBytes.histograms : answerBytes.counters));
  return Math.min(
    maxAnswerBytes,
    wanted.reduce((sum, bytes) => sum + bytes, 0),
  );
}

function isEmpty({ stable, canary }: Timeline): boolean {
  return stable.requests.length === 0 && canary.requests.length === 0;
}

function nothingToAskFor(): WithoutQuery<Answer<Timeline>> {
  return { outcome: 'noData', message: 'No pod address of either version is known yet.' };
}

function nothingFound(preset: Preset, { namespace, stable, canary }: CountsRequest): string {
  const names = preset.counters.map((counter) => counter.name).join(', ');
  return `There is no series ${names} for ${namespace}/${stable.service} or ${namespace}/${canary.service}.`;
}
