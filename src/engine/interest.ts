import type { Canary } from '../api/canary.ts';
import type { Kind } from '../api/kinds.ts';
import { kinds } from '../api/kinds.ts';
import { canaryObjectName, canaryUidLabel } from '../api/names.ts';
import type { KubeObject } from '../api/objects.ts';

const serviceNameLabel = 'kubernetes.io/service-name';

/**
 * Whether a change of an object can matter to a Canary of the same namespace. May say yes once too often, never no wrongly: a Canary that is
 * not ready wants to hear of everything, since what it lacks may have come.
 */
export function concerns(canary: Canary, kind: Kind, object: KubeObject): boolean {
  if (!isReady(canary)) return true;
  const { release } = canary.status ?? {};
  switch (kind) {
    case kinds.deployment:
      return (
        deploymentsOf(canary) === 'any' ||
        deploymentsOf(canary).includes(object.metadata.name) ||
        isOurs(canary, object)
      );
    case kinds.replicaSet:
      return object.metadata.ownerReferences?.some(({ name }) => deploymentsOf(canary).includes(name)) === true;
    case kinds.service:
      // What Linnet makes for another Canary selects none but that one's pods.
      return !isOfAnother(canary, object) || servicesOf(canary).includes(object.metadata.name);
    case kinds.endpointSlice:
      return release !== undefined && servicesOf(canary).includes(object.metadata.labels?.[serviceNameLabel] ?? '');
    case kinds.httpRoute:
      return routesOf(canary).includes(object.metadata.name);
    case kinds.metricTemplate:
      return (
        canary.spec.analysis.metrics?.some(({ templateRef }) => templateRef?.name === object.metadata.name) === true
      );
    default:
      return true;
  }
}

function isReady({ status, metadata }: Canary): boolean {
  if (metadata.deletionTimestamp !== undefined) return false;
  return (
    status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true &&
    status.stage !== 'Initializing'
  );
}

function isOurs(canary: Canary, object: KubeObject): boolean {
  return object.metadata.labels?.[canaryUidLabel] === canary.metadata.uid;
}

function isOfAnother(canary: Canary, object: KubeObject): boolean {
  const owner = object.metadata.labels?.[canaryUidLabel];
  return owner !== undefined && owner !== canary.metadata.uid;
}

/** In `backends` mode any Deployment may be behind the Services. */
function deploymentsOf({ spec, status }: Canary): string[] | 'any' {
  const names = [spec.targetRef?.name, status?.release?.frozen.subject.target].filter((name) => name !== undefined);
  return names.length === 0 ? 'any' : names.flatMap((name) => [name, canaryObjectName(name)]);
}

function servicesOf({ spec, status }: Canary): string[] {
  const sides = [spec.backends, status?.release?.frozen.subject].filter((it) => it !== undefined);
  return sides.flatMap(({ stable, canary }) => [stable.name, canary.name]);
}

function routesOf({ spec, status }: Canary): string[] {
  const { subject } = status?.release?.frozen ?? {};
  return [...spec.routes, ...(subject?.routes ?? [])].map(({ name }) => name);
}
