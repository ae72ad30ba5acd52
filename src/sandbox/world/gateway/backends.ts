import type { Service } from '../../../api/objects.ts';
import { gatewayGroup, type HttpBackendRef, type HttpRoute, type ReferenceGrant } from './gateway-api.ts';

/** Whom a backendRef names, or why it cannot be used. */
export type Resolved =
  | { ok: true; service: string; portName: string; port: number }
  | { ok: false; reason: 'BackendNotFound' | 'RefNotPermitted' | 'InvalidKind'; message: string };

/** What is there to be referred to. */
export interface BackendLookup {
  service(key: string): Service | undefined;
  grants(namespace: string): Iterable<ReferenceGrant>;
}

export function resolveBackend(ref: HttpBackendRef, routeNamespace: string, lookup: BackendLookup): Resolved {
  const { group = '', kind = 'Service', namespace = routeNamespace, name } = ref;
  if (kind !== 'Service' || (group !== '' && group !== 'core')) {
    const message = `backendRef ${name} is of kind ${kind} and group "${group}"; only Services can be backends`;
    return { ok: false, reason: 'InvalidKind', message };
  }
  if (namespace !== routeNamespace && !isGranted(lookup.grants(namespace), routeNamespace, name)) {
    const message = `no ReferenceGrant in ${namespace} lets HTTPRoutes of ${routeNamespace} refer to Service ${name}`;
    return { ok: false, reason: 'RefNotPermitted', message };
  }
  return findPort(`${namespace}/${name}`, ref.port, lookup);
}

function findPort(key: string, port: number | undefined, lookup: BackendLookup): Resolved {
  const service = lookup.service(key);
  if (!service) return { ok: false, reason: 'BackendNotFound', message: `Service ${key} does not exist` };
  const found = (service.spec.ports ?? []).find((candidate) => candidate.port === port);
  if (found) return { ok: true, service: key, portName: found.name ?? '', port: found.port };
  return {
    ok: false,
    reason: 'BackendNotFound',
    message: `Service ${key} has no port ${port ?? '(backendRef names none)'}`,
  };
}

function isGranted(grants: Iterable<ReferenceGrant>, from: string, name: string): boolean {
  for (const { spec } of grants) {
    const fromUs = (spec.from ?? []).some(
      (entry) => entry.group === gatewayGroup && entry.kind === 'HTTPRoute' && entry.namespace === from,
    );
    const toService = (spec.to ?? []).some(
      (entry) => entry.group === '' && entry.kind === 'Service' && (entry.name === undefined || entry.name === name),
    );
    if (fromUs && toService) return true;
  }
  return false;
}

/** The first backendRef of a route that cannot be used, undefined when all can. */
export function firstUnresolved(route: HttpRoute, lookup: BackendLookup): (Resolved & { ok: false }) | undefined {
  for (const rule of route.spec.rules ?? []) {
    for (const ref of rule.backendRefs ?? []) {
      const resolved = resolveBackend(ref, route.metadata.namespace ?? '', lookup);
      if (!resolved.ok) return resolved;
    }
  }
  return undefined;
}
