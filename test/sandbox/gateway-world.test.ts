import { beforeEach, describe, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import type { Gateway } from '../../src/sandbox/world/gateway/gateway-api.ts';
import { type Gateways, startGateways } from '../../src/sandbox/world/gateway/gateways.ts';
import { serve } from '../../src/sandbox/world/gateway/serve.ts';
import { createTrafficMetrics, type TrafficMetrics } from '../../src/sandbox/world/gateway/traffic-metrics.ts';
import {
  createApp,
  createClass,
  createGateway,
  createRoute,
  kindOf,
  route,
  setWeights,
  user,
  verdicts,
} from './gateway-sandbox.ts';
import { startWorld, type World } from './workloads-world.ts';

let world: World;
let gateways: Gateways;
let metrics: TrafficMetrics;

beforeEach(() => {
  world = startWorld();
  gateways = startGateways({ store: world.store, clock: world.clock, workloads: world.workloads });
  metrics = createTrafficMetrics();
  createClass(world.store);
});

function serveOne(path = '/', host = 'shop.example') {
  const plane = gateways.gateway('default', 'web');
  if (!plane) throw new Error('no gateway');
  return serve(
    plane,
    80,
    { method: 'GET', host, target: path, headers: {} },
    { running: world.workloads.running(), metrics },
  );
}

/** How often each `code backend` comes in a number of requests. */
function sample(count: number, path = '/'): Record<string, number> {
  const seen: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const { code, backend } = serveOne(path);
    const key = `${code} ${backend?.name ?? ''}`;
    seen[key] = (seen[key] ?? 0) + 1;
  }
  return seen;
}

function twoVersions(annotations: Record<string, string> = {}, images = ['shop:v1', 'shop:v2']): void {
  createApp(world.store, 'shop', images[0] ?? '');
  createApp(world.store, 'shop-canary', images[1] ?? '');
  createGateway(world.store, { annotations });
  createRoute(world.store, 'shop', {
    rules: [
      {
        backendRefs: [
          { name: 'shop', port: 80, weight: 100 },
          { name: 'shop-canary', port: 80, weight: 0 },
        ],
      },
    ],
  });
}

function annotate(annotations: Record<string, string | null>): void {
  world.edit(kinds.gateway, 'web', { metadata: { annotations } });
}

