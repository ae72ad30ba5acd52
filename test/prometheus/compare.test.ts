import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PrometheusApi, startPrometheusApi } from '../../src/sandbox/http/prometheus/api.ts';
import { createMetricsStore } from '../../src/sandbox/world/metrics/store.ts';
import { manualClock } from '../sandbox/metrics-fixtures.ts';
import { BEGIN_MS, testData } from './data.ts';
import { MATRIX_QUERIES, ORDERED_QUERIES, QUERIES, REFUSED_QUERIES } from './queries.ts';
import { type RealPrometheus, startRealPrometheus } from './real-prometheus.ts';

/** Half a second beside the samples' grid and the steps of subqueries; see `data.ts` on the edges of windows. */
const AT_SECONDS = (BEGIN_MS + 1_200_500) / 1000;
const END_SECONDS = AT_SECONDS + 300;

interface Answer {
  status: number;
  body: {
    errorType?: string;
    error?: string;
    data?: { resultType: string; result: unknown };
  };
}

let real: RealPrometheus;
let api: PrometheusApi;

beforeAll(async () => {
  const data = testData();
  const clock = manualClock(BEGIN_MS);
  const store = createMetricsStore({ clock });
  for (const { labels, points } of data) for (const { atMs, value } of points) store.append(labels, value, atMs);
  real = await startRealPrometheus(data);
  api = await startPrometheusApi({ store, clock });
});

afterAll(async () => {
  await api?.close();
  await real?.stop();
});

async function ask(url: string, path: string, params: Record<string, string>): Promise<Answer> {
  const response = await fetch(`${url}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(params) });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

async function askBoth(path: string, params: Record<string, string>): Promise<{ ours: Answer; theirs: Answer }> {
  const [ours, theirs] = await Promise.all([ask(api.url, path, params), ask(real.url, path, params)]);
  return { ours, theirs };
}

/** Series in an order of their own, and numbers to 12 digits: versions of Prometheus differ in how they add up. */
function comparable({ status, body }: Answer, ordered: boolean): unknown {
  const rounded = JSON.parse(JSON.stringify(body.data ?? null), (_, value: unknown) =>
    typeof value === 'string' && /^-?\d/.test(value) ? Number(value).toPrecision(12) : value,
  );
  const result: unknown = rounded?.result;
  const isSeries = rounded?.resultType === 'vector' || rounded?.resultType === 'matrix';
  if (!ordered && isSeries) (result as { metric: object }[]).sort((a, b) => (seriesName(a) < seriesName(b) ? -1 : 1));
  return { status, errorType: body.errorType, error: body.error, ...rounded };
}

function seriesName({ metric }: { metric: object }): string {
  return JSON.stringify(
    metric,
    Object.keys(metric).sort((a, b) => (a < b ? -1 : 1)),
  );
}

async function expectEqual(path: string, params: Record<string, string>, ordered = false): Promise<void> {
  const { ours, theirs } = await askBoth(path, params);
  expect(comparable(ours, ordered)).toEqual(comparable(theirs, ordered));
  expect(ours.status).toBe(200);
}

describe('the sandbox answers as Prometheus does', () => {
  test.each(QUERIES)('at one moment: %s', async (query) => {
    await expectEqual('query', { query, time: String(AT_SECONDS) });
  });

  test.each(QUERIES.filter((query) => !/^["`]/.test(query)))('over a range: %s', async (query) => {
    await expectEqual('query_range', { query, start: String(AT_SECONDS), end: String(END_SECONDS), step: '53s' });
  });

  test.each(ORDERED_QUERIES)('in the same order: %s', async (query) => {
    await expectEqual('query', { query, time: String(AT_SECONDS) }, true);
  });

  test.each(MATRIX_QUERIES)('with a range vector: %s', async (query) => {
    await expectEqual('query', { query, time: String(AT_SECONDS) });
  });

  test.each(REFUSED_QUERIES)('and refuses: $query', async ({ query, same }) => {
    const { ours, theirs } = await askBoth('query', { query, time: String(AT_SECONDS) });
    expect(ours.status, ours.body.error).toBe(theirs.status);
    expect(ours.body.errorType).toBe(theirs.body.errorType);
    expect(ours.status).not.toBe(200);
    if (same) expect(ours.body.error).toBe(theirs.body.error);
  });

  test.each([
    ['query', { query: 'big', time: 'yesterday' }],
    ['query_range', { query: 'big', start: '1', end: '2' }],
    ['query_range', { query: 'big', start: '2', end: '1', step: '1' }],
    ['query_range', { query: 'big', start: '1', end: '2', step: '0' }],
    ['query_range', { query: 'big', start: '1', end: '200000', step: '1' }],
    ['query_range', { query: 'big[5m]', start: '1', end: '2', step: '1' }],
    ['series', {}],
  ])('and refuses bad parameters of %s: %j', async (path, params) => {
    const { ours, theirs } = await askBoth(path, params);
    expect(ours).toEqual(theirs);
  });

  test('to questions for series', async () => {
    const range = { start: String(BEGIN_MS / 1000), end: String(END_SECONDS) };
    await expectEqual('series', { 'match[]': '{__name__=~"capacity|owner|gone"}', ...range });
  });

  test.each(['labels', 'label/__name__/values', 'label/version/values', 'label/none/values'])('to %s', async (path) => {
    const query = `start=${BEGIN_MS / 1000}&end=${END_SECONDS}`;
    const read = async (url: string) =>
      ((await (await fetch(`${url}/api/v1/${path}?${query}`)).json()) as { data: unknown }).data;
    expect(await read(api.url)).toEqual(await read(real.url));
  });
});
