import type { Canary } from '../api/canary.ts';
import { kinds } from '../api/kinds.ts';
import { canaryObjectName, canaryUidLabel } from '../api/names.ts';
import type { Deployment, Service } from '../api/objects.ts';
import { selects } from '../decide/canary-labels.ts';
import type { Problem } from '../decide/view.ts';
import type { KubeCache } from '../ports/kube.ts';
import { tellSubject, workloadsBehind } from './subject.ts';
import { holdOf } from './target.ts';

/** What of the target's own spec keeps two versions of it from running side by side. */
export function targetProblems(target: Deployment, canary: Canary): Problem[] {
  const name = `Deployment ${target.metadata.name}`;
  if ((target.spec.replicas ?? 1) === 0) {
    return [{ reason: 'TargetScaledToZero', message: `${name}: spec.replicas is 0, so nothing serves; scale it up.` }];
  }
  const hold = holdOf(target);
  if (hold.state === 'foreign') {
    const message = `${name}: spec.paused belongs to ${hold.manager}, so Linnet cannot hold back a new template; remove the field there.`;
    return [{ reason: 'PausedByOther', message }];
  }
  if (canary.spec.acceptSideBySide === true) return [];
  const why = sideBySide(target);
  if (why === undefined) return [];
  const message = `${name}: ${why}, so two versions may disturb each other; set spec.acceptSideBySide if they do not.`;
  return [{ reason: 'NotCanaryable', message }];
}

function sideBySide({ spec }: Deployment): string | undefined {
  if (spec.strategy?.type === 'Recreate') return 'spec.strategy is Recreate';
  const pod = spec.template.spec ?? {};
  const containers = Array.isArray(pod['containers'])
    ? (pod['containers'] as { ports?: { hostPort?: number }[] }[])
    : [];
  if (pod['hostNetwork'] === true) return 'spec.template.spec.hostNetwork is true';
  if (containers.some((container) => container.ports?.some((port) => (port.hostPort ?? 0) > 0))) {
    return 'a container has a hostPort';
  }
  const volumes = Array.isArray(pod['volumes'])
    ? (pod['volumes'] as { persistentVolumeClaim?: { readOnly?: boolean } }[])
    : [];
  if (
    volumes.some(
      (volume) => volume.persistentVolumeClaim !== undefined && volume.persistentVolumeClaim.readOnly !== true,
    )
  ) {
    return 'it writes to a PersistentVolumeClaim';
  }
  return undefined;
}

/** Objects that bear the names of the canary's and are somebody else's. */
export function namesTaken(target: Deployment, canary: Canary, cache: KubeCache): Problem[] {
  const { namespace = 'default', uid } = canary.metadata;
  const name = canaryObjectName(target.metadata.name);
  return [kinds.deployment, kinds.service].flatMap((kind) => {
    const found = cache.get({ kind, namespace, name });
    if (found === undefined || found.metadata.labels?.[canaryUidLabel] === uid) return [];
    const message = `${kind.kind} ${name} is there and not of this Canary, which needs the name for its own; rename or remove it.`;
    return [{ reason: 'NameTaken', message }];
  });
}

/** Pods that a selector counts to both sides, or to another workload too, cannot be given a share. */
export function overlaps({ spec, metadata }: Canary, target: Deployment | undefined, cache: KubeCache): Problem[] {
  const { namespace = 'default' } = metadata;
  const deployments = cache
    .list<Deployment>(kinds.deployment, namespace)
    .filter((deployment) => deployment.metadata.labels?.[canaryUidLabel] === undefined);
  if (spec.backends !== undefined) return bothSelect(spec.backends, namespace, deployments, cache);
  const other = deployments.find(
    ({ metadata: { name }, spec: { template } }) =>
      target !== undefined &&
      name !== target.metadata.name &&
      selects(target.spec.selector, template.metadata?.labels ?? {}),
  );
  if (target === undefined || other === undefined) return [];
  const message = `Deployment ${target.metadata.name}: spec.selector matches the pods of Deployment ${other.metadata.name} too, so they cannot be told apart; give one of them other labels.`;
  return [{ reason: 'SelectorOverlap', message }];
}

function bothSelect(
  { stable, canary }: NonNullable<Canary['spec']['backends']>,
  namespace: string,
  deployments: Deployment[],
  cache: KubeCache,
): Problem[] {
  if (stable.name === canary.name) return [];
  const behind = ({ name }: { name: string }) =>
    workloadsBehind(cache.get<Service>({ kind: kinds.service, namespace, name }), deployments);
  const [shared] = behind(stable).filter((deployment) => behind(canary).includes(deployment));
  if (shared === undefined) return [];
  const message = `spec.backends: Services ${stable.name} and ${canary.name} both select the pods of Deployment ${shared.metadata.name}, so neither side is one version; give each a selector of its own.`;
  return [{ reason: 'SelectorOverlap', message }];
}

/** An older Canary on the same target or on one of the same routes' backends has the right to them. */
export function inUse(canary: Canary, cache: KubeCache): Problem[] {
  const namespace = canary.metadata.namespace ?? 'default';
  const rivals = cache
    .list<Canary>(kinds.canary, namespace)
    .filter((other) => other.metadata.uid !== canary.metadata.uid && older(other, canary));
  const rival = rivals.find((other) => shared(other, canary, cache) !== undefined);
  if (rival === undefined) return [];
  const message = `Canary ${rival.metadata.name} is older and releases through the same ${shared(rival, canary, cache)}; name another one, or delete one of the two.`;
  return [{ reason: 'TargetInUse', message }];
}

function older(a: Canary, b: Canary): boolean {
  const [createdA, createdB] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  return createdA === createdB ? (a.metadata.uid ?? '') < (b.metadata.uid ?? '') : createdA < createdB;
}

/** What two Canaries have in common that only one may have: a target, or a backend of a route. */
function shared(a: Canary, b: Canary, cache: KubeCache): string | undefined {
  const target = a.spec?.targetRef?.name;
  if (target !== undefined && target === b.spec?.targetRef?.name) return `Deployment ${target}`;
  const names = (canary: Canary) => (canary.spec?.routes ?? []).map(({ name }) => name);
  const route = names(a).find((name) => names(b).includes(name));
  if (route === undefined) return undefined;
  const backend = backendsOf(a, cache).find((name) => backendsOf(b, cache).includes(name));
  return backend === undefined ? undefined : `backend ${backend} of route ${route}`;
}

function backendsOf(canary: Canary, cache: KubeCache): string[] {
  const told = tellSubject(canary, cache);
  return told.ok ? [told.subject.stable.name, told.subject.canary.name] : [];
}
