import type { EndpointSlice } from '../../../api/objects.ts';
import { controllerOf, type ObjectCache } from '../workloads/object-cache.ts';
import type { Pod } from '../workloads/pod.ts';
import { podTemplateHashLabel } from '../workloads/replica-set-revisions.ts';

/** One ready pod behind one port of a Service. */
export interface Endpoint {
  address: string;
  port: number;
  pod: string;
  namespace: string;
  /** Name of the Deployment (or other owner) to which the pod belongs. */
  workload: string;
}

/** The ready endpoints of a Service by the name of its port. */
export type ServiceEndpoints = ReadonlyMap<string, readonly Endpoint[]>;

export function readyEndpoints(slices: readonly EndpointSlice[], pods: ObjectCache<Pod>): ServiceEndpoints {
  const byPort = new Map<string, Endpoint[]>();
  for (const slice of slices) {
    const namespace = slice.metadata.namespace ?? '';
    const ready = (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
    for (const { name = '', port } of slice.ports ?? []) {
      if (port === undefined) continue;
      const endpoints = ready.flatMap(({ addresses, targetRef }) => {
        const pod = targetRef?.name ?? '';
        const workload = workloadOf(pods.get(`${namespace}/${pod}`));
        return addresses.slice(0, 1).map((address) => ({ address, port, pod, namespace, workload }));
      });
      byPort.set(name, [...(byPort.get(name) ?? []), ...endpoints]);
    }
  }
  return byPort;
}

function workloadOf(pod: Pod | undefined): string {
  const owner = pod && controllerOf(pod);
  if (!owner) return pod?.metadata.name ?? 'unknown';
  const suffix = `-${pod.metadata.labels?.[podTemplateHashLabel]}`;
  const isDeployments = owner.kind === 'ReplicaSet' && owner.name.endsWith(suffix);
  return isDeployments ? owner.name.slice(0, -suffix.length) : owner.name;
}
