import { kinds } from '../../../api/kinds.ts';
import type { ReplicaSet } from '../../../api/objects.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Random } from '../../../ports/random.ts';
import type { ObjectStore } from '../types.ts';
import { canonicalJson, randomSuffix } from './canonical.ts';
import { podKind } from './kinds.ts';
import type { ObjectCache } from './object-cache.ts';
import { isActive, isReady, isTerminating, type Pod, untilAvailable } from './pod.ts';
import { replicasOf } from './replica-counts.ts';

const write = { fieldManager: 'kube-controller-manager' };

interface World {
  store: ObjectStore;
  clock: Clock;
  random: Random;
  replicaSets: ObjectCache<ReplicaSet>;
  pods: ObjectCache<Pod>;
}

/** One turn of the ReplicaSet controller: makes or removes pods, then writes the status. @returns when to look again (ms) */
export function reconcileReplicaSet(world: World, key: string): number | undefined {
  const set = world.replicaSets.get(key);
  if (!set) return undefined;
  const active = activePods(world, set);
  if (!isTerminating(set)) {
    const missing = replicasOf(set) - active.length;
    for (let i = 0; i < missing; i++) createPod(world, set);
    if (missing < 0) removePods(world, active, -missing);
  }
  return writeStatus(world, key);
}

function activePods(world: World, set: ReplicaSet): Pod[] {
  return world.pods.ownedBy(set.metadata.uid ?? '').filter(isActive);
}

function createPod(world: World, set: ReplicaSet): void {
  const { namespace = '', name, uid = '' } = set.metadata;
  const { template } = set.spec;
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-${randomSuffix(() => world.random.next())}`,
      namespace,
      labels: template.metadata?.labels ?? {},
      ...(template.metadata?.annotations ? { annotations: template.metadata.annotations } : {}),
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    spec: template.spec ?? {},
  };
  world.store.create(podKind, pod, { ...write, namespace });
}

/** Pods that are of least use go first: not scheduled, not ready, then the youngest. */
function removePods(world: World, active: readonly Pod[], count: number): void {
  const use = (pod: Pod) => (isReady(pod) ? 2 : pod.spec.nodeName ? 1 : 0);
  const order = active.toReversed().toSorted((a, b) => use(a) - use(b));
  for (const { metadata } of order.slice(0, count)) {
    world.store.delete({ kind: podKind, namespace: metadata.namespace ?? '', name: metadata.name });
  }
}

function writeStatus(world: World, key: string): number | undefined {
  const set = world.replicaSets.get(key);
  if (!set) return undefined;
  const minReadySeconds = (set.spec as { minReadySeconds?: number }).minReadySeconds ?? 0;
  const pods = activePods(world, set);
  const waits = pods.map((pod) => untilAvailable(pod, minReadySeconds, world.clock.now()));
  const status = {
    replicas: pods.length,
    fullyLabeledReplicas: pods.length,
    readyReplicas: pods.filter(isReady).length,
    availableReplicas: waits.filter((wait) => wait === 0).length,
    observedGeneration: set.metadata.generation ?? 0,
  };
  if (canonicalJson(status) !== canonicalJson(set.status ?? {})) {
    const ref = { kind: kinds.replicaSet, namespace: set.metadata.namespace ?? '', name: set.metadata.name };
    world.store.update(ref, { ...set, status }, { ...write, subresource: 'status' });
  }
  const pending = waits.filter((wait) => wait !== undefined && wait > 0) as number[];
  return pending.length > 0 ? Math.min(...pending) : undefined;
}
