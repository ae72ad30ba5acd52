import type { Canary } from '../../src/api/canary.ts';
import { kinds } from '../../src/api/kinds.ts';
import type { Deployment, Route } from '../../src/api/objects.ts';
import { decide } from '../../src/decide/decide.ts';
import type { Effect, Reading } from '../../src/decide/view.ts';
import { carryOut } from '../../src/effects/carry-out.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import { type Look, createViewer } from '../../src/view/viewer.ts';
import { canary, deployment, route, service, withReplicaSet } from '../view/manifests.ts';
import { type Cluster, aCluster, namespace, startMs } from './store-cluster.ts';

/** A metrics store that knows nothing. */
const blind: Metrics = {
  preset: () => undefined,
  counts: async () => ({ outcome: 'noData', query: '', message: 'nothing' }),
  value: async ({ query }) => ({ outcome: 'noData', query, message: 'nothing' }),
};

/** The engine's loop by hand, on an object store where nothing else runs: pods and gateways are as the test says. */
export interface Shop extends Cluster {
  canary(): Canary;
  route(): Route;
  deployment(name?: string): Deployment;
  /** One look, and what is decided on it, with the reading that it asks for. */
  decideNext(): Promise<{ look: Look; effect: Effect }>;
  /** Turns until this is decided, which is not carried out. */
  until(what: Effect['do']): Promise<{ look: Look; effect: Effect }>;
  /** Turns until there is nothing to do. */
  settle(): Promise<void>;
  /** Pods of a Deployment's Service become ready. */
  ready(service: string, count: number): void;
  /** The gateway takes the route as it is now. */
  accept(): void;
  /** Time goes by. */
  pass(seconds: number): void;
}

export interface ShopParts {
  deployment?: string;
  service?: string;
  route?: string;
  canary?: string;
  more?: string[];
}

export function openShop(parts: ShopParts = {}): Shop {
  const cluster = aCluster(
    parts.deployment ?? deployment('shop'),
    parts.service ?? service('shop'),
    parts.route ?? route('shop', [{ name: 'shop' }]),
    parts.canary ?? canary(),
    ...(parts.more ?? []),
  );
  withReplicaSet(cluster);
  let nowMs = startMs;
  const clock = { now: () => nowMs, monotonic: () => nowMs, after: () => () => {} };
  const viewer = createViewer({ ...cluster, metrics: blind, clock, checkPeriodMs: 5_000 });

  async function decideNext(): Promise<{ look: Look; effect: Effect }> {
    let reading: Reading = 'none';
    for (;;) {
      const look = await viewer.look(namespace, 'shop', reading);
      if (look === undefined) throw new Error('there is no Canary shop');
      const { effect } = decide(look.view, nowMs);
      if (effect.do !== 'lookFresh' || reading === effect.at) return { look, effect };
      reading = effect.at;
    }
  }

  async function turnsUntil(end: (effect: Effect) => boolean): Promise<{ look: Look; effect: Effect }> {
    for (let turn = 0; turn < 50; turn++) {
      const { look, effect } = await decideNext();
      if (end(effect)) return { look, effect };
      if (effect.do === 'nothing') throw new Error(`nothing to do: ${JSON.stringify(look.view.status)}`);
      await carryOut(cluster.kube, effect, look);
    }
    throw new Error('fifty turns were not enough');
  }

  const shop: Shop = {
    ...cluster,
    canary: () => cluster.get<Canary>(kinds.canary, 'shop'),
    route: () => cluster.get<Route>(kinds.httpRoute, 'shop'),
    deployment: (name = 'shop') => cluster.get<Deployment>(kinds.deployment, name),
    decideNext,
    until: (what) => turnsUntil((effect) => effect.do === what),
    settle: async () => void (await turnsUntil((effect) => effect.do === 'nothing' || effect.do === 'lookFresh')),
    ready: (name, count) => readyPods(cluster, name, count),
    accept: () => acceptRoute(cluster),
    pass: (seconds) => void (nowMs += seconds * 1000),
  };
  shop.ready('shop', 4);
  shop.accept();
  return shop;
}

/** A shop with a Canary at rest that holds its target, and then a new template. */
export async function aWaitingRelease(parts: ShopParts = {}): Promise<Shop> {
  const shop = openShop(parts);
  await shop.settle();
  seen(shop);
  shop.edit(kinds.deployment, 'shop', { spec: { template: { metadata: { annotations: { build: '2' } } } } });
  seen(shop);
  return shop;
}

/** The same with the canary's pods ready, up to the first weight. */
export async function aRelease(parts: ShopParts = {}): Promise<Shop> {
  const shop = await aWaitingRelease(parts);
  await shop.settle();
  shop.ready('shop-canary', 4);
  await shop.settle();
  shop.accept();
  return shop;
}

/** The Deployment controller has seen the present spec. */
function seen(shop: Shop): void {
  const { generation } = shop.deployment().metadata;
  shop.report(kinds.deployment, 'shop', { observedGeneration: generation });
}

function readyPods({ store }: Cluster, name: string, count: number): void {
  const endpoints = Array.from({ length: count }, (_none, index) => ({
    addresses: [`10.0.${name.length}.${index}`],
    conditions: { ready: true },
    targetRef: { kind: 'Pod', name: `${name}-${index}`, uid: `${name}-${index}` },
  }));
  const body = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: 'http', port: 8080 }],
  };
  store.patch(
    { kind: kinds.endpointSlice, namespace, name },
    { type: 'apply', body },
    { fieldManager: 'endpoints', force: true },
  );
}

function acceptRoute(cluster: Cluster): void {
  const { generation } = cluster.get(kinds.httpRoute, 'shop').metadata;
  const conditions = ['Accepted', 'ResolvedRefs'].map((type) => ({
    type,
    status: 'True',
    reason: type,
    message: '',
    observedGeneration: generation,
    lastTransitionTime: new Date(startMs).toISOString(),
  }));
  const parents = [{ parentRef: { name: 'web' }, controllerName: 'example.com/gateway', conditions }];
  cluster.report(kinds.httpRoute, 'shop', { parents });
}
