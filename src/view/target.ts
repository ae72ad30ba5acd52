import { templateDigest } from '../api/digest.ts';
import { fieldManager } from '../api/names.ts';
import type { Deployment, ReplicaSet } from '../api/objects.ts';
import type { Target } from '../decide/view.ts';

/** Reads what decisions need of the target Deployment and its ReplicaSets. */
export function targetOf(deployment: Deployment, replicaSets: ReplicaSet[]): Target {
  const owned = replicaSets.filter((set) =>
    set.metadata.ownerReferences?.some((owner) => owner.uid === deployment.metadata.uid && owner.controller === true),
  );
  const active = owned.filter((set) => (set.spec.replicas ?? 0) > 0 || (set.status?.replicas ?? 0) > 0);
  const [only] = active;
  const activeDigest = only !== undefined && active.length === 1 ? templateDigest(only.spec.template) : undefined;
  const specDigest = templateDigest(deployment.spec.template);
  const hold = holdOf(deployment);
  const serves = activeDigest !== undefined && seen(deployment) && available(deployment);
  return {
    uid: deployment.metadata.uid ?? '',
    specDigest,
    activeDigest,
    rolledOut: serves && (deployment.spec.paused === true || activeDigest === specDigest),
    stuck: stuckOf(deployment),
    hold,
  };
}

/** The template that the target's pods have now. */
export function activeTemplate(deployment: Deployment, replicaSets: ReplicaSet[]): ReplicaSet | undefined {
  return replicaSets.find(
    (set) =>
      set.metadata.ownerReferences?.some((owner) => owner.uid === deployment.metadata.uid) === true &&
      (set.spec.replicas ?? 0) > 0,
  );
}

/** Every pod of a Deployment has its present template, ready or not. */
export function isOfOneTemplate(deployment: Deployment): boolean {
  const { replicas = 0, updatedReplicas = 0 } = deployment.status ?? {};
  return seen(deployment) && replicas === updatedReplicas;
}

/** The controller has seen the present spec. */
function seen({ metadata, status }: Deployment): boolean {
  return (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
}

function available({ spec, status }: Deployment): boolean {
  const wanted = spec.replicas ?? 1;
  return wanted > 0 && (status?.availableReplicas ?? 0) >= wanted && (status?.replicas ?? 0) === wanted;
}

/** What a Deployment says of a roll-out that does not get on. */
export function stuckOf({ metadata, status }: Deployment): string | undefined {
  const progressing = status?.conditions?.find((condition) => condition.type === 'Progressing');
  if (progressing?.status !== 'False') return undefined;
  return `Deployment ${metadata.name}: ${progressing.reason}: ${progressing.message}`;
}

/** Who holds the Deployment. A value of `spec.paused` that somebody else owns is not Linnet's to change. */
export function holdOf(deployment: Deployment): Target['hold'] {
  const owners = (deployment.metadata.managedFields ?? [])
    .filter(ownsPaused)
    .map(({ manager }) => manager ?? 'unknown');
  const ours = owners.includes(fieldManager);
  const other = owners.find((owner) => owner !== fieldManager);
  if (deployment.spec.paused === true && ours) return { state: 'held' };
  // Paused and owned by nobody is what a deleted Canary leaves: whoever comes next may take it.
  return other === undefined ? { state: 'free' } : { state: 'foreign', manager: other };
}

function ownsPaused({ fieldsV1 }: { fieldsV1?: Record<string, unknown> }): boolean {
  const spec = fieldsV1?.['f:spec'];
  return typeof spec === 'object' && spec !== null && 'f:paused' in spec;
}
