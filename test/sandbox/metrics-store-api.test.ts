import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type PrometheusApi, startPrometheusApi } from '../../src/sandbox/http/prometheus/api.ts';
import type { Intercept } from '../../src/sandbox/http/prometheus/faults.ts';
import { createMetricsStore, type MetricsStore } from '../../src/sandbox/world/metrics/store.ts';
import { type ManualClock, manualClock } from './metrics-fixtures.ts';

const START_MS = 1_800_000_000_000;

let clock: ManualClock;
let store: MetricsStore;
let api: PrometheusApi;
let intercept: Intercept;

beforeEach(async () => {
  clock = manualClock(START_MS);
  store = createMetricsStore({ clock });
  intercept = () => undefined;
  api = await startPrometheusApi({ store, clock, intercept: (request) => intercept(request) });
});

afterEach(() => api.close());

async function get(path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${api.url}${path}`);
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
}

const query = (text: string) => get(`/api/v1/query?query=${encodeURIComponent(text)}`);

describe('the API', () => {
  test('writes numbers as Prometheus does', async () => {
    const values: [string, number][] = [
      ['NaN', Number.NaN],
      ['+Inf', Number.POSITIVE_INFINITY],
      ['-Inf', Number.NEGATIVE_INFINITY],
      ['1e-07', 1e-7],
      ['1.5e+21', 1.5e21],
      ['123456789012', 123456789012],
      ['-0', -0],
      ['0.1', 0.1],
    ];
    for (const [text, value] of values) {
      store.append({ __name__: 'm', text }, value, START_MS);
    }
    const { body } = await query('m');
    const result = (body as { data: { result: { metric: { text: string }; value: [number, string] }[] } }).data.result;
    expect(result).toHaveLength(values.length);
    for (const { metric, value } of result) expect(value).toEqual([START_MS / 1000, metric.text]);
  });

  test('takes GET and POST, and times as seconds and as RFC 3339', async () => {
    store.append({ __name__: 'm' }, 7, START_MS - 60_000);
    const post = await fetch(`${api.url}/api/v1/query`, { method: 'POST', body: new URLSearchParams({ query: 'm' }) });
    const expected = (atMs: number) => ({
      status: 'success',
      data: { resultType: 'vector', result: [{ metric: { __name__: 'm' }, value: [atMs / 1000, '7'] }] },
    });
    expect(await post.json()).toEqual(expected(START_MS));
    const iso = new Date(START_MS + 250).toISOString();
    expect((await get(`/api/v1/query?query=m&time=${iso}`)).body).toEqual(expected(START_MS + 250));
    expect((await get(`/api/v1/query?query=m&time=${START_MS / 1000 - 10.5}`)).body).toEqual(
      expected(START_MS - 10_500),
    );
  });

  test('answers range queries with one series for each label set', async () => {
    store.append({ __name__: 'm', a: '1' }, 1, START_MS);
    store.append({ __name__: 'm', a: '1' }, 2, START_MS + 20_000);
    const { body } = await get(
      `/api/v1/query_range?query=m&start=${START_MS / 1000}&end=${START_MS / 1000 + 30}&step=15`,
    );
    expect(body).toMatchObject({
      data: {
        resultType: 'matrix',
        result: [
          {
            metric: { a: '1' },
            values: [
              [1.8e9, '1'],
              [1.8e9 + 15, '1'],
              [1.8e9 + 30, '2'],
            ],
          },
        ],
      },
    });
  });

  test('refuses with the code and type that Prometheus uses', async () => {
    store.append({ __name__: 'm', a: '1' }, 1, START_MS);
    store.append({ __name__: 'm', a: '2' }, 1, START_MS);
    expect(await query('m{')).toMatchObject({ status: 400, body: { status: 'error', errorType: 'bad_data' } });
    expect(await query('m + on() m')).toMatchObject({ status: 422, body: { status: 'error', errorType: 'execution' } });
    expect(await get('/api/v1/query?query=m&time=now')).toMatchObject({ status: 400, body: { errorType: 'bad_data' } });
    expect(await get('/api/v1/none')).toMatchObject({ status: 404 });
    expect((await fetch(`${api.url}/api/v1/query?query=m`, { method: 'DELETE' })).status).toBe(405);
  });

  test('says that it is well, and lists its targets', async () => {
    store.addTarget({ labels: { job: 'shop', instance: 'a' }, scrape: () => 'c 1\n' });
    await clock.advance(1000);
    expect(await get('/-/healthy')).toMatchObject({ status: 200 });
    expect(await get('/-/ready')).toMatchObject({ status: 200 });
    expect((await get('/api/v1/status/buildinfo')).body).toMatchObject({ status: 'success' });
    expect((await get('/api/v1/targets')).body).toMatchObject({
      data: {
        activeTargets: [{ labels: { job: 'shop' }, health: 'up', lastScrape: new Date(START_MS + 1000).toISOString() }],
      },
    });
    expect((await get('/api/v1/label/__name__/values')).body).toMatchObject({ data: ['c', 'up'] });
    expect((await get('/api/v1/labels')).body).toMatchObject({ data: ['__name__', 'instance', 'job'] });
    expect((await get('/api/v1/series?match[]=up')).body).toMatchObject({ data: [{ __name__: 'up', job: 'shop' }] });
  });

  test('refuses to start on a port that is taken', async () => {
    const port = Number(new URL(api.url).port);
    await expect(startPrometheusApi({ store, clock, port })).rejects.toThrow('EADDRINUSE');
  });
});

describe('a fault', () => {
  beforeEach(() => store.append({ __name__: 'm' }, 7, START_MS));

  test('lasts until it is taken away', async () => {
    api.setFault({ kind: 'unavailable' });
    expect(await query('m')).toMatchObject({ status: 503 });
    expect(await query('m')).toMatchObject({ status: 503 });
    api.setFault(undefined);
    expect(await query('m')).toMatchObject({ status: 200 });
  });

  test("can answer with nothing, with values of one's own, with warnings and with any text", async () => {
    api.setFault({ kind: 'empty' });
    expect((await query('m')).body).toEqual({ status: 'success', data: { resultType: 'vector', result: [] } });
    api.setFault({ kind: 'values', values: ['NaN', '2'] });
    expect((await query('m')).body).toMatchObject({
      data: { result: [{ value: [1.8e9, 'NaN'] }, { value: [1.8e9, '2'] }] },
    });
    api.setFault({ kind: 'warnings', warnings: ['a store did not answer'] });
    expect((await query('m')).body).toMatchObject({
      warnings: ['a store did not answer'],
      data: { result: [{ value: [1.8e9, '7'] }] },
    });
    api.setFault({ kind: 'body', status: 200, body: '{"status":"succ' });
    expect(await (await fetch(`${api.url}/api/v1/query?query=m`)).text()).toBe('{"status":"succ');
  });

  test('can hang or cut the connection, and close ends what hangs at once', async () => {
    api.setFault({ kind: 'reset' });
    await expect(query('m')).rejects.toThrow('fetch failed');
    api.setFault({ kind: 'hang' });
    const hanging = query('m').then(
      () => 'answered',
      () => 'cut',
    );
    const late = await Promise.race([hanging, new Promise((resolve) => setTimeout(() => resolve('hangs'), 200))]);
    expect(late).toBe('hangs');
    await api.close();
    expect(await hanging).toBe('cut');
  });

  test('delays by the clock', async () => {
    api.setFault({ kind: 'delay', delayMs: 3000 });
    let answered = false;
    const asked = query('m').then((answer) => {
      answered = true;
      return answer;
    });
    while (clock.pending() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await clock.advance(2999);
    expect(answered).toBe(false);
    await clock.advance(1);
    expect(await asked).toMatchObject({ status: 200 });
  });

  test('can depend on the request', async () => {
    intercept = ({ path, params }) =>
      path === '/api/v1/query' && params.get('query') === 'm' ? { kind: 'empty' } : undefined;
    expect((await query('m')).body).toMatchObject({ data: { result: [] } });
    expect((await query('m + 0')).body).toMatchObject({ data: { result: [{ value: [1.8e9, '7'] }] } });
  });
});
