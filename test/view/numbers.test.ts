import { describe, expect, test } from 'vitest';
import type { CanaryStatus } from '../../src/api/canary-status.ts';
import { kinds } from '../../src/api/kinds.ts';
import type { CountsRequest, Metrics, ValueRequest } from '../../src/ports/metrics.ts';
import { createViewer } from '../../src/view/viewer.ts';
import { type Shop, type ShopParts, aRelease } from '../effects/release.ts';
import { canary } from './manifests.ts';

/** Metrics of Envoy Gateway that have nothing to say, and everything that they were asked. */
function recorder(): { metrics: Metrics; counts: CountsRequest[]; values: ValueRequest[] } {
  const counts: CountsRequest[] = [];
  const values: ValueRequest[] = [];
  const preset = { name: 'envoy-gateway' as const, atSplit: true, histogram: true, hint: 'Turn it on.' };
  const metrics: Metrics = {
    preset: (controllers) => (controllers.length === 0 ? undefined : preset),
    counts: async (request) => {
      counts.push(request);
      return { outcome: 'noData', query: 'q', message: 'nothing' };
    },
    value: async (request) => {
      values.push(request);
      return { outcome: 'noData', query: request.query, message: 'nothing' };
    },
  };
  return { metrics, counts, values };
}

/** A release at 5 percent, and a viewer of its own on a clock that the test moves. */
async function atFive(parts: ShopParts = {}) {
  const shop = await aRelease(parts);
  await shop.settle();
  shop.accept();
  await shop.settle();
  expect(shop.canary().status).toMatchObject({ stage: 'Observing', canaryWeight: 5 });
  let nowMs = Date.parse('2026-01-02T03:10:00Z');
  const clock = { now: () => nowMs, monotonic: () => nowMs, after: () => () => {} };
  const asked = recorder();
  const viewer = createViewer({ ...shop, metrics: asked.metrics, clock, checkPeriodMs: 5_000 });
  const look = async () => (await viewer.look('shop', 'shop', 'none'))?.view;
  return { ...asked, shop, look, pass: (ms: number) => void (nowMs += ms) };
}

function changeStatus(shop: Shop, change: Partial<CanaryStatus>): void {
  shop.report(kinds.canary, 'shop', { ...shop.canary().status, ...change });
}

describe('numbers', () => {
  test('are asked for both sides by Service, workload and the addresses of their pods', async () => {
    const { counts, look } = await atFive();
    const view = await look();
    expect(view?.measured?.counts?.outcome).toBe('noData');
    expect(counts).toMatchObject([
      {
        key: 'shop/shop',
        preset: 'envoy-gateway',
        namespace: 'shop',
        routes: ['shop'],
        histogram: false,
        stable: { service: 'shop', workload: 'shop' },
        canary: { service: 'shop-canary', workload: 'shop-canary' },
      },
    ]);
    expect(counts[0]?.stable.addresses).toHaveLength(4);
    expect(counts[0]?.canary.addresses).toHaveLength(4);
  });

  test('are asked once in a check period, whatever wakes the Canary meanwhile', async () => {
    const { counts, look, pass } = await atFive();
    await look();
    pass(4_000);
    await look();
    expect(counts).toHaveLength(1);
    pass(1_000);
    await look();
    expect(counts).toHaveLength(2);
  });

  test('know the pods that are gone: they are still in the counters', async () => {
    const { counts, look, pass, shop } = await atFive();
    await look();
    shop.ready('shop-canary', 1);
    pass(5_000);
    await look();
    expect(counts[1]?.canary.addresses).toHaveLength(4);
  });

  test('are not waited for when there is a command to act on', async () => {
    const { counts, look, shop } = await atFive();
    shop.edit(kinds.canary, 'shop', { metadata: { annotations: { 'command.linnet.dev/x': '{"verb":"abort"}' } } });
    const view = await look();
    expect(view?.commands).toHaveLength(1);
    expect(counts).toHaveLength(0);
  });

  test.each(['Committing', 'RollingOut', 'Carrying', 'Cleaning'] as const)('are not asked for in %s', async (stage) => {
    const { counts, look, shop } = await atFive();
    changeStatus(shop, { stage });
    await look();
    expect(counts).toHaveLength(0);
  });

  test("of a query of one's own name the release that it is about", async () => {
    const template = `
apiVersion: linnet.dev/v1beta1
kind: MetricTemplate
metadata: {name: orders, namespace: shop}
spec: {provider: {type: prometheus}, query: 'orders{service="{{ canary }}"}'}
`;
    const metrics = 'metrics: [{name: orders, templateRef: {name: orders}, thresholdRange: {min: 1}}]';
    const manifest = canary().replace(/metrics: .*/, metrics);
    const { values, look } = await atFive({ canary: manifest, more: [template] });
    const view = await look();
    expect(view?.measured?.values['orders']?.outcome).toBe('noData');
    expect(values[0]).toMatchObject({
      query: 'orders{service="{{ canary }}"}',
      variables: { target: 'shop', service: 'shop', canary: 'shop-canary', route: 'shop', namespace: 'shop' },
    });
  });

  test("come from the Canary's own server, with what its Secret says", async () => {
    const secret = `
apiVersion: v1
kind: Secret
metadata: {name: prometheus, namespace: shop}
stringData: {token: "s3cret\\n", header.X-Scope-OrgID: team-a, password: p, other: ignored}
`;
    const server = 'metricsServer: {address: "http://prometheus.example:9090/x", secretRef: {name: prometheus}}';
    const { counts, look, shop, pass } = await atFive({ canary: canary(server), more: [secret] });
    shop.requests.length = 0;
    await look();
    pass(5_000);
    await look();
    expect(counts[1]?.server).toEqual({
      address: 'http://prometheus.example:9090/x',
      bearer: 's3cret',
      headers: { 'X-Scope-OrgID': 'team-a' },
    });
    expect(shop.requests, 'the Secret is not read at every look').toEqual(['get Secret']);
  });
});

describe('a fresh look', () => {
  test('counts the pods at the server and not in a cache that is behind', async () => {
    const { shop } = await atFive();
    const behind = structuredClone(shop.cache.list(kinds.endpointSlice, 'shop'));
    shop.ready('shop-canary', 1);
    const cache: Shop['cache'] = {
      ...shop.cache,
      list: (kind, namespace) => (kind === kinds.endpointSlice ? (behind as never) : shop.cache.list(kind, namespace)),
    };
    const clock = { now: () => 0, monotonic: () => 0, after: () => () => {} };
    const viewer = createViewer({ ...shop, cache, metrics: recorder().metrics, clock, checkPeriodMs: 5_000 });
    expect((await viewer.look('shop', 'shop', 'none'))?.view.canary.ready).toBe(4);
    expect((await viewer.look('shop', 'shop', 'pods'))?.view.canary.ready).toBe(1);
  });
});
