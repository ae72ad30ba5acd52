import type { Condition, Deployment, ReplicaSet } from '../../../api/objects.ts';
import { kubeTime } from './canonical.ts';
import { withCondition } from './conditions.ts';
import { boundsOf, replicasOf, sumReplicas } from './replica-counts.ts';

/** A Deployment's condition also carries when it was last written, from which the progress deadline counts. */
export interface DeploymentCondition extends Condition {
  lastUpdateTime: string;
}

export interface DeploymentStatus {
  observedGeneration?: number;
  replicas?: number;
  updatedReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  unavailableReplicas?: number;
  collisionCount?: number;
  conditions?: DeploymentCondition[];
}

export interface Sets {
  newSet: ReplicaSet | undefined;
  /** Oldest first. */
  old: readonly ReplicaSet[];
}

const counts = ['replicas', 'readyReplicas', 'availableReplicas'] as const;

/** The status that the ReplicaSets amount to, with the condition Available; Progressing is left as it is. */
export function statusOf(deployment: Deployment, { newSet, old }: Sets, nowMs: number): DeploymentStatus {
  const all = newSet ? [...old, newSet] : [...old];
  const before = (deployment.status ?? {}) as DeploymentStatus;
  const total = Object.fromEntries(
    counts.map((field) => [field, all.reduce((sum, set) => sum + countOf(set, field), 0)]),
  ) as Record<(typeof counts)[number], number>;
  const status: DeploymentStatus = {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...total,
    updatedReplicas: newSet ? countOf(newSet, 'replicas') : 0,
    unavailableReplicas: Math.max(0, sumReplicas(all) - total.availableReplicas),
    ...(before.collisionCount === undefined ? {} : { collisionCount: before.collisionCount }),
  };
  const enough = total.availableReplicas >= replicasOf(deployment) - boundsOf(deployment).maxUnavailable;
  status.conditions = setCondition(
    before.conditions ?? [],
    enough
      ? {
          type: 'Available',
          status: 'True',
          reason: 'MinimumReplicasAvailable',
          message: 'Deployment has minimum availability.',
        }
      : {
          type: 'Available',
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
        },
    nowMs,
  );
  return status;
}

function countOf(set: ReplicaSet, field: (typeof counts)[number]): number {
  const status: Partial<Record<string, number>> = set.status ?? {};
  return status[field] ?? 0;
}

type Told = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

function setCondition(conditions: DeploymentCondition[], next: Told, nowMs: number): DeploymentCondition[] {
  const old = conditions.find((condition) => condition.type === next.type);
  if (old && old.status === next.status && old.reason === next.reason) return conditions;
  return withCondition<DeploymentCondition>(conditions, { ...next, lastUpdateTime: kubeTime(nowMs) }, nowMs);
}

function progressingOf(status: DeploymentStatus | undefined): DeploymentCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === 'Progressing');
}

function progressing(status: Told['status'], reason: string, message: string): Told {
  return { type: 'Progressing', status, reason, message };
}

/** Says in Progressing that the Deployment was paused or resumed. */
export function withPausedCondition(deployment: Deployment, status: DeploymentStatus, nowMs: number): DeploymentStatus {
  const reason = progressingOf(status)?.reason;
  const paused = deployment.spec.paused === true;
  const said = reason === 'DeploymentPaused';
  if (reason === 'ProgressDeadlineExceeded' || paused === said) return status;
  const told = paused
    ? progressing('Unknown', 'DeploymentPaused', 'Deployment is paused')
    : progressing('Unknown', 'DeploymentResumed', 'Deployment is resumed');
  return { ...status, conditions: setCondition(status.conditions ?? [], told, nowMs) };
}

export function withProgress(
  status: DeploymentStatus,
  reason: string,
  message: string,
  nowMs: number,
): DeploymentStatus {
  return { ...status, conditions: setCondition(status.conditions ?? [], progressing('True', reason, message), nowMs) };
}

/**
 * Progressing during a rollout.
 * @returns the status, and in how many ms the progress deadline will be over, while it runs
 */
export function withRolloutProgress(
  deployment: Deployment,
  next: DeploymentStatus,
  newSet: ReplicaSet | undefined,
  nowMs: number,
): { status: DeploymentStatus; deadlineInMs?: number } {
  const condition = progressingOf(next);
  const subject = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  const wasComplete = condition?.reason === 'NewReplicaSetAvailable';
  if (wasComplete && next.replicas === next.updatedReplicas) return { status: next };
  if (isComplete(deployment, next)) {
    return { status: withProgress(next, 'NewReplicaSetAvailable', `${subject} has successfully progressed.`, nowMs) };
  }
  if (condition === undefined || madeProgress((deployment.status ?? {}) as DeploymentStatus, next)) {
    return { status: progressed(next, `${subject} is progressing.`, nowMs), deadlineInMs: deadlineMs(deployment) };
  }
  if (wasComplete || condition.reason === 'ProgressDeadlineExceeded') return { status: next };
  return untilDeadline(deployment, next, {
    told: progressing('False', 'ProgressDeadlineExceeded', `${subject} has timed out progressing.`),
    sinceMs: Date.parse(condition.lastUpdateTime),
    nowMs,
  });
}

function untilDeadline(
  deployment: Deployment,
  status: DeploymentStatus,
  { told, sinceMs, nowMs }: { told: Told; sinceMs: number; nowMs: number },
): { status: DeploymentStatus; deadlineInMs?: number } {
  const deadlineInMs = sinceMs + deadlineMs(deployment) - nowMs;
  if (deadlineInMs > 0) return { status, deadlineInMs };
  return { status: { ...status, conditions: setCondition(status.conditions ?? [], told, nowMs) } };
}

/** Progress is written each time anew, because the deadline counts from it. */
function progressed(status: DeploymentStatus, message: string, nowMs: number): DeploymentStatus {
  const condition = progressingOf(status);
  const others = (status.conditions ?? []).filter((candidate) => candidate !== condition);
  const lastTransitionTime = condition?.status === 'True' ? condition.lastTransitionTime : kubeTime(nowMs);
  const told = {
    ...progressing('True', 'ReplicaSetUpdated', message),
    lastUpdateTime: kubeTime(nowMs),
    lastTransitionTime,
  };
  return { ...status, conditions: [...others, told] };
}

function deadlineMs(deployment: Deployment): number {
  return (deployment.spec.progressDeadlineSeconds ?? 600) * 1000;
}

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = replicasOf(deployment);
  return status.updatedReplicas === wanted && status.replicas === wanted && status.availableReplicas === wanted;
}

function madeProgress(before: DeploymentStatus, next: DeploymentStatus): boolean {
  const oldPods = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (next.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    oldPods(next) < oldPods(before) ||
    (next.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (next.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}
