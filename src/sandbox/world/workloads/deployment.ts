import { apiVersionOf, kinds } from '../../../api/kinds.ts';
import type { Deployment, ReplicaSet } from '../../../api/objects.ts';
import type { Clock } from '../../../ports/clock.ts';
import { ApiError, type ObjectStore } from '../types.ts';
import { canonicalJson, shortHash } from './canonical.ts';
import {
  type DeploymentStatus,
  isComplete,
  type Sets,
  statusOf,
  withPausedCondition,
  withProgress,
  withRolloutProgress,
} from './deployment-status.ts';
import type { RecordEvent } from './events.ts';
import type { ObjectCache } from './object-cache.ts';
import { isTerminating } from './pod.ts';
import {
  desiredReplicasAnnotation,
  isRecreate,
  newReplicaSetSize,
  oldReplicaSetSizes,
  replicasOf,
  scaledSizes,
  sumReplicas,
} from './replica-counts.ts';
import {
  beyondHistory,
  findNewReplicaSet,
  newSetAnnotations,
  podTemplateHashLabel,
  revisionAnnotation,
  sizeAnnotations,
  templateText,
} from './replica-set-revisions.ts';

const controllerManager = 'kube-controller-manager';
const write = { fieldManager: controllerManager };

interface World {
  store: ObjectStore;
  clock: Clock;
  deployments: ObjectCache<Deployment>;
  replicaSets: ObjectCache<ReplicaSet>;
  record: RecordEvent;
}

/** One turn of the Deployment controller: rolls, scales or holds, then writes the status. @returns when to look again (ms) */
export function reconcileDeployment(world: World, key: string): number | undefined {
  const deployment = world.deployments.get(key);
  if (!deployment) return undefined;
  if (isTerminating(deployment))
    return writeStatus(world, deployment, statusOf(deployment, setsOf(world, deployment), world.clock.now()));
  const paused = withPausedCondition(deployment, (deployment.status ?? {}) as DeploymentStatus, world.clock.now());
  if (paused !== deployment.status && paused.conditions) writeStatus(world, deployment, paused);
  if (deployment.spec.paused === true || isScaling(world, deployment)) return scale(world, key);
  return roll(world, key);
}

function present(world: World, key: string): Deployment {
  const deployment = world.deployments.get(key);
  if (!deployment) throw new Error(`Deployment ${key} went away within one turn of its controller`);
  return deployment;
}

function setsOf(world: World, deployment: Deployment): Sets {
  const all = world.replicaSets.ownedBy(deployment.metadata.uid ?? '');
  const newSet = findNewReplicaSet(deployment, all);
  return { newSet, old: all.filter((set) => set !== newSet) };
}

/** Whether `spec.replicas` changed since a ReplicaSet was sized for it. */
function isScaling(world: World, deployment: Deployment): boolean {
  return world.replicaSets.ownedBy(deployment.metadata.uid ?? '').some((set) => {
    const desired = set.metadata.annotations?.[desiredReplicasAnnotation];
    return replicasOf(set) > 0 && desired !== undefined && desired !== String(replicasOf(deployment));
  });
}

/** Paused, or with a new `spec.replicas`: the present ReplicaSets are sized, none is made. */
function scale(world: World, key: string): number | undefined {
  const deployment = present(world, key);
  const { newSet, old } = setsOf(world, deployment);
  const sizes = scaledSizes(deployment, newSet, old);
  for (const [set, size] of sizes) resize(world, deployment, set, { size, always: true });
  for (const set of [...old, ...(newSet ? [newSet] : [])]) {
    if (!sizes.has(set) && replicasOf(set) > 0) resize(world, deployment, set, { size: replicasOf(set), always: true });
  }
  if (deployment.spec.paused === true) removeBeyondHistory(world, deployment, setsOf(world, deployment).old);
  return writeStatus(world, deployment, statusOf(deployment, setsOf(world, deployment), world.clock.now()));
}

function roll(world: World, key: string): number | undefined {
  const deployment = present(world, key);
  const { old } = setsOf(world, deployment);
  const mayStart =
    !isRecreate(deployment) || old.every((set) => replicasOf(set) === 0 && (set.status?.replicas ?? 0) === 0);
  if (!mayStart) {
    for (const set of old) resize(world, deployment, set, { size: 0 });
  } else {
    const newSet = ensureNewReplicaSet(world, deployment);
    if (!newSet) return 0;
    rollTowards(world, present(world, key), newSet);
  }
  const now = present(world, key);
  const sets = setsOf(world, now);
  const nowMs = world.clock.now();
  const { status, deadlineInMs } = withRolloutProgress(now, statusOf(now, sets, nowMs), sets.newSet, nowMs);
  if (isComplete(now, status)) removeBeyondHistory(world, now, sets.old);
  writeStatus(world, now, status);
  return deadlineInMs;
}

function rollTowards(world: World, deployment: Deployment, newSet: ReplicaSet): void {
  const { old } = setsOf(world, deployment);
  const active = old.filter((set) => replicasOf(set) > 0);
  const size = newReplicaSetSize(deployment, newSet, [...old, newSet]);
  // Growing and shrinking are two turns, as the real controller does it: what shrinks depends on what has become available.
  if (size !== replicasOf(newSet)) return resize(world, deployment, newSet, { size });
  if (isRecreate(deployment) || sumReplicas(active) === 0) return;
  for (const [set, oldSize] of oldReplicaSetSizes(deployment, newSet, active))
    resize(world, deployment, set, { size: oldSize });
}

