import type { Kind } from '../../src/api/kinds.ts';
import { kinds } from '../../src/api/kinds.ts';
import type { Deployment, EndpointSlice, ReplicaSet } from '../../src/api/objects.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Random } from '../../src/ports/random.ts';
import { sandboxKinds } from '../../src/sandbox/world/kinds/kinds.ts';
import { createObjectStore } from '../../src/sandbox/world/store/object-store.ts';
import type { ObjectStore } from '../../src/sandbox/world/types.ts';
import { furnish } from '../../src/sandbox/world/workloads/furnish.ts';
import { podKind } from '../../src/sandbox/world/workloads/kinds.ts';
import type { Pod } from '../../src/sandbox/world/workloads/pod.ts';
import { startWorkloads, type Workloads } from '../../src/sandbox/world/workloads/workloads.ts';

/** A clock that moves only when told, and runs what is due in order of time. */
export interface VirtualClock extends Clock {
  advance(ms: number): void;
  /** How many calls are still planned. */
  planned(): number;
}

function virtualClock(): VirtualClock {
  let now = Date.parse('2026-01-01T00:00:00Z');
  let lastId = 0;
  const calls = new Map<number, { atMs: number; fn: () => void }>();
  return {
    now: () => now,
    monotonic: () => now,
    after(delayMs, fn) {
      const id = ++lastId;
      calls.set(id, { atMs: now + delayMs, fn });
      return () => void calls.delete(id);
    },
    advance(ms) {
      const until = now + ms;
      for (;;) {
        const next = [...calls]
          .filter(([, { atMs }]) => atMs <= until)
          .toSorted((a, b) => a[1].atMs - b[1].atMs || a[0] - b[0])[0];
        if (!next) break;
        calls.delete(next[0]);
        now = Math.max(now, next[1].atMs);
        next[1].fn();
      }
      now = until;
    },
    planned: () => calls.size,
  };
}

/** The same numbers in each run. */
function fixedRandom(): Random {
  let state = 42;
  const next = () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
  const hex = (digits: number) => Array.from({ length: digits }, () => Math.floor(next() * 16).toString(16)).join('');
  return { next, uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}` };
}

export const user = { fieldManager: 'kubectl' };

export interface World {
  clock: VirtualClock;
  random: Random;
  store: ObjectStore;
  workloads: Workloads;
  deploy(name: string, image: string, spec?: object): Deployment;
  /** A Service on port 80 for the pods of `deploy(name)`. */
  expose(name: string, spec?: object): void;
  edit(kind: Kind, name: string, change: object): void;
  deployment(name: string): Deployment;
  sets(): ReplicaSet[];
  pods(): Pod[];
  endpoints(
    service: string,
  ): { address: string; ready: boolean; serving: boolean; terminating: boolean; pod: string }[];
}

const namespace = 'default';

export function startWorld(): World {
  const clock = virtualClock();
  const random = fixedRandom();
  const store = createObjectStore({ clock, random, kinds: sandboxKinds() });
  furnish(store, clock);
  const workloads = startWorkloads({ store, clock, random });
  return {
    clock,
    random,
    store,
    workloads,
    deploy: (name, image, spec = {}) =>
      store.create(kinds.deployment, deploymentOf(name, image, spec), { ...user, namespace }) as Deployment,
    expose(name, spec = {}) {
      const service = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace },
        spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'web' }], ...spec },
      };
      store.create(kinds.service, service, { ...user, namespace });
    },
    edit: (kind, name, body) => void store.patch({ kind, namespace, name }, { type: 'merge', body }, user),
    deployment: (name) => store.get({ kind: kinds.deployment, namespace, name }) as Deployment,
    sets: () => store.list(kinds.replicaSet, { namespace }).items as ReplicaSet[],
    pods: () => store.list(podKind, { namespace }).items as Pod[],
    endpoints: (service) =>
      (
        store.list(kinds.endpointSlice, { namespace, labelSelector: `kubernetes.io/service-name=${service}` })
          .items as EndpointSlice[]
      )
        .flatMap((slice) => slice.endpoints ?? [])
        .map(({ addresses, conditions, targetRef }) => ({
          address: addresses[0] ?? '',
          ready: conditions?.ready ?? false,
          serving: conditions?.serving ?? false,
          terminating: conditions?.terminating ?? false,
          pod: targetRef?.name ?? '',
        })),
  };
}

function deploymentOf(name: string, image: string, spec: object) {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'app', image, ports: [{ name: 'web', containerPort: 8080 }] }] },
      },
      ...spec,
    },
  };
}

/** A change of a Deployment's image, as a merge patch. */
export function image(tag: string) {
  return {
    spec: {
      template: { spec: { containers: [{ name: 'app', image: tag, ports: [{ name: 'web', containerPort: 8080 }] }] } },
    },
  };
}
