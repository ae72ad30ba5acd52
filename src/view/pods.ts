import { kinds } from '../api/kinds.ts';
import type { EndpointSlice, Service } from '../api/objects.ts';
import type { Kube, KubeCache } from '../ports/kube.ts';

const serviceNameLabel = 'kubernetes.io/service-name';

/** Ready endpoints of one Service and their addresses. */
export interface Endpoints {
  ready: number;
  /** `ip:port` of every endpoint of the Service, ready or not. */
  addresses: string[];
}

/** Counts the endpoints of a Service over its slices; one pod that is in two slices counts once. */
export function endpointsOf(slices: EndpointSlice[], service: string): Endpoints {
  const ready = new Set<string>();
  const addresses = new Set<string>();
  for (const slice of slices) {
    if (slice.metadata.labels?.[serviceNameLabel] !== service) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const [address = ''] = endpoint.addresses;
      if (isReady(endpoint)) ready.add(endpoint.targetRef?.uid ?? address);
      for (const { port } of slice.ports ?? []) addresses.add(`${address}:${port}`);
    }
  }
  return { ready: ready.size, addresses: [...addresses] };
}

/** An endpoint whose readiness is not said counts as ready; one that goes away does not. */
function isReady({ conditions }: NonNullable<EndpointSlice['endpoints']>[number]): boolean {
  return conditions?.ready !== false && conditions?.terminating !== true;
}

/** The slices of a namespace that belong to these Services, from the cache or from the server. */
export async function slicesOf(
  source: { cache: KubeCache } | { kube: Kube },
  namespace: string,
  services: string[],
): Promise<EndpointSlice[]> {
  if ('cache' in source) return source.cache.list<EndpointSlice>(kinds.endpointSlice, namespace);
  const selector = `${serviceNameLabel} in (${services.join(',')})`;
  return source.kube.list<EndpointSlice>(kinds.endpointSlice, namespace, selector);
}

/** Whether a Service selects pods with these labels. */
export function serviceSelects(service: Service, labels: Record<string, string>): boolean {
  const selector = Object.entries(service.spec.selector ?? {});
  return selector.length > 0 && selector.every(([key, value]) => labels[key] === value);
}