/** @returns the ReplicaSet of the present template, or undefined when its name was taken and another must be tried */
function ensureNewReplicaSet(world: World, deployment: Deployment): ReplicaSet | undefined {
  const { newSet, old } = setsOf(world, deployment);
  const annotations = newSetAnnotations(deployment, old, newSet);
  const set = newSet
    ? updateNewSet(world, deployment, newSet, annotations)
    : createNewSet(world, deployment, annotations, old);
  const revision = set?.metadata.annotations?.[revisionAnnotation];
  if (revision !== undefined && deployment.metadata.annotations?.[revisionAnnotation] !== revision) {
    const changed = { ...deployment.metadata.annotations, [revisionAnnotation]: revision };
    const now = world.deployments.get(`${deployment.metadata.namespace}/${deployment.metadata.name}`) ?? deployment;
    world.store.update(refOf(deployment), { ...now, metadata: { ...now.metadata, annotations: changed } }, write);
  }
  return set;
}

function updateNewSet(
  world: World,
  deployment: Deployment,
  set: ReplicaSet,
  annotations: Record<string, string>,
): ReplicaSet {
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  const setSpec = set.spec as ReplicaSet['spec'] & { minReadySeconds?: number };
  const sameAnnotations = canonicalJson(annotations) === canonicalJson(set.metadata.annotations ?? {});
  if (sameAnnotations && (setSpec.minReadySeconds ?? 0) === minReadySeconds) return set;
  const changed = { ...set, metadata: { ...set.metadata, annotations }, spec: { ...setSpec, minReadySeconds } };
  return world.store.update(refOf(set), changed, write) as ReplicaSet;
}

function createNewSet(
  world: World,
  deployment: Deployment,
  annotations: Record<string, string>,
  old: readonly ReplicaSet[],
): ReplicaSet | undefined {
  const { namespace = '', name, uid = '' } = deployment.metadata;
  const status = (deployment.status ?? {}) as DeploymentStatus;
  const hash = shortHash(`${templateText(deployment.spec.template)}${status.collisionCount ?? ''}`);
  const labels = { ...deployment.spec.template.metadata?.labels, [podTemplateHashLabel]: hash };
  const { selector, template, minReadySeconds = 0 } = deployment.spec;
  const object = {
    apiVersion: apiVersionOf(kinds.replicaSet),
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels,
      annotations,
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    spec: {
      replicas: newReplicaSetSize(deployment, undefined, old),
      ...(minReadySeconds > 0 ? { minReadySeconds } : {}),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [podTemplateHashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
  try {
    const created = world.store.create(kinds.replicaSet, object, { ...write, namespace }) as ReplicaSet;
    const told = withProgress(
      status,
      'NewReplicaSetCreated',
      `Created new replica set "${created.metadata.name}"`,
      world.clock.now(),
    );
    writeStatus(world, deployment, told);
    recordScaling(world, deployment, created.metadata.name, { from: 0, to: replicasOf(created) });
    return created;
  } catch (error) {
    if (!(error instanceof ApiError && error.status.reason === 'AlreadyExists')) throw error;
    writeStatus(world, deployment, { ...status, collisionCount: (status.collisionCount ?? 0) + 1 });
    return undefined;
  }
}

/** @param to with `always`, the annotations that say what the size was for are brought up to date even when the size stays */
function resize(world: World, deployment: Deployment, set: ReplicaSet, to: { size: number; always?: boolean }): void {
  const now = world.replicaSets.get(`${set.metadata.namespace}/${set.metadata.name}`);
  if (!now) return;
  const annotations = { ...now.metadata.annotations, ...sizeAnnotations(deployment) };
  const annotated = canonicalJson(annotations) === canonicalJson(now.metadata.annotations ?? {});
  if (replicasOf(now) === to.size && (annotated || !to.always)) return;
  const changed = { ...now, metadata: { ...now.metadata, annotations }, spec: { ...now.spec, replicas: to.size } };
  world.store.update(refOf(now), changed, write);
  recordScaling(world, deployment, now.metadata.name, { from: replicasOf(now), to: to.size });
}

function recordScaling(
  world: World,
  deployment: Deployment,
  set: string,
  { from, to }: { from: number; to: number },
): void {
  if (from === to) return;
  const message = `Scaled ${to > from ? 'up' : 'down'} replica set ${set} from ${from} to ${to}`;
  world.record(deployment, { type: 'Normal', reason: 'ScalingReplicaSet', message });
}

function removeBeyondHistory(world: World, deployment: Deployment, old: readonly ReplicaSet[]): void {
  for (const set of beyondHistory(deployment, old)) world.store.delete(refOf(set));
}

function writeStatus(world: World, deployment: Deployment, status: DeploymentStatus): undefined {
  const now = world.deployments.get(`${deployment.metadata.namespace}/${deployment.metadata.name}`);
  if (!now || canonicalJson(now.status ?? {}) === canonicalJson(status)) return undefined;
  world.store.update(refOf(now), { ...now, status }, { ...write, subresource: 'status' });
  return undefined;
}

function refOf(object: Deployment | ReplicaSet) {
  const kind = object.kind === 'Deployment' ? kinds.deployment : kinds.replicaSet;
  return { kind, namespace: object.metadata.namespace ?? '', name: object.metadata.name };
}
