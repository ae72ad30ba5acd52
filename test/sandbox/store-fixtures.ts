import type { KubeObject } from '../../src/api/objects.ts';
import { kinds as known, type Kind } from '../../src/api/kinds.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Random } from '../../src/ports/random.ts';
import { createObjectStore } from '../../src/sandbox/world/store/object-store.ts';
import {
  ApiError,
  type ApiStatus,
  type KindDefinition,
  type ObjectStore,
  type WatchEvent,
} from '../../src/sandbox/world/types.ts';

/** A clock that stands still until it is moved. */
export function stoppedClock(): Clock & { advance(ms: number): void } {
  let now = Date.parse('2026-01-02T03:04:05Z');
  let timers: { at: number; fn: () => void }[] = [];
  return {
    now: () => now,
    monotonic: () => now,
    after(delayMs, fn) {
      const timer = { at: now + delayMs, fn };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance(ms) {
      now += ms;
      const due = timers.filter((timer) => timer.at <= now);
      timers = timers.filter((timer) => timer.at > now);
      for (const timer of due) timer.fn();
    },
  };
}

/** Chance that gives the same in every run. */
function countedRandom(): Random {
  let count = 0;
  return {
    next: () => ((count = (count * 16_807 + 11) % 2_147_483_647) % 1000) / 1000,
    uuid: () => `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}`,
  };
}

export function define(kind: Kind, more: Partial<KindDefinition> = {}): KindDefinition {
  const workload = kind.group === 'apps';
  return {
    ...kind,
    singular: kind.kind.toLowerCase(),
    shortNames: [],
    statusSubresource: workload,
    generation: workload,
    ...more,
  };
}

export const configMap: Kind = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };
export const pod: Kind = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
export const crd: Kind = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};
export const { deployment, replicaSet, service, namespace } = known;

/** A store with a few kinds, without schemas. */
export function aStore(
  ...more: KindDefinition[]
): ObjectStore & { clock: ReturnType<typeof stoppedClock>; errors: unknown[] } {
  const clock = stoppedClock();
  const errors: unknown[] = [];
  const log = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (fields: object) => void errors.push(fields),
    child: () => log,
  };
  const kinds = [
    define(namespace),
    define(configMap),
    define(service),
    define(pod, { statusSubresource: true }),
    define(deployment),
    define(replicaSet),
    define(crd, { statusSubresource: true, generation: true }),
    ...more,
  ];
  return Object.assign(createObjectStore({ clock, random: countedRandom(), kinds, log }), { clock, errors });
}

export const by = (fieldManager: string) => ({ fieldManager });

/** A reference into the namespace `default`. */
export const at = (kind: Kind, name: string) => ({ kind, name, ...(kind.namespaced ? { namespace: 'default' } : {}) });

export function aDeployment(name: string, more: object = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default', labels: { app: name } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'app', image: 'demo:v1', env: [{ name: 'A', value: '1' }] }] },
      },
    },
    ...more,
  };
}

/** The status with which `call` was refused. */
export function refusal(call: () => unknown): ApiStatus {
  try {
    call();
  } catch (error) {
    if (error instanceof ApiError) return error.status;
    throw error;
  }
  throw new Error('the call was not refused');
}

/** All events of a watch as they come. */
export function watched(store: ObjectStore, kind: Kind, selection: Parameters<ObjectStore['watch']>[1] = {}) {
  const events: WatchEvent[] = [];
  const stop = store.watch(kind, selection, (event) => events.push(event));
  const names = () => events.map((event) => `${event.type} ${String((event.object as KubeObject).metadata.name)}`);
  return { events, names, stop };
}
