import { expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import type { EndpointSlice } from '../../src/api/objects.ts';
import { behaviourOf } from '../../src/sandbox/world/workloads/behaviour.ts';
import { podKind } from '../../src/sandbox/world/workloads/kinds.ts';
import { scrapePods } from '../../src/sandbox/world/workloads/scrape-targets.ts';
import { startWorld, user, type World } from './workloads-world.ts';

function slices(world: World, service: string): EndpointSlice[] {
  const labelSelector = `kubernetes.io/service-name=${service}`;
  return world.store.list(kinds.endpointSlice, { namespace: 'default', labelSelector }).items as EndpointSlice[];
}

test('a Service gets a slice with the ready pods, the numbers of its named ports and who they are', () => {
  const world = startWorld();
  world.expose('shop');
  world.deploy('shop', 'shop:v1');
  world.clock.advance(5_000);
  const [slice, ...more] = slices(world, 'shop');
  expect(more).toEqual([]);
  expect(slice).toMatchObject({
    addressType: 'IPv4',
    metadata: {
      labels: { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' },
      ownerReferences: [{ kind: 'Service', name: 'shop' }],
    },
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  });
  const byName = slice?.endpoints?.toSorted((a, b) => (a.targetRef?.name ?? '').localeCompare(b.targetRef?.name ?? ''));
  expect(byName).toEqual(
    world.pods().map((pod) => ({
      addresses: [pod.status?.podIP],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: 'sandbox',
      targetRef: { kind: 'Pod', namespace: 'default', name: pod.metadata.name, uid: pod.metadata.uid },
    })),
  );
});

test('a deleted pod is terminating in the slice before its server closes, and a preStop sleep gives it longer', () => {
  const world = startWorld();
  const lifecycle = { preStop: { sleep: { seconds: 5 } } };
  const containers = [{ name: 'app', image: 'shop:v1', ports: [{ name: 'web', containerPort: 8080 }], lifecycle }];
  world.expose('shop');
  world.deploy('shop', 'shop:v1', {
    replicas: 1,
    template: { metadata: { labels: { app: 'shop' } }, spec: { containers } },
  });
  world.clock.advance(5_000);
  const name = world.pods()[0]?.metadata.name ?? '';
  world.store.delete({ kind: podKind, namespace: 'default', name });
  world.clock.advance(1_000);
  const leaving = world.endpoints('shop').find(({ pod }) => pod === name);
  expect(leaving).toMatchObject({ ready: false, serving: true, terminating: true });
  expect(world.workloads.running().has(leaving?.address ?? '')).toBe(true);
  world.clock.advance(5_000);
  expect(world.endpoints('shop').map(({ ready }) => ready)).toEqual([true]);
  expect(world.workloads.running().size).toBe(1);
  expect(world.pods()).toHaveLength(1);
});

test('a pod deleted without grace is gone at once and its server with it', () => {
  const world = startWorld();
  world.deploy('shop', 'shop:v1', { replicas: 1 });
  world.clock.advance(5_000);
  const [pod] = world.pods();
  world.store.delete(
    { kind: podKind, namespace: 'default', name: pod?.metadata.name ?? '' },
    { gracePeriodSeconds: 0 },
  );
  expect(world.pods()).toEqual([]);
  world.clock.advance(1_000);
  expect([...world.workloads.running().values()].map(({ uid }) => uid)).toEqual(
    world.pods().map(({ metadata }) => metadata.uid),
  );
});

test('a pod whose labels no longer match leaves the slice, and one that is not ready is not ready there', () => {
  const world = startWorld();
  world.expose('shop');
  world.deploy('shop', 'shop:v1-notready', { replicas: 1 });
  world.clock.advance(5_000);
  expect(world.endpoints('shop')).toMatchObject([{ ready: false, serving: false, terminating: false }]);
  world.edit(podKind, world.pods()[0]?.metadata.name ?? '', { metadata: { labels: { app: 'other' } } });
  world.clock.advance(1_000);
  expect(world.endpoints('shop')).toEqual([]);
});

test('pods that name a port differently are in slices of their own, and a headless Service says so', () => {
  const world = startWorld();
  world.expose('shop', { clusterIP: 'None' });
  const podOf = (name: string, containerPort: number) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'shop' } },
    spec: { containers: [{ name: 'app', image: 'shop:v1', ports: [{ name: 'web', containerPort }] }] },
  });
  for (const [name, port] of [
    ['a', 8080],
    ['b', 9090],
  ] as const)
    world.store.create(podKind, podOf(name, port), { ...user, namespace: 'default' });
  world.clock.advance(5_000);
  expect(
    slices(world, 'shop')
      .map(({ ports }) => ports?.[0]?.port)
      .toSorted((a = 0, b = 0) => a - b),
  ).toEqual([8080, 9090]);
  expect(
    slices(world, 'shop').every(({ metadata }) => metadata.labels?.['service.kubernetes.io/headless'] === ''),
  ).toBe(true);
});

