/** A Deployment of the sandbox's demo image; the tag is the pods' behaviour. */
export function deployment(name: string, image: string, options: { replicas?: number; labels?: string } = {}): string {
  const labels = options.labels ?? `app: ${name}`;
  return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: shop}
spec:
  replicas: ${options.replicas ?? 4}
  selector: {matchLabels: {${labels}}}
  template:
    metadata: {labels: {${labels}}}
    spec:
      containers: [{name: shop, image: "${image}", ports: [{name: http, containerPort: 8080}]}]
`;
}

export function service(name: string, selector = `app: ${name}`): string {
  return `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec:
  selector: {${selector}}
  ports: [{name: http, port: 80, targetPort: http}]
`;
}

/** A route on the Gateway, or on a Service. */
export function route(name: string, backends: { name: string; weight?: number }[], parent = '{name: web}'): string {
  const refs = backends.map(
    (ref) => `{name: ${ref.name}, port: 80${ref.weight === undefined ? '' : `, weight: ${ref.weight}`}}`,
  );
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${name}, namespace: shop}
spec:
  parentRefs: [${parent}]
  rules:
  - backendRefs: [${refs.join(', ')}]
`;
}

export function canary(
  name: string,
  subject: string,
  more: { analysis?: string; spec?: string; route?: string } = {},
): string {
  return `
apiVersion: linnet.dev/v1beta1
kind: Canary
metadata: {name: ${name}, namespace: shop}
spec:
  ${subject}
  routes: [{name: ${more.route ?? name}}]
  ${more.spec ?? ''}
  analysis:
    interval: 6s
    stepWeights: [5, 50, 100]
    metrics:
    - {name: request-success-rate, thresholdRange: {min: 99}}
    - {name: request-duration, thresholdRange: {max: 500}}
    ${more.analysis ?? ''}
`;
}