describe('acceptance', () => {
  test('a class, a Gateway and a route of the sandbox are accepted, and the address is told', () => {
    twoVersions();
    world.clock.advance(5_000);
    const gateway = world.store.get({ kind: kinds.gateway, namespace: 'default', name: 'web' }) as Gateway;
    expect(gateway.metadata.annotations).toMatchObject({ 'sandbox.linnet.dev/address': '127.0.0.1:80' });
    expect(gateway.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
      'Accepted=True',
      'Programmed=True',
    ]);
    expect(gateway.status?.listeners).toMatchObject([{ name: 'http', attachedRoutes: 1 }]);
    expect(verdicts(world.store, 'shop')).toEqual(['True/True']);
    expect(world.store.get({ kind: kindOf(world.store, 'GatewayClass'), name: 'linnet-sandbox' })).toMatchObject({
      status: { conditions: [{ type: 'Accepted', status: 'True' }] },
    });
  });

  test('a Gateway of another class is left alone', () => {
    twoVersions();
    world.edit(kinds.gateway, 'web', { spec: { gatewayClassName: 'other' } });
    world.clock.advance(5_000);
    expect(route(world.store, 'shop').status?.parents ?? []).toEqual([]);
    expect(gateways.gateway('default', 'web')).toBeUndefined();
  });

  test('says which backendRef cannot be used, and takes it back when it can', () => {
    world.store.create(kinds.namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } }, user);
    const elsewhere = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'far', namespace: 'other' },
      spec: { selector: { a: 'b' }, ports: [{ port: 80 }] },
    };
    createGateway(world.store);
    const refs: Record<string, object> = {
      missing: { name: 'nobody', port: 80 },
      portless: { name: 'shop', port: 81 },
      far: { name: 'far', namespace: 'other', port: 80 },
      kind: { group: 'example.dev', kind: 'Bucket', name: 'b', port: 80 },
    };
    createApp(world.store, 'shop', 'shop:v1');
    world.store.create(kinds.service, elsewhere, { ...user, namespace: 'other' });
    for (const [name, ref] of Object.entries(refs)) createRoute(world.store, name, { rules: [{ backendRefs: [ref] }] });
    world.clock.advance(1_000);
    expect(Object.keys(refs).flatMap((name) => verdicts(world.store, name))).toEqual([
      'True/BackendNotFound',
      'True/BackendNotFound',
      'True/RefNotPermitted',
      'True/InvalidKind',
    ]);
    const grant = {
      apiVersion: 'gateway.networking.k8s.io/v1beta1',
      kind: 'ReferenceGrant',
      metadata: { name: 'g', namespace: 'other' },
      spec: {
        from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'default' }],
        to: [{ group: '', kind: 'Service' }],
      },
    };
    world.store.create(kindOf(world.store, 'ReferenceGrant'), grant, { ...user, namespace: 'other' });
    createApp(world.store, 'nobody', 'shop:v1');
    world.clock.advance(2_000);
    expect([...verdicts(world.store, 'far'), ...verdicts(world.store, 'missing')]).toEqual(['True/True', 'True/True']);
  });

  test('honours sectionName, allowed namespaces and hostnames, for each parentRef apart', () => {
    createApp(world.store, 'shop', 'shop:v1');
    createGateway(world.store, {
      listeners: [
        {
          name: 'open',
          port: 80,
          protocol: 'HTTP',
          hostname: '*.example',
          allowedRoutes: { namespaces: { from: 'All' } },
        },
        { name: 'own', port: 81, protocol: 'HTTP', allowedRoutes: { namespaces: { from: 'Same' } } },
      ],
    });
    world.store.create(kinds.namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } }, user);
    const parent = { name: 'web', namespace: 'default' };
    const parentRefs = ['open', 'own', 'absent'].map((sectionName) => ({ ...parent, sectionName }));
    const rules = [{ backendRefs: [{ name: 'shop', namespace: 'default', port: 80 }] }];
    createRoute(world.store, 'here', { parentRefs, hostnames: ['shop.example'], rules });
    createRoute(world.store, 'stray', { parentRefs: [parentRefs[0]], hostnames: ['shop.elsewhere'], rules });
    createRoute(world.store, 'guest', { parentRefs: parentRefs.slice(0, 2), rules: [{}] }, 'other');
    world.clock.advance(1_000);
    expect(verdicts(world.store, 'here')).toEqual(['True/True', 'True/True', 'NoMatchingParent/True']);
    expect(verdicts(world.store, 'stray')).toEqual(['NoMatchingListenerHostname/True']);
    expect(verdicts(world.store, 'guest', 'other')).toEqual(['True/True', 'NotAllowedByListeners/True']);
  });

  test('can be withheld: the data plane then keeps what it had accepted', () => {
    twoVersions();
    world.clock.advance(5_000);
    annotate({ 'sandbox.linnet.dev/accept': 'never' });
    setWeights(world.store, 'shop', { shop: 0, 'shop-canary': 100 });
    world.clock.advance(60_000);
    expect(verdicts(world.store, 'shop')).toEqual(['none/none']);
    expect(sample(10)).toEqual({ '200 shop': 10 });
    annotate({ 'sandbox.linnet.dev/accept': '90s' });
    world.clock.advance(20_000);
    expect(verdicts(world.store, 'shop')).toEqual(['none/none']);
    world.clock.advance(20_000);
    expect(verdicts(world.store, 'shop')).toEqual(['True/True']);
    expect(sample(10)).toEqual({ '200 shop-canary': 10 });
  });

  test('of a filter that the sandbox does not carry out names the filter', () => {
    createApp(world.store, 'shop', 'shop:v1');
    createGateway(world.store);
    const filters = [{ type: 'RequestMirror', requestMirror: { backendRef: { name: 'shop', port: 80 } } }];
    createRoute(world.store, 'shop', { rules: [{ filters, backendRefs: [{ name: 'shop', port: 80 }] }] });
    world.clock.advance(1_000);
    expect(route(world.store, 'shop').status?.parents?.[0]?.conditions?.[0]?.message).toContain('RequestMirror');
  });
});

describe('a data plane that lags', () => {
  test('shows the new weights and endpoints only after the lag, while status has accepted them at once', () => {
    twoVersions({ 'sandbox.linnet.dev/lag': '10s' });
    world.clock.advance(30_000);
    setWeights(world.store, 'shop', { shop: 50, 'shop-canary': 50 });
    world.clock.advance(9_000);
    expect(verdicts(world.store, 'shop')).toEqual(['True/True']);
    expect(sample(10)).toEqual({ '200 shop': 10 });
    world.clock.advance(2_000);
    expect(sample(10)).toEqual({ '200 shop': 5, '200 shop-canary': 5 });
    world.edit(kinds.deployment, 'shop-canary', { spec: { replicas: 0 } });
    world.clock.advance(5_000);
    expect(sample(10)).toEqual({ '200 shop': 5, '503 shop-canary': 5 });
  });

  test('never goes back to an older configuration when the lag gets shorter', () => {
    twoVersions({ 'sandbox.linnet.dev/lag': '60s' });
    world.clock.advance(120_000);
    setWeights(world.store, 'shop', { shop: 0, 'shop-canary': 100 });
    world.clock.advance(1_000);
    annotate({ 'sandbox.linnet.dev/lag': null });
    setWeights(world.store, 'shop', { shop: 100, 'shop-canary': 0 });
    for (let i = 0; i < 90; i++) {
      world.clock.advance(1_000);
      expect(sample(1)).toEqual({ '200 shop': 1 });
    }
  });
});