test('a Service without a selector keeps the slices that others made for it', () => {
  const world = startWorld();
  world.store.create(
    kinds.service,
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'far' }, spec: { ports: [{ port: 80 }] } },
    { ...user, namespace: 'default' },
  );
  world.clock.advance(1_000);
  expect(slices(world, 'far')).toEqual([]);
});

test('scaling down takes pods that are not ready first, then the youngest', () => {
  const world = startWorld();
  world.deploy('shop', 'shop:v1', { replicas: 2 });
  world.clock.advance(5_000);
  const oldest = world.pods().map(({ metadata }) => metadata.name);
  world.edit(kinds.deployment, 'shop', { spec: { replicas: 4 } });
  world.clock.advance(5_000);
  world.edit(kinds.deployment, 'shop', { spec: { replicas: 2 } });
  world.clock.advance(5_000);
  expect(
    world
      .pods()
      .map(({ metadata }) => metadata.name)
      .toSorted(),
  ).toEqual(oldest.toSorted());
});

test('each running pod is scraped once for each Service in front of it, until it is gone', () => {
  const world = startWorld();
  const scraped = new Set<string>();
  const end = scrapePods(world.workloads, ({ labels, scrape }) => {
    const text = `${labels['service']} ${labels['namespace']} ${labels['container']} ${labels['pod']?.split('-')[0]} ${scrape()}`;
    scraped.add(text);
    return () => scraped.delete(text);
  });
  world.expose('shop');
  world.expose('shop-all', { selector: { app: 'shop' } });
  world.deploy('shop', 'shop:v1', { replicas: 1 });
  world.clock.advance(5_000);
  expect([...scraped].toSorted()).toEqual(['shop default app shop ', 'shop-all default app shop ']);
  world.edit(kinds.deployment, 'shop', { spec: { replicas: 0 } });
  world.clock.advance(5_000);
  expect([...scraped]).toEqual([]);
  end();
});

test('an image tag tells version and behaviour apart', () => {
  const normal = { errorPercent: 0, slowMs: 0, hang: false, neverReady: false, crash: false };
  expect(behaviourOf('demo:v2')).toEqual({ ...normal, version: 'v2' });
  expect(behaviourOf('registry.example:5000/a/shop:v2-err50-slow200@sha256:00')).toEqual({
    ...normal,
    version: 'v2',
    errorPercent: 50,
    slowMs: 200,
  });
  expect(behaviourOf('shop:2.1-rc1-hang-notready-crash')).toEqual({
    ...normal,
    version: '2.1-rc1',
    hang: true,
    neverReady: true,
    crash: true,
  });
  expect(behaviourOf('shop')).toEqual({ ...normal, version: 'latest' });
  expect(behaviourOf('shop:err-slow-err500')).toEqual({ ...normal, version: 'err-slow', errorPercent: 100 });
});
