import type { ReplicaSet } from '../../src/api/objects.ts';
import { kinds } from '../../src/api/kinds.ts';
import { type Cluster, namespace } from '../effects/store-cluster.ts';

/** A Deployment of four available pods with these labels (`app: shop`) and more in its pods' spec. */
export function deployment(
  name: string,
  options: { image?: string; labels?: string; pod?: string; spec?: string } = {},
) {
  const { image = 'shop:v1', labels = `app: ${name}`, pod = '', spec = '' } = options;
  return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: shop}
spec:
  replicas: 4
  ${spec}
  selector: {matchLabels: {${labels}}}
  template:
    metadata: {labels: {${labels}}}
    spec:
      ${pod}
      containers: [{name: shop, image: "${image}", ports: [{name: http, containerPort: 8080}]}]
status: {observedGeneration: 1, replicas: 4, readyReplicas: 4, availableReplicas: 4}
`;
}

export function service(name: string, selector = `app: ${name}`, more = ''): string {
  return `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec:
  selector: {${selector}}
  ports: [{name: http, port: 80, targetPort: http, appProtocol: http}]
  ${more}
`;
}

export function route(name: string, backends: { name: string; weight?: number }[], more = ''): string {
  const refs = backends.map(
    (ref) => `{name: ${ref.name}, port: 80${ref.weight === undefined ? '' : `, weight: ${ref.weight}`}}`,
  );
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${name}, namespace: shop}
spec:
  parentRefs: [{name: web}]
  rules:
  - backendRefs: [${refs.join(', ')}]
    ${more}
`;
}

export function canary(spec = '', subject = 'targetRef: {name: shop}', name = 'shop'): string {
  return `
apiVersion: linnet.dev/v1beta1
kind: Canary
metadata: {name: ${name}, namespace: shop}
spec:
  ${subject}
  routes: [{name: shop}]
  ${spec}
  analysis:
    stepWeights: [5, 50, 100]
    metrics: [{name: request-success-rate, thresholdRange: {min: 99}}]
`;
}

/** Makes the ReplicaSet of the Deployment's present template, as its controller would, with all of its pods. */
export function withReplicaSet(cluster: Cluster, name = 'shop'): void {
  const { metadata, spec } = cluster.get(kinds.deployment, name) as unknown as ReplicaSet;
  const hash = { 'pod-template-hash': '5d9c' };
  const template = {
    ...spec.template,
    metadata: { ...spec.template.metadata, labels: { ...spec.template.metadata?.labels, ...hash } },
  };
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name, uid: metadata.uid ?? '', controller: true };
  cluster.store.create(
    kinds.replicaSet,
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: `${name}-5d9c`, namespace, ownerReferences: [owner] },
      spec: { replicas: 4, selector: { matchLabels: { ...spec.selector.matchLabels, ...hash } }, template },
    },
    { fieldManager: 'kube-controller-manager', namespace },
  );
}