describe('the metrics of a gateway', () => {
  const lines = (pattern: RegExp) =>
    metrics
      .exposition()
      .split('\n')
      .filter((line) => pattern.test(line));

  test("are Istio's by default: by service, workload and code", () => {
    twoVersions({}, ['shop:v1', 'shop:v2-err50']);
    world.clock.advance(5_000);
    setWeights(world.store, 'shop', { shop: 80, 'shop-canary': 20 });
    world.clock.advance(1_000);
    sample(100);
    const counted = lines(/^istio_requests_total/).map((line) =>
      ['destination_service_name', 'destination_workload', 'response_code']
        .map((label) => new RegExp(`${label}="([^"]*)"`).exec(line)?.[1])
        .concat(line.split(' ').at(-1))
        .join(' '),
    );
    expect(counted.toSorted()).toEqual([
      'shop shop 200 80',
      'shop-canary shop-canary 200 10',
      'shop-canary shop-canary 500 10',
    ]);
    expect(lines(/^istio_request_duration_milliseconds_count.*destination_service_name="shop",/)[0]).toMatch(/ 80$/);
    expect(
      lines(/^istio_requests_total.*reporter="source".*destination_service="shop.default.svc.cluster.local"/),
    ).toHaveLength(1);
  });

  test("are Traefik's when asked for", () => {
    twoVersions({ 'sandbox.linnet.dev/metrics': 'traefik' });
    world.clock.advance(5_000);
    sample(3);
    expect(lines(/^traefik_service_requests_total/)).toEqual([
      expect.stringMatching(
        /service="httproute-default-shop-gw-default-web-ep-http-0-[0-9a-f]{20}-svc-default-shop-0@kubernetesgateway"} 3$/,
      ),
    ]);
    expect(lines(/^traefik_service_request_duration_seconds_bucket.*le="0.1"/)).toHaveLength(1);
  });

  test("are Envoy Gateway's when asked for, by endpoint only where that is turned on", () => {
    twoVersions({ 'sandbox.linnet.dev/metrics': 'envoy-gateway' });
    world.clock.advance(5_000);
    sample(4);
    const addresses = world.endpoints('shop').map(({ address }) => `${address}:8080`);
    expect(lines(/^envoy_cluster_endpoint_rq_success/).toSorted()).toEqual(
      addresses.map(
        (address) =>
          `envoy_cluster_endpoint_rq_success{envoy_cluster_name="httproute/default/shop/rule/0",envoy_endpoint_address="${address}"} 2`,
      ),
    );
    metrics = createTrafficMetrics();
    annotate({ 'sandbox.linnet.dev/metrics': 'envoy-gateway-default' });
    world.clock.advance(1_000);
    sample(4);
    expect(lines(/endpoint/)).toEqual([]);
    expect(lines(/^envoy_cluster_upstream_rq_total/)).toEqual([
      'envoy_cluster_upstream_rq_total{envoy_cluster_name="httproute/default/shop/rule/0"} 4',
    ]);
  });
});

test('a pod that hangs costs the time-out, a closed one is refused, and pods count what they answered', () => {
  twoVersions({}, ['shop:v1-slow40', 'shop:v2-hang']);
  world.clock.advance(5_000);
  expect(serveOne()).toMatchObject({ code: 200, durationMs: 42 });
  setWeights(world.store, 'shop', { shop: 0, 'shop-canary': 100 });
  world.clock.advance(1_000);
  expect(serveOne()).toMatchObject({ code: 504, durationMs: 10_000, flag: 'UT' });
  const counted = [...world.workloads.running().values()].map((pod) => pod.metrics()).join('');
  expect(counted).toMatch(/^http_requests_total\{method="GET",code="200"\} 1$/m);
});

test('two runs of the same story are equal in every object', () => {
  const story = () => {
    world = startWorld();
    gateways = startGateways({ store: world.store, clock: world.clock, workloads: world.workloads });
    createClass(world.store);
    twoVersions();
    world.clock.advance(5_000);
    setWeights(world.store, 'shop', { shop: 50, 'shop-canary': 50 });
    world.edit(kinds.deployment, 'shop', { spec: { replicas: 5 } });
    world.clock.advance(5_000);
    return world.store.kinds().map((kind) => world.store.list(kind).items);
  };
  expect(story()).toEqual(story());
});

test('a Service that comes back gives its clients a data plane again, and a mesh may lag as well', () => {
  createApp(world.store, 'shop', 'shop:v1');
  const mesh = gateways.mesh('default', 'shop');
  const ask = () =>
    serve(
      mesh,
      80,
      { method: 'GET', host: 'shop', target: '/', headers: {} },
      { running: world.workloads.running(), metrics },
    ).code;
  world.clock.advance(5_000);
  expect(ask()).toBe(200);
  const service = { kind: kinds.service, namespace: 'default', name: 'shop' };
  const { spec } = world.store.get(service);
  world.store.delete(service);
  world.clock.advance(5_000);
  expect([ask(), gateways.address(mesh)]).toEqual([404, undefined]);
  const annotations = { 'sandbox.linnet.dev/lag': '10s' };
  const again = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'shop', annotations }, spec };
  world.store.create(kinds.service, again, { ...user, namespace: 'default' });
  world.clock.advance(9_000);
  expect(ask()).toBe(404);
  world.clock.advance(2_000);
  expect(ask()).toBe(200);
});
