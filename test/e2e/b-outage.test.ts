import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CanaryStatus } from '../../src/api/canary-status.ts';
import { kinds } from '../../src/api/kinds.ts';
import type { Fault } from '../../src/sandbox/http/prometheus/faults.ts';
import { type PrometheusApi, startPrometheusApi } from '../../src/sandbox/http/prometheus/api.ts';
import { type MetricsStore, createMetricsStore } from '../../src/sandbox/world/metrics/store.ts';
import { systemClock } from '../../src/system.ts';
import { type Shop, type ShopOptions, openShop } from './b-shop.ts';
import { type Stand, openStand } from './stand.ts';

let stand: Stand;
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  stand = await openStand();
  stand.apply(constantTemplate);
  await stand.startEngine();
});
afterAll(async () => {
  await Promise.all(closing.map((close) => close()));
  await stand.close();
});

/** A check whose value is 100 while nothing disturbs its answer. */
const constantTemplate = JSON.stringify({
  apiVersion: 'linnet.dev/v1beta1',
  kind: 'MetricTemplate',
  metadata: { name: 'constant', namespace: 'shop' },
  spec: { provider: { type: 'prometheus' }, query: 'vector(100)' },
});
const templated = {
  metrics: [{ name: 'constant', templateRef: { name: 'constant' }, thresholdRange: { min: 99 } }],
};

/** A shop whose Canary asks a metrics server of its own, so that its outage is nobody else's. */
async function openWithServer(
  name: string,
  options: ShopOptions & { store?: MetricsStore } = {},
): Promise<{ shop: Shop; server: PrometheusApi }> {
  const { store = stand.sandbox.metrics, spec = {}, ...rest } = options;
  const server = await startPrometheusApi({ store, clock: systemClock });
  closing.push(() => server.close());
  const metricsServer = { address: server.url };
  const shop = await openShop(stand, name, { replicas: 1, perSecond: 20, ...rest, spec: { ...spec, metricsServer } });
  closing.push(() => shop.stop());
  return { shop, server };
}

const outcome = ({ history }: CanaryStatus) => history?.[0]?.outcome;

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => systemClock.after(ms, resolve));
}

/** Waits for the hold at the first step and checks that the release stays there. */
async function holds(shop: Shop, reason: string, says: RegExp): Promise<void> {
  await shop.reaches(`hold ${reason}`, ({ hold }) => hold?.reason === reason, 45_000);
  await pass(5_000);
  const status = shop.status();
  expect(status).toMatchObject({ canaryWeight: 20, attempt: 1, failedChecks: 0, hold: { reason } });
  expect(status.hold?.message).toMatch(says);
  expect(status.release?.retreat).toBeUndefined();
}

const outages: { name: string; fault: Fault; reason: string; says: RegExp; analysis?: object }[] = [
  { name: 'no-data', fault: { kind: 'empty' }, reason: 'NoData', says: /There is no series/ },
  { name: 'starting', fault: { kind: 'unavailable' }, reason: 'MetricsError', says: /HTTP 503/ },
  { name: 'hanging', fault: { kind: 'hang' }, reason: 'MetricsError', says: /gave no answer in 5 s/ },
  { name: 'cut-off', fault: { kind: 'reset' }, reason: 'MetricsError', says: /cannot be reached/ },
  {
    name: 'login-page',
    fault: { kind: 'body', status: 200, body: '<html>Please log in</html>' },
    reason: 'MetricsError',
    says: /did not answer as Prometheus does/,
  },
  {
    name: 'warned',
    fault: { kind: 'warnings', warnings: ['one store is gone'] },
    reason: 'MetricsError',
    says: /one store is gone/,
  },
  { name: 'nan', fault: { kind: 'values', values: ['NaN'] }, reason: 'NoData', says: /NaN/, analysis: templated },
  {
    name: 'infinite',
    fault: { kind: 'values', values: ['+Inf'] },
    reason: 'Nonsense',
    says: /\+Inf/,
    analysis: templated,
  },
  {
    name: 'several',
    fault: { kind: 'values', values: ['100', '100'] },
    reason: 'MultipleSeries',
    says: /gave 2 series/,
    analysis: templated,
  },
];

for (const { name, fault, reason, says, analysis = {} } of outages) {
  test.concurrent(`a good version waits out an outage and goes on when the metrics are back: ${name}`, async () => {
    const { shop, server } = await openWithServer(name, { analysis });
    server.setFault(fault);
    await shop.release();
    await holds(shop, reason, says);
    server.setFault(undefined);
    await shop.reaches('the next step', ({ canaryWeight, hold }) => canaryWeight === 50 && hold === undefined);
    expect(shop.users?.failed()).toEqual([]);
  });
}

