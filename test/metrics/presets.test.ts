import { describe, expect, test } from 'vitest';
import { countsBetween } from '../../src/analysis/counts.ts';
import { presetFor } from '../../src/metrics/presets/presets.ts';
import type { CountsRequest } from '../../src/ports/metrics.ts';
import { series, serves } from './fake-prometheus.ts';
import { aRequest, atMs, harness } from './harness.ts';

type Labels = Record<string, string>;

/** Grows by `count` in the window. */
function grows(metric: Labels, count: number) {
  const where = { job: 'gateway', instance: '10.0.0.1:9100' };
  return series({ ...where, ...metric }, [
    [atMs - 40_000, 7],
    [atMs - 5_000, 7 + count],
  ]);
}

async function ask(all: ReturnType<typeof grows>[], request: CountsRequest) {
  await using world = await harness(serves(all));
  const answer = await world.metrics.counts(request);
  if (answer.outcome !== 'data') throw new Error(JSON.stringify(answer));
  const count = (side: 'stable' | 'canary') => countsBetween(answer.data, side, atMs - 30_000, { baseline: 'before' });
  return { stable: count('stable'), canary: count('canary') };
}

describe('istio', () => {
  const of = (service: string, more: Labels = {}) => ({
    __name__: 'istio_requests_total',
    reporter: 'source',
    destination_service_namespace: 'shop',
    destination_service_name: service,
    response_code: '200',
    ...more,
  });

  test('counts at the client side of the split, in its own namespace', async () => {
    const { stable, canary } = await ask(
      [
        grows(of('cart'), 90),
        grows(of('cart-canary'), 9),
        grows(of('cart-canary', { response_code: '503' }), 1),
        grows(of('cart-canary', { response_code: '404' }), 2),
        grows(of('cart', { reporter: 'destination' }), 500),
        grows(of('cart', { destination_service_namespace: 'other' }), 500),
      ],
      aRequest('cart'),
    );
    expect(stable).toMatchObject({ total: 90, good: 90 });
    expect(canary).toMatchObject({ total: 12, good: 11 });
  });
});

describe('traefik', () => {
  const label = (service: string, index = 0, route = 'cart', ns = 'shop') =>
    `httproute-${ns}-${route}-gw-infra-public-ep-web-0-1c0cf64bde37d9d0df06-svc-${ns}-${service}-${index}@kubernetesgateway`;
  const of = (service: string, more: Labels = {}) => ({
    __name__: 'traefik_service_requests_total',
    service,
    code: '200',
    method: 'GET',
    protocol: 'http',
    ...more,
  });

  test('finds a backend by the label that Traefik 3.7 writes', async () => {
    const seconds = { __name__: 'traefik_service_request_duration_seconds_bucket' };
    const { stable, canary } = await ask(
      [
        grows(of(label('cart')), 95),
        grows(of(label('cart-canary', 1)), 4),
        grows(of(label('cart-canary', 1), { code: '500' }), 1),
        grows(of(label('cart-canary', 1), { ...seconds, le: '0.3' }), 4),
        grows(of(label('cart-canary', 1), { ...seconds, le: '+Inf' }), 5),
      ],
      aRequest('cart', { preset: 'traefik', histogram: true }),
    );
    expect(stable.total).toBe(95);
    expect(canary).toMatchObject({ total: 5, good: 4 });
    expect(canary.buckets).toEqual([
      { leMs: 300, count: 4 },
      { leMs: Infinity, count: 5 },
    ]);
  });

  test('takes nothing of a route, namespace or service whose name only contains its own', async () => {
    const { stable } = await ask(
      [
        grows(of(label('cart')), 5),
        grows(of(label('cart', 0, 'cart-two')), 100),
        grows(of(label('my-cart')), 100),
        grows(of(label('x-svc-shop-cart')), 100),
        grows(of(label('cart', 0, 'other')), 100),
        grows(of(label('cart', 0, 'cart', 'shop-eu')), 100),
      ],
      aRequest('cart', { preset: 'traefik' }),
    );
    expect(stable.total).toBe(5);
  });

  test('dots in the name of a route are hyphens to Traefik', async () => {
    const all = [grows(of(label('cart', 0, 'cart-example-org')), 5)];
    const { stable } = await ask(all, aRequest('cart', { preset: 'traefik', routes: ['cart.example.org'] }));
    expect(stable.total).toBe(5);
  });
});

