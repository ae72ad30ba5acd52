import { describe, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import { createServers } from '../../src/view/servers.ts';
import { createViewer } from '../../src/view/viewer.ts';
import { type Shop, aRelease, aWaitingRelease } from '../effects/release.ts';
import { startMs } from '../effects/store-cluster.ts';
import { canary } from './manifests.ts';

const server = 'metricsServer: {address: "http://prometheus.example:9090", secretRef: {name: prometheus}}';
const template = `
apiVersion: linnet.dev/v1beta1
kind: MetricTemplate
metadata: {name: orders, namespace: shop}
spec: {provider: {type: prometheus}, query: 'orders'}
`;
const both =
  'metrics: [{name: request-success-rate, thresholdRange: {min: 99}}, {name: orders, templateRef: {name: orders}, thresholdRange: {min: 1}}]';
const manifest = canary(server).replace(/metrics: .*/, both);

function secret(data: string): string {
  return `{apiVersion: v1, kind: Secret, metadata: {name: prometheus, namespace: shop}, stringData: ${data}}`;
}

/** What a later look at the release shows; the engine's own look may have kept the Secret. */
async function lookedAt(shop: Shop) {
  const metrics: Metrics = {
    preset: () => ({ name: 'envoy-gateway', atSplit: true, histogram: true, hint: 'Turn it on.' }),
    counts: async () => ({ outcome: 'noData', query: 'q', message: 'asked' }),
    value: async ({ query }) => ({ outcome: 'noData', query, message: 'asked' }),
  };
  const nowMs = startMs + 600_000;
  const clock = { now: () => nowMs, monotonic: () => nowMs, after: () => () => {} };
  const viewer = createViewer({ ...shop, metrics, clock, checkPeriodMs: 5_000 });
  return (await viewer.look('shop', 'shop', 'none'))?.view;
}

async function atFive(): Promise<Shop> {
  const shop = await aRelease({ canary: manifest, more: [template, secret('{token: s3cret}')] });
  await shop.settle();
  shop.accept();
  await shop.settle();
  expect(shop.canary().status).toMatchObject({ stage: 'Observing', canaryWeight: 5 });
  return shop;
}

describe('in mid-release', () => {
  test('a Secret that may not be read is an answer to every check, and nothing stands still', async () => {
    const shop = await atFive();
    shop.refuse(kinds.secret, 403);
    const measured = (await lookedAt(shop))?.measured;
    for (const answer of [measured?.counts, measured?.values['orders']]) {
      expect(answer).toMatchObject({ outcome: 'error', reason: 'Failed' });
      expect(answer?.outcome === 'error' && answer.message).toMatch(/Secret shop\/prometheus.*may not/);
    }
  });

  test('a Secret that is not there is named', async () => {
    const shop = await atFive();
    shop.store.delete({ kind: kinds.secret, namespace: 'shop', name: 'prometheus' });
    const measured = (await lookedAt(shop))?.measured;
    expect(measured?.counts).toMatchObject({
      outcome: 'error',
      message: expect.stringMatching(/SecretNotFound: .*shop\/prometheus/),
    });
  });

  test('a Secret without a key that Linnet knows is named with its keys, and no value is told', async () => {
    const shop = await atFive();
    shop.edit(kinds.secret, 'prometheus', { data: { token: null, Token: 'czNjcmV0' } });
    const measured = (await lookedAt(shop))?.measured;
    expect(JSON.stringify(measured)).toMatch(/SecretNotFound: .*Token/);
    expect(JSON.stringify(measured)).not.toMatch(/s3cret|czNjcmV0/);
  });

  test('an API server that does not answer is told as what it is', async () => {
    const shop = await atFive();
    shop.refuse(kinds.secret, 503);
    expect((await lookedAt(shop))?.measured?.counts).toMatchObject({ outcome: 'error', reason: 'Failed' });
  });
});

describe('before a release', () => {
  test.each([
    ['is not there', 'SecretNotFound', []],
    ['may not be read', 'Forbidden', [secret('{token: s3cret}')]],
  ])('a Secret that %s refuses it', async (_what, reason, more) => {
    const shop = await aWaitingRelease({ canary: manifest, more: [template, ...more] });
    if (reason === 'Forbidden') shop.refuse(kinds.secret, 403);
    await shop.settle();
    const ready = shop.canary().status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready).toMatchObject({ status: 'False', reason, message: expect.stringContaining('shop/prometheus') });
  });
});

describe('a metrics server', () => {
  const ref = (address: string) => ({ address });
  const kube = { get: () => Promise.reject(new Error('nobody asks')) } as never;
  const clock = { now: () => 0, monotonic: () => 0, after: () => () => {} };
  const serverOf = createServers(kube, clock, ['http://prometheus.example', 'https://thanos.example:9443/team-a']);

  test.each([
    'http://prometheus.example:9090',
    'http://prometheus.example:1/api',
    'https://thanos.example:9443/team-a',
    'https://thanos.example:9443/team-a/x',
  ])('may be named when the engine was started with it: %s', async (address) => {
    expect(await serverOf('shop', ref(address))).toEqual({ ok: true, server: { address } });
  });

  test.each([
    'https://prometheus.example:9090',
    'http://prometheus.example.evil:9090',
    'http://169.254.169.254',
    'https://thanos.example:9443/team-ab',
    'https://thanos.example/team-a',
    'https://thanos.example:9443/team-a/../team-b',
  ])('may not be named otherwise: %s', async (address) => {
    expect(await serverOf('shop', ref(address))).toMatchObject({
      ok: false,
      problem: { reason: 'MetricsServerNotAllowed', message: expect.stringContaining('--metrics-server') },
    });
  });

  test('of a MetricTemplate is asked for that template only', async () => {
    const own = template.replace('type: prometheus', 'type: prometheus, address: "http://own.example:9090"');
    const shop = await aRelease({ canary: canary().replace(/metrics: .*/, both), more: [own] });
    await shop.settle();
    shop.accept();
    await shop.settle();
    const asked: (string | undefined)[] = [];
    const metrics: Metrics = {
      preset: () => ({ name: 'istio', atSplit: true, histogram: true, hint: '' }),
      counts: async ({ server: of }) => {
        asked.push(of?.address);
        return { outcome: 'noData', query: 'q', message: 'asked' };
      },
      value: async ({ query, server: of }) => {
        asked.push(of?.address);
        return { outcome: 'noData', query, message: 'asked' };
      },
    };
    const nowMs = startMs + 600_000;
    const later = { now: () => nowMs, monotonic: () => nowMs, after: () => () => {} };
    await createViewer({ ...shop, metrics, clock: later, checkPeriodMs: 5_000 }).look('shop', 'shop', 'none');
    expect(asked).toEqual([undefined, 'http://own.example:9090']);
  });
});