test.concurrent('samples that are no longer scraped hold the release until they are again', async () => {
  const store = createMetricsStore({ clock: systemClock });
  closing.push(async () => store.stop());
  const target = {
    labels: { job: 'gateway', instance: 'sandbox' },
    scrape: async () => (await fetch(stand.sandbox.gatewayMetricsUrl)).text(),
  };
  const stop = store.addTarget(target);
  const { shop } = await openWithServer('stale', { store });
  await shop.release();
  await shop.reaches('the first step', ({ canaryWeight }) => canaryWeight === 20);
  await pass(2_500);
  stop();
  await holds(shop, 'StaleData', /newest sample was scraped \d+ s ago/);
  store.addTarget(target);
  await shop.reaches('the next step', ({ canaryWeight }) => canaryWeight === 50, 45_000);
});

for (const fault of [{ kind: 'unavailable' }, { kind: 'hang' }, { kind: 'empty' }] satisfies Fault[]) {
  test.concurrent(`a bad version is neither promoted nor judged by an outage, and is rolled back after it: ${fault.kind}`, async () => {
    const { shop, server } = await openWithServer(`bad-${fault.kind}`, { next: 'v2-err50' });
    server.setFault(fault);
    await shop.release();
    await holds(shop, fault.kind === 'empty' ? 'NoData' : 'MetricsError', /./);
    server.setFault(undefined);
    await shop.reaches('rollback', (status) => outcome(status) === 'RolledBack');
    expect(Math.max(...shop.stored.map(({ object }) => object.status?.intent?.weight ?? 0))).toBe(20);
  });
}

test.concurrent('onUnsure ends an outage as the spec says: hold, rollback or advance', async () => {
  const open = async (then: string) => {
    const analysis = { onUnsure: { after: '10s', do: then } };
    const { shop, server } = await openWithServer(`unsure-${then}`, { analysis });
    server.setFault({ kind: 'empty' });
    await shop.release();
    return shop;
  };
  const [hold, rollback, advance] = await Promise.all(['hold', 'rollback', 'advance'].map(open));
  await rollback?.reaches('end', (status) => outcome(status) === 'Inconclusive', 45_000);
  expect(rollback?.status().history?.[0]).toMatchObject({ reason: 'NoData', message: /No verdict for 10s/ });
  await advance?.reaches('the next step', ({ canaryWeight }) => canaryWeight === 50, 45_000);
  await hold?.reaches('hold', ({ hold: held }) => held?.reason === 'NoData');
  expect(hold?.status()).toMatchObject({ canaryWeight: 20, attempt: 1 });
  await advance?.reaches('promotion', (status) => outcome(status) === 'Promoted', 60_000);
});

for (const fault of [{ kind: 'hang' }, { kind: 'unavailable' }] satisfies Fault[]) {
  test.concurrent(`an abort takes effect within 10 seconds while the metrics store is down: ${fault.kind}`, async () => {
    const { shop, server } = await openWithServer(`abort-${fault.kind}`, { mode: 'targetRef' });
    server.setFault(fault);
    await shop.release();
    await shop.reaches('the first step', ({ canaryWeight }) => canaryWeight === 20);
    const start = systemClock.monotonic();
    shop.command('a', { verb: 'abort' });
    await shop.reaches('weight 0', ({ canaryWeight }) => canaryWeight === 0);
    expect(systemClock.monotonic() - start).toBeLessThan(10_000);
    await shop.reaches('end', (status) => outcome(status) === 'Aborted');
    expect(shop.users?.failed()).toEqual([]);
  });

  test.concurrent(`a canary whose pods are gone is left while the metrics store is down: ${fault.kind}`, async () => {
    const { shop, server } = await openWithServer(`gone-${fault.kind}`);
    server.setFault(fault);
    await shop.release();
    await shop.reaches('the first step', ({ canaryWeight }) => canaryWeight === 20);
    stand.edit(kinds.deployment, `gone-${fault.kind}-v2`, { spec: { replicas: 0 } });
    const start = systemClock.monotonic();
    await shop.reaches('weight 0', ({ canaryWeight }) => canaryWeight === 0);
    expect(systemClock.monotonic() - start).toBeLessThan(10_000);
    await shop.reaches('end', (status) => outcome(status) === 'Failed');
    expect(shop.status().history?.[0]?.reason).toBe('CanaryPodsGone');
  });
}