describe('envoy-gateway', () => {
  const of = (outcome: string, address: string, route = 'cart') => ({
    __name__: `envoy_cluster_endpoint_rq_${outcome}`,
    envoy_cluster_name: `httproute/shop/${route}/rule/0`,
    envoy_endpoint_address: address,
  });
  const request = aRequest('cart', {
    preset: 'envoy-gateway',
    histogram: true,
    stable: { service: 'cart', addresses: ['10.1.0.1:8080', '10.1.0.2:8080'] },
    canary: { service: 'cart-canary', addresses: ['10.1.0.3:8080'] },
  });

  test('maps addresses to versions, pods that are gone included', async () => {
    const { stable, canary } = await ask(
      [
        grows(of('success', '10.1.0.1:8080'), 40),
        grows(of('success', '10.1.0.2:8080'), 50),
        grows(of('success', '10.1.0.3:8080'), 8),
        grows(of('error', '10.1.0.3:8080'), 2),
        grows(of('timeout', '10.1.0.3:8080'), 1),
        grows(of('total', '10.1.0.3:8080'), 10),
        grows(of('success', '10.1.0.30:8080'), 500),
        grows(of('success', '10.1.0.1:8080', 'other'), 500),
      ],
      request,
    );
    expect(stable).toMatchObject({ total: 90, good: 90 });
    expect(canary).toMatchObject({ total: 10, good: 8 });
    expect(canary.buckets).toBeUndefined();
  });
});

describe('app', () => {
  const of = (service: string, more: Labels) => ({
    __name__: 'http_requests_total',
    namespace: 'shop',
    service,
    ...more,
  });
  const request = aRequest('cart', { preset: 'app' });

  test('reads the status code from the label code or status', async () => {
    const { stable, canary } = await ask(
      [
        grows(of('cart', { code: '200' }), 9),
        grows(of('cart', { code: '500' }), 1),
        grows(of('cart-canary', { status: '204' }), 3),
        grows(of('cart-canary', { status: '5xx' }), 2),
      ],
      request,
    );
    expect(stable).toMatchObject({ total: 10, good: 9 });
    expect(canary).toMatchObject({ total: 5, good: 3 });
  });

  test('a counter without a status code is not taken for good', async () => {
    for (const labels of [{}, { status: 'success' }]) {
      await using world = await harness(serves([grows(of('cart', labels), 9)]));
      expect(await world.metrics.counts(request)).toMatchObject({
        outcome: 'noData',
        message: expect.stringContaining('no status code in a label code or status'),
      });
    }
  });
});

describe('choosing a preset', () => {
  test.each([
    [['istio.io/gateway-controller'], 'istio'],
    [['istio.io/mesh-controller'], 'istio'],
    [['sandbox.linnet.dev/gateway-controller'], 'istio'],
    [['gateway.envoyproxy.io/gatewayclass-controller'], 'envoy-gateway'],
    [['traefik.io/gateway-controller', 'example.com/unknown'], 'traefik'],
    [['istio.io/gateway-controller', 'traefik.io/gateway-controller'], undefined],
    [['example.com/unknown', 'constructor'], undefined],
    [[], undefined],
  ])('%j has the numbers of %s', (controllers, expected) => {
    expect(presetFor(controllers)?.name).toBe(expected);
  });

  test('each gateway whose metrics may lack the versions names the setting that brings them', () => {
    const hintOf = (controller: string) => presetFor([controller])?.hint;
    expect(hintOf('gateway.envoyproxy.io/gatewayclass-controller')).toContain('enablePerEndpointStats: true');
    expect(hintOf('traefik.io/gateway-controller')).toContain('addServicesLabels: true');
  });

  test('the provider named in the spec wins', () => {
    expect(presetFor(['istio.io/gateway-controller'], 'app')).toMatchObject({ name: 'app', atSplit: false });
  });
});
