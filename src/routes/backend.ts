import type { BackendRef } from '../api/objects.ts';

/** A Service that takes part in a release. */
export interface BackendId {
  name: string;
  /** Absent: the route's own namespace. */
  namespace?: string;
  /** Absent: every port of the Service. */
  port?: number;
}

/** The weight that Gateway API gives to a backendRef that names none. */
const defaultWeight = 1;

/** The weight that a backendRef has in effect. */
export function weightOf(ref: { weight?: number }): number {
  return ref.weight ?? defaultWeight;
}

function isService(ref: BackendRef): boolean {
  return (ref.group ?? '') === '' && (ref.kind ?? 'Service') === 'Service';
}

/** Whether a backendRef of a route in `routeNamespace` leads to the Service. */
export function leadsTo(ref: BackendRef, id: BackendId, routeNamespace: string): boolean {
  return (
    isService(ref) &&
    ref.name === id.name &&
    (ref.namespace ?? routeNamespace) === (id.namespace ?? routeNamespace) &&
    (id.port === undefined || ref.port === id.port)
  );
}

/**
 * A backendRef's identity as one string: `shop:80`, `other-namespace/shop:80`, or `ServiceImport.multicluster.x-k8s.io shop:80`
 * for what is not a Service. Weight and filters are no part of it.
 */
export function backendKey(ref: BackendRef, routeNamespace: string): string {
  const kind = isService(ref) ? '' : `${ref.kind ?? 'Service'}.${ref.group ?? ''} `;
  const namespace = ref.namespace === undefined || ref.namespace === routeNamespace ? '' : `${ref.namespace}/`;
  const port = ref.port === undefined ? '' : `:${ref.port}`;
  return `${kind}${namespace}${ref.name}${port}`;
}

/**
 * A copy of a backendRef, filters and unknown fields included, that leads to another Service.
 * @param weight undefined: the copy names none
 */
export function redirected(
  ref: BackendRef,
  to: BackendId,
  routeNamespace: string,
  weight: number | undefined,
): BackendRef {
  const copy: BackendRef = { ...structuredClone(ref), name: to.name };
  if (weight === undefined) delete copy.weight;
  else copy.weight = weight;
  if (to.port !== undefined) copy.port = to.port;
  const namespace = to.namespace ?? routeNamespace;
  if (namespace !== (ref.namespace ?? routeNamespace)) copy.namespace = namespace;
  return copy;
}
