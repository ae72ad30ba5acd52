import type { Deployment, ReplicaSet } from '../../../api/objects.ts';

/** Annotations with which the Deployment controller remembers, on each ReplicaSet, the sizes it was scaled for. */
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';

/** How far a rolling update may go above and below the wanted number of pods. */
export interface Bounds {
  maxSurge: number;
  maxUnavailable: number;
}

interface RollingUpdate {
  maxSurge?: number | string;
  maxUnavailable?: number | string;
}

export function replicasOf(object: { spec: { replicas?: number } }): number {
  return object.spec.replicas ?? 1;
}

export function sumReplicas(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + replicasOf(set), 0);
}

export function isRecreate(deployment: Deployment): boolean {
  return deployment.spec.strategy?.type === 'Recreate';
}

export function boundsOf(deployment: Deployment): Bounds {
  const wanted = replicasOf(deployment);
  if (isRecreate(deployment)) return { maxSurge: 0, maxUnavailable: wanted };
  const rolling = (deployment.spec.strategy as { rollingUpdate?: RollingUpdate } | undefined)?.rollingUpdate;
  const maxSurge = portion(rolling?.maxSurge ?? '25%', wanted, Math.ceil);
  const maxUnavailable = portion(rolling?.maxUnavailable ?? '25%', wanted, Math.floor);
  // Without room on either side a rollout could never begin.
  if (maxSurge === 0 && maxUnavailable === 0) return { maxSurge: 0, maxUnavailable: 1 };
  return { maxSurge, maxUnavailable: Math.min(maxUnavailable, wanted) };
}

function portion(value: number | string, whole: number, round: (x: number) => number): number {
  if (typeof value === 'number') return value;
  return round((Number.parseFloat(value) * whole) / 100);
}

/** How many pods the new ReplicaSet may have now in a rollout. */
export function newReplicaSetSize(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
): number {
  const wanted = replicasOf(deployment);
  const present = newSet ? replicasOf(newSet) : 0;
  if (isRecreate(deployment)) return wanted;
  if (present > wanted) return wanted;
  const room = wanted + boundsOf(deployment).maxSurge - sumReplicas(all);
  return present + Math.max(0, Math.min(room, wanted - present));
}

/** New sizes of the old ReplicaSets (oldest first) in a rolling update: unhealthy pods go first, then as many as stay available. */
export function oldReplicaSetSizes(
  deployment: Deployment,
  newSet: ReplicaSet,
  old: readonly ReplicaSet[],
): Map<ReplicaSet, number> {
  const sizes = new Map(old.map((set) => [set, replicasOf(set)]));
  const minAvailable = replicasOf(deployment) - boundsOf(deployment).maxUnavailable;
  const newUnavailable = replicasOf(newSet) - available(newSet);
  let mayGo = sumReplicas([newSet, ...old]) - minAvailable - newUnavailable;
  if (mayGo <= 0) return sizes;
  for (const set of old) {
    const unhealthy = Math.min(mayGo, Math.max(0, replicasOf(set) - available(set)));
    sizes.set(set, replicasOf(set) - unhealthy);
    mayGo -= unhealthy;
  }
  let surplus = available(newSet) + old.reduce((sum, set) => sum + available(set), 0) - minAvailable;
  for (const set of old) {
    const size = sizes.get(set) ?? 0;
    const going = Math.max(0, Math.min(surplus, size));
    sizes.set(set, size - going);
    surplus -= going;
  }
  return sizes;
}

function available(set: ReplicaSet): number {
  return (set.status as { availableReplicas?: number } | undefined)?.availableReplicas ?? 0;
}

/** Sizes after `spec.replicas` changed or while paused: in proportion to the present ones, as kube-controller-manager does it. */
export function scaledSizes(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): Map<ReplicaSet, number> {
  const wanted = replicasOf(deployment);
  const active = [...old, ...(newSet ? [newSet] : [])].filter((set) => replicasOf(set) > 0);
  const only = active.length === 1 ? active[0] : active.length === 0 ? (newSet ?? old.at(-1)) : undefined;
  if (only) return new Map([[only, wanted]]);
  if (newSet && isSaturated(deployment, newSet)) {
    return new Map(old.filter((set) => replicasOf(set) > 0).map((set) => [set, 0]));
  }
  return isRecreate(deployment) ? new Map<ReplicaSet, number>() : proportional(deployment, active);
}

function isSaturated(deployment: Deployment, newSet: ReplicaSet): boolean {
  const wanted = replicasOf(deployment);
  const annotated = Number(newSet.metadata.annotations?.[desiredReplicasAnnotation]);
  return replicasOf(newSet) === wanted && annotated === wanted && available(newSet) === wanted;
}

function proportional(deployment: Deployment, active: readonly ReplicaSet[]): Map<ReplicaSet, number> {
  const wanted = replicasOf(deployment);
  const limit = wanted > 0 ? wanted + boundsOf(deployment).maxSurge : 0;
  const toAdd = limit - sumReplicas(active);
  // Growing starts with the newest among equals, shrinking with the oldest, so that the rollout's direction is kept.
  const order = (toAdd > 0 ? active.toReversed() : [...active]).toSorted((a, b) => replicasOf(b) - replicasOf(a));
  let added = 0;
  const sizes = new Map<ReplicaSet, number>();
  for (const set of order) {
    const change = toAdd === 0 ? 0 : clampTowards(fraction(deployment, set), toAdd - added);
    sizes.set(set, replicasOf(set) + change);
    added += change;
  }
  const first = order[0];
  if (first && toAdd !== added) sizes.set(first, Math.max(0, (sizes.get(first) ?? 0) + toAdd - added));
  return sizes;
}

function fraction(deployment: Deployment, set: ReplicaSet): number {
  const wanted = replicasOf(deployment);
  if (wanted === 0) return -replicasOf(set);
  const annotated = Number(set.metadata.annotations?.[maxReplicasAnnotation]) || deployment.status?.replicas || wanted;
  const size = (replicasOf(set) * (wanted + boundsOf(deployment).maxSurge)) / annotated;
  return Math.round(size) - replicasOf(set);
}

function clampTowards(change: number, allowed: number): number {
  if (allowed === 0) return 0;
  return allowed > 0 ? Math.min(change, allowed) : Math.max(change, allowed);
}
