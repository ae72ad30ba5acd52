/** How one resource is addressed in the Kubernetes API. */
export interface Kind {
  /** API group; empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower-case plural, as in the URL. */
  readonly plural: string;
  readonly namespaced: boolean;
}

const kind = (group: string, version: string, name: string, plural: string): Kind => ({
  group,
  version,
  kind: name,
  plural,
  namespaced: true,
});

/** Every kind that the engine reads or writes. */
export const kinds = {
  canary: kind('linnet.dev', 'v1beta1', 'Canary', 'canaries'),
  metricTemplate: kind('linnet.dev', 'v1beta1', 'MetricTemplate', 'metrictemplates'),
  deployment: kind('apps', 'v1', 'Deployment', 'deployments'),
  replicaSet: kind('apps', 'v1', 'ReplicaSet', 'replicasets'),
  service: kind('', 'v1', 'Service', 'services'),
  endpointSlice: kind('discovery.k8s.io', 'v1', 'EndpointSlice', 'endpointslices'),
  secret: kind('', 'v1', 'Secret', 'secrets'),
  event: kind('', 'v1', 'Event', 'events'),
  namespace: { ...kind('', 'v1', 'Namespace', 'namespaces'), namespaced: false },
  lease: kind('coordination.k8s.io', 'v1', 'Lease', 'leases'),
  httpRoute: kind('gateway.networking.k8s.io', 'v1', 'HTTPRoute', 'httproutes'),
  gateway: kind('gateway.networking.k8s.io', 'v1', 'Gateway', 'gateways'),
  podDisruptionBudget: kind('policy', 'v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  horizontalPodAutoscaler: kind('autoscaling', 'v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
  backendTlsPolicy: kind('gateway.networking.k8s.io', 'v1', 'BackendTLSPolicy', 'backendtlspolicies'),
  networkPolicy: kind('networking.k8s.io', 'v1', 'NetworkPolicy', 'networkpolicies'),
} as const satisfies Record<string, Kind>;

/** `apiVersion` as objects carry it: `v1`, `apps/v1`. */
export function apiVersionOf(kind: Kind): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}
