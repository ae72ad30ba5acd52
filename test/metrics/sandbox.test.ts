import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { countsBetween } from '../../src/analysis/counts.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import type { CountsRequest, Metrics, PresetName } from '../../src/ports/metrics.ts';
import { type PrometheusApi, startPrometheusApi } from '../../src/sandbox/http/prometheus/api.ts';
import { createMetricsStore, type MetricsStore } from '../../src/sandbox/world/metrics/store.ts';
import { systemClock } from '../../src/system.ts';
import { type ManualClock, manualClock } from '../sandbox/metrics-fixtures.ts';
import { memoryLog } from './fake-prometheus.ts';
import { aRequest, variables } from './harness.ts';

/** Requests of a gateway since it started, by service and status code. */
type Traffic = Record<string, Record<string, number>>;

let clock: ManualClock;
let store: MetricsStore;
let api: PrometheusApi;
let metrics: Metrics;
let traffic: Traffic;

function exposition(): string {
  const lines = Object.entries(traffic).flatMap(([service, codes]) =>
    Object.entries(codes).flatMap(([code, count]) => {
      const labels = `reporter="source",destination_service_namespace="shop",destination_service_name="${service}",response_code="${code}"`;
      const bucket = (le: string) => `istio_request_duration_milliseconds_bucket{${labels},le="${le}"} ${count}`;
      return [`istio_requests_total{${labels}} ${count}`, bucket('100'), bucket('+Inf')];
    }),
  );
  return `${lines.join('\n')}\n`;
}

beforeEach(async () => {
  clock = manualClock(1_760_000_000_000);
  store = createMetricsStore({ clock, scrapeIntervalMs: 5_000 });
  api = await startPrometheusApi({ store, clock });
  traffic = { cart: { 200: 1000 } };
  store.addTarget({ labels: { job: 'gateway', instance: '10.0.0.1:15020' }, scrape: exposition });
  metrics = createMetrics({ clock: systemClock, log: memoryLog().log, defaultServer: { address: api.url } });
});

afterEach(async () => {
  store.stop();
  await api.close();
});

function ask(fromMs: number, more: Partial<CountsRequest> = {}) {
  return metrics.counts(aRequest('cart', { fromMs, atMs: clock.now(), histogram: true, ...more }));
}

async function count(fromMs: number, baseline: 'before' | 'after') {
  const answer = await ask(fromMs);
  if (answer.outcome !== 'data') throw new Error(JSON.stringify(answer));
  return {
    stable: countsBetween(answer.data, 'stable', fromMs, { baseline }),
    canary: countsBetween(answer.data, 'canary', fromMs, { baseline }),
  };
}

test('what the gateway served since a moment is counted exactly, first failures included', async () => {
  await clock.advance(12_000);
  const fromMs = clock.now();
  traffic = { cart: { 200: 1095 }, 'cart-canary': { 200: 4, 503: 1 } };
  await clock.advance(10_000);
  const { stable, canary } = await count(fromMs, 'before');
  expect(stable).toMatchObject({ total: 95, good: 95 });
  expect(canary).toMatchObject({
    total: 5,
    good: 4,
    buckets: [
      { leMs: 100, count: 5 },
      { leMs: Infinity, count: 5 },
    ],
  });
});

test('a gateway that restarts loses what it had not shown yet, and nothing else', async () => {
  await clock.advance(12_000);
  const fromMs = clock.now();
  traffic = { cart: { 200: 1050 } };
  await clock.advance(5_000);
  traffic = { cart: { 200: 30 } };
  await clock.advance(5_000);
  expect((await count(fromMs, 'before')).stable.total).toBe(80);
});

test('a metrics store that lost everything brings no requests of long ago', async () => {
  await clock.advance(12_000);
  const fromMs = clock.now();
  traffic = { cart: { 200: 90_000 }, 'cart-canary': { 200: 5, 500: 700 } };
  store.stop();
  await api.close();
  store = createMetricsStore({ clock, scrapeIntervalMs: 5_000 });
  api = await startPrometheusApi({ store, clock });
  metrics = createMetrics({ clock: systemClock, log: memoryLog().log, defaultServer: { address: api.url } });
  store.addTarget({ labels: { job: 'gateway', instance: '10.0.0.1:15020' }, scrape: exposition });
  await clock.advance(6_000);
  traffic = { cart: { 200: 90_010 }, 'cart-canary': { 200: 7, 500: 700 } };
  await clock.advance(10_000);
  for (const baseline of ['before', 'after'] as const) {
    const { stable, canary } = await count(fromMs, baseline);
    expect(stable.total).toBe(10);
    expect(canary).toMatchObject({ total: 2, good: 2 });
  }
});

describe('when the metrics store is ill', () => {
  const faults = [
    { kind: 'unavailable' },
    { kind: 'reset' },
    { kind: 'body', status: 200, body: '<html>login</html>' },
    { kind: 'warnings', warnings: ['a store did not answer'] },
  ] as const;

  test.each(faults)('%o is an error, and the numbers come back with it', async (fault) => {
    await clock.advance(12_000);
    api.setFault(fault);
    expect(await ask(clock.now() - 5_000)).toMatchObject({ outcome: 'error', reason: 'Failed' });
    api.setFault(undefined);
    expect(await ask(clock.now() - 5_000)).toMatchObject({ outcome: 'data' });
  });

  test('an empty answer is no data', async () => {
    api.setFault({ kind: 'empty' });
    expect(await ask(clock.now() - 5_000)).toMatchObject({ outcome: 'noData' });
    expect(await metrics.value({ query: 'vector(1)', variables, atMs: clock.now() })).toMatchObject({
      outcome: 'noData',
    });
  });
});

test.each<PresetName>(['istio', 'envoy-gateway', 'traefik', 'app'])(
  'the query of %s is one that Prometheus understands',
  async (preset) => {
    const address = { addresses: ['10.1.0.1:8080'] };
    const more = { preset, routes: ['cart.example'], stable: { service: 'cart', ...address } };
    const answer = await ask(clock.now() - 60_000, more);
    expect(answer).toMatchObject({ outcome: 'noData' });
  },
);

test('values of a MetricTemplate come with NaN, several series and none told apart', async () => {
  await clock.advance(12_000);
  traffic = { cart: { 200: 1000 }, 'cart-canary': { 200: 1 } };
  await clock.advance(5_000);
  const value = (query: string) => metrics.value({ query, variables, atMs: clock.now() });
  expect(await value('sum(istio_requests_total)')).toMatchObject({ outcome: 'data', data: { value: 1001 } });
  expect(await value('istio_requests_total')).toMatchObject({ outcome: 'error', reason: 'MultipleSeries' });
  expect(await value('sum(nothing_total)')).toMatchObject({ outcome: 'noData' });
  expect(await value('vector(0) / 0')).toMatchObject({ outcome: 'noData' });
  expect(await value('vector(1) / 0')).toMatchObject({ outcome: 'nonsense' });
  expect(await value('sum(')).toMatchObject({ outcome: 'error', invalidQuery: true });
});
