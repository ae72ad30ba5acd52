import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterEach, expect, test } from 'vitest';
import type { Canary } from '../../src/api/canary.ts';
import { type Kind, apiVersionOf, kinds } from '../../src/api/kinds.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import { defaultSettings } from '../../src/decide/view.ts';
import { createEngine } from '../../src/engine/engine.ts';
import { createReconcile } from '../../src/engine/reconcile.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Kube, KubeCache } from '../../src/ports/kube.ts';
import type { Log } from '../../src/ports/log.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import type { Queue } from '../../src/ports/queue.ts';
import type { Random } from '../../src/ports/random.ts';
import { createQueue } from '../../src/queue/memory.ts';
import { startGateways } from '../../src/sandbox/world/gateway/gateways.ts';
import { sandboxKinds } from '../../src/sandbox/world/kinds/kinds.ts';
import { createObjectStore } from '../../src/sandbox/world/store/object-store.ts';
import type { ObjectStore } from '../../src/sandbox/world/types.ts';
import { furnish } from '../../src/sandbox/world/workloads/furnish.ts';
import { startWorkloads } from '../../src/sandbox/world/workloads/workloads.ts';
import { createViewer } from '../../src/view/viewer.ts';
import { createVirtualClock, type VirtualClock } from '../queue/virtual-clock.ts';

const namespace = 'shop';
const names = Array.from({ length: 20 }, (_, at) => `shop-${at}`);
const hourMs = 3_600_000;

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
const watched: Kind[] = [
  kinds.canary,
  kinds.metricTemplate,
  kinds.deployment,
  kinds.replicaSet,
  kinds.service,
  kinds.endpointSlice,
  kinds.httpRoute,
];

const closers: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** What the engine does, counted where it leaves the engine. */
interface Doings {
  runs: number;
  requests: number;
  queries: number;
}

/** A cluster and an engine under one virtual clock; the timers of the engine are told from those of the cluster. */
function startStand(): { store: ObjectStore; clock: VirtualClock; doings: Doings; timers: () => number } {
  const clock = createVirtualClock();
  const random = seededRandom();
  const store = createObjectStore({ clock, random, kinds: sandboxKinds() });
  furnish(store, clock);
  const workloads = startWorkloads({ store, clock, random });
  const gateways = startGateways({ store, clock, workloads });
  build(store);
  const own = countTimers(clock);
  const doings: Doings = { runs: 0, requests: 0, queries: 0 };
  const kube = kubeOn(store, () => doings.requests++);
  const cache = cacheOn(store);
  const metrics = metricsThatCount(() => doings.queries++);
  const settings = defaultSettings;
  const viewer = createViewer({ kube, cache, metrics, clock: own.clock, checkPeriodMs: settings.checkPeriodMs });
  const queue: Queue = createQueue({
    clock: own.clock,
    random,
    log: silent,
    concurrency: 10,
    reconcile: createReconcile({ viewer, kube, clock: own.clock, random, log: silent, settings }),
    onDone: () => doings.runs++,
  });
  const engine = createEngine({ cache, queue });
  const stops = watched.map((kind) =>
    store.watch(kind, {}, ({ type, object }) => {
      engine.changed({ kind, object: object as KubeObject, type: type === 'DELETED' ? 'removed' : 'put' });
    }),
  );
  closers.push(
    () => workloads.close(),
    () => gateways.close(),
    () => stops.forEach((stop) => stop()),
    () => queue.stop(),
  );
  return { store, clock, doings, timers: own.timers };
}

/** Chance that is the same in every run; names that the store draws must differ. */
function seededRandom(): Random {
  let seed = 1;
  let uuids = 0;
  return {
    next() {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    },
    uuid: () => `00000000-0000-4000-8000-${String(++uuids).padStart(12, '0')}`,
  };
}

function countTimers(clock: Clock): { clock: Clock; timers: () => number } {
  const set = new Set<object>();
  const after: Clock['after'] = (delayMs, fn) => {
    const timer = {};
    set.add(timer);
    const cancel = clock.after(delayMs, () => {
      set.delete(timer);
      fn();
    });
    return () => {
      set.delete(timer);
      cancel();
    };
  };
  return { clock: { now: () => clock.now(), monotonic: () => clock.monotonic(), after }, timers: () => set.size };
}

/** What a watch would show, without delay. */
function cacheOn(store: ObjectStore): KubeCache {
  return {
    get: <T extends KubeObject>({ kind, namespace: ns, name }: { kind: Kind; namespace?: string; name: string }) =>
      store.list(kind, { ...(ns && { namespace: ns }), fieldSelector: `metadata.name=${name}` }).items[0] as
        | T
        | undefined,
    list: <T extends KubeObject>(kind: Kind, ns?: string) => store.list(kind, ns ? { namespace: ns } : {}).items as T[],
  };
}

