import type { Deployment, PodTemplate, ReplicaSet } from '../../../api/objects.ts';
import { canonicalJson } from './canonical.ts';
import { boundsOf, desiredReplicasAnnotation, maxReplicasAnnotation, replicasOf } from './replica-counts.ts';

export const podTemplateHashLabel = 'pod-template-hash';
export const revisionAnnotation = 'deployment.kubernetes.io/revision';
const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';

/** Annotations of a Deployment that say something about the Deployment alone. */
const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  'deprecated.deployment.rollback.to',
]);

function revisionOf(object: { metadata: { annotations?: Record<string, string> } }): number {
  return Number(object.metadata.annotations?.[revisionAnnotation] ?? 0) || 0;
}

/** The ReplicaSet that was made from the Deployment's present template, the oldest of several. */
export function findNewReplicaSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const wanted = templateText(deployment.spec.template);
  return sets.find((set) => templateText(set.spec.template) === wanted);
}

/** What two templates have in common when they mean the same pods. */
export function templateText(template: PodTemplate): string {
  const { [podTemplateHashLabel]: _, ...labels } = template.metadata?.labels ?? {};
  return canonicalJson({
    spec: template.spec,
    metadata: { annotations: template.metadata?.annotations ?? {}, labels },
  });
}

/** Annotations of the ReplicaSet that carries the present template: the Deployment's own, its revision and its sizes. */
export function newSetAnnotations(
  deployment: Deployment,
  old: readonly ReplicaSet[],
  existing?: ReplicaSet,
): Record<string, string> {
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([name]) => !notCopied.has(name));
  const annotations: Record<string, string> = { ...existing?.metadata.annotations, ...Object.fromEntries(copied) };
  const revision = Math.max(0, ...old.map(revisionOf)) + 1;
  const present = existing ? revisionOf(existing) : 0;
  if (revision > present) {
    annotations[revisionAnnotation] = String(revision);
    if (present > 0) {
      const history = annotations[revisionHistoryAnnotation];
      annotations[revisionHistoryAnnotation] = history ? `${history},${present}` : String(present);
    }
  }
  return existing ? annotations : { ...annotations, ...sizeAnnotations(deployment) };
}

export function sizeAnnotations(deployment: Deployment): Record<string, string> {
  return {
    [desiredReplicasAnnotation]: String(replicasOf(deployment)),
    [maxReplicasAnnotation]: String(replicasOf(deployment) + boundsOf(deployment).maxSurge),
  };
}

/** Old, empty ReplicaSets beyond `revisionHistoryLimit`, those of the lowest revisions. */
export function beyondHistory(deployment: Deployment, old: readonly ReplicaSet[]): ReplicaSet[] {
  const limit = (deployment.spec['revisionHistoryLimit'] as number | undefined) ?? 10;
  const empty = old.filter(
    (set) => replicasOf(set) === 0 && (set.status?.replicas ?? 0) === 0 && !set.metadata.deletionTimestamp,
  );
  const surplus = Math.max(0, old.length - limit);
  return empty.toSorted((a, b) => revisionOf(a) - revisionOf(b)).slice(0, surplus);
}