function kubeOn(store: ObjectStore, count: () => void): Kube {
  const fieldManager = 'linnet';
  const cache = cacheOn(store);
  return {
    async get(ref) {
      count();
      return cache.get(ref);
    },
    async list<T extends KubeObject>(kind: Kind, ns?: string, labelSelector?: string) {
      count();
      return store.list(kind, { ...(ns && { namespace: ns }), ...(labelSelector && { labelSelector }) }).items as T[];
    },
    async create<T extends KubeObject>(kind: Kind, object: T) {
      count();
      return store.create(kind, object, { fieldManager, namespace }) as T;
    },
    async patch<T extends KubeObject>(...[ref, patch, subresource]: Parameters<Kube['patch']>) {
      count();
      const stored =
        patch.type === 'json' ? { type: patch.type, ops: patch.ops } : { type: patch.type, body: patch.body };
      return store.patch(ref, stored, { fieldManager, ...(subresource && { subresource }) }).object as T;
    },
    async delete(ref, preconditions) {
      count();
      store.delete(ref, { preconditions });
    },
  };
}

function metricsThatCount(count: () => void): Metrics {
  const answer = async () => {
    count();
    return { outcome: 'noData' as const, query: '', message: 'Nothing is known.' };
  };
  return {
    preset: () => ({ name: 'istio', atSplit: true, histogram: true, hint: '' }),
    counts: answer,
    value: answer,
  };
}

function build(store: ObjectStore): void {
  const crds = join(import.meta.dirname, '../../crds');
  const crdKind = kindOf(store, 'CustomResourceDefinition');
  for (const file of readdirSync(crds).filter((name) => name.endsWith('.yaml'))) {
    store.create(crdKind, parse(readFileSync(join(crds, file), 'utf8')), { fieldManager: 'kubectl' });
  }
  put(store, kinds.namespace, namespace, {});
  put(store, kindOf(store, 'GatewayClass'), 'sandbox', {
    spec: { controllerName: 'sandbox.linnet.dev/gateway-controller' },
  });
  const listeners = [{ name: 'http', port: 80, protocol: 'HTTP' }];
  put(store, kindOf(store, 'Gateway'), 'web', { spec: { gatewayClassName: 'sandbox', listeners } });
  for (const name of names) {
    const selector = { app: name };
    put(store, kinds.deployment, name, {
      spec: { replicas: 2, selector: { matchLabels: selector }, template: templateOf(name, 'shop:v1') },
    });
    put(store, kinds.service, name, { spec: { selector, ports: [{ port: 80, targetPort: 'http' }] } });
    const rules = [{ backendRefs: [{ name, port: 80 }] }];
    put(store, kinds.httpRoute, name, {
      spec: { parentRefs: [{ name: 'web' }], hostnames: [`${name}.example`], rules },
    });
  }
}

function kindOf(store: ObjectStore, name: string): Kind {
  const found = store.kinds().find((kind) => kind.kind === name);
  if (found === undefined) throw new Error(`the store has no ${name}`);
  return found;
}

function put(store: ObjectStore, kind: Kind, name: string, rest: object): void {
  const object = { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name }, ...rest };
  store.create(kind, object, { fieldManager: 'kubectl', ...(kind.namespaced ? { namespace } : {}) });
}

function templateOf(name: string, image: string): object {
  const containers = [{ name: 'shop', image, ports: [{ name: 'http', containerPort: 8080 }] }];
  return { metadata: { labels: { app: name } }, spec: { containers } };
}

function putCanary(store: ObjectStore, name: string): void {
  const metrics = [{ name: 'request-success-rate', thresholdRange: { min: 99 } }];
  const analysis = { interval: '10s', stepWeights: [5, 50, 100], metrics };
  put(store, kinds.canary, name, { spec: { targetRef: { name }, routes: [{ name }], analysis } });
}

function stages(store: ObjectStore): Set<string | undefined> {
  const canaries = store.list(kinds.canary, { namespace }).items as Canary[];
  return new Set(canaries.map(({ status }) => status?.stage));
}

test('Canaries at rest set no timer, send no request and ask for no numbers', async () => {
  const { store, clock, doings, timers } = startStand();
  await clock.advance(10_000);
  for (const name of names) putCanary(store, name);
  await clock.advance(30_000);
  expect(stages(store)).toEqual(new Set(['Resting']));
  expect(doings.requests, 'they took hold of their targets').toBeGreaterThan(names.length);
  const before = { ...doings };

  expect(timers()).toBe(0);
  await clock.advance(hourMs);

  expect(timers()).toBe(0);
  expect(doings).toEqual(before);
  expect(doings.queries).toBe(0);
});

test('a release of one Canary leaves those at rest alone', async () => {
  const { store, clock, doings, timers } = startStand();
  await clock.advance(10_000);
  for (const name of names) putCanary(store, name);
  await clock.advance(30_000);
  const [first = ''] = names;
  const versionsBefore = versionsOf(store);

  const template = templateOf(first, 'shop:v2');
  store.patch(
    { kind: kinds.deployment, namespace, name: first },
    { type: 'merge', body: { spec: { template } } },
    { fieldManager: 'kubectl' },
  );
  await clock.advance(60_000);

  expect(timers(), 'one timer for all that wait').toBe(1);
  expect(doings.queries, 'asked for one Canary, once a period').toBeLessThanOrEqual(
    60_000 / defaultSettings.checkPeriodMs,
  );
  const changed = names.filter((name) => versionsOf(store).get(name) !== versionsBefore.get(name));
  expect(changed).toEqual([first]);
});

function versionsOf(store: ObjectStore): Map<string, string | undefined> {
  const { items } = store.list(kinds.canary, { namespace });
  return new Map(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
}
