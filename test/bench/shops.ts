import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Canary } from '../../src/api/canary.ts';
import { type Kind, apiVersionOf, kinds } from '../../src/api/kinds.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';

export type Mode = 'targetRef' | 'backends';

export const gateway = { namespace: 'shop', name: 'web' };
export const steps = [5, 50, 100];
export const intervalSeconds = 10;

const { namespace } = gateway;
const replicas = 2;

/** Many alike Canaries in one namespace, which is the hardest for everything that looks at a whole namespace. */
export interface Shops {
  hosts: string[];
  /** Creates everything but the Canaries. */
  build(): void;
  /** Creates the Canaries. */
  adopt(): void;
  /** Gives every one of them a new version in one go. */
  release(): void;
  canaries(): Canary[];
  /** Pods that are ready, over all Deployments. */
  readyPods(): { ready: number; wanted: number };
}

export function createShops(sandbox: Sandbox, mode: Mode, count: number): Shops {
  const names = Array.from({ length: count }, (_, at) => `shop-${String(at + 1).padStart(3, '0')}`);
  const put = (kind: Kind, metadata: { name: string }, rest: object): void => {
    const object = { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata, ...rest };
    sandbox.store.create(kind, object, { fieldManager: 'kubectl', ...(kind.namespaced ? { namespace } : {}) });
  };
  const edit = (kind: Kind, name: string, body: object): void => {
    sandbox.store.patch({ kind, namespace, name }, { type: 'merge', body }, { fieldManager: 'kubectl' });
  };
  const list = <T extends KubeObject>(kind: Kind) => sandbox.store.list(kind, { namespace }).items as T[];
  return {
    hosts: names.map(hostOf),
    build() {
      furnish(sandbox, put);
      for (const name of names) {
        const versions = mode === 'backends' ? [`${name}-v1`, `${name}-v2`] : [name];
        for (const version of versions) {
          put(kinds.deployment, { name: version }, { spec: deploymentSpec(version, 'shop:v1') });
          put(kinds.service, { name: version }, { spec: serviceSpec(version) });
        }
        put(kinds.httpRoute, { name }, { spec: routeSpec(name, versions[0] ?? name) });
      }
    },
    adopt() {
      for (const name of names) put(kinds.canary, { name }, { spec: canarySpec(name, mode) });
    },
    release() {
      for (const name of names) {
        // Where both versions run, a Canary releases as soon as it is there; these wait for the starting shot.
        if (mode === 'backends') edit(kinds.canary, name, { spec: { suspend: false } });
        else edit(kinds.deployment, name, { spec: { template: templateOf(name, 'shop:v2') } });
      }
    },
    canaries: () => list<Canary>(kinds.canary),
    readyPods() {
      const deployments = list<KubeObject & { spec: { replicas: number }; status?: { readyReplicas?: number } }>(
        kinds.deployment,
      );
      return {
        ready: deployments.reduce((sum, { status }) => sum + (status?.readyReplicas ?? 0), 0),
        wanted: deployments.reduce((sum, { spec }) => sum + spec.replicas, 0),
      };
    },
  };
}

function furnish({ store }: Sandbox, put: (kind: Kind, metadata: { name: string }, rest: object) => void): void {
  const byName = (kind: string) => {
    const found = store.kinds().find((one) => one.kind === kind);
    if (found === undefined) throw new Error(`the sandbox serves no ${kind}`);
    return found;
  };
  const crds = join(import.meta.dirname, '../../crds');
  for (const file of readdirSync(crds).filter((name) => name.endsWith('.yaml'))) {
    const crd = parse(readFileSync(join(crds, file), 'utf8')) as KubeObject;
    store.create(byName('CustomResourceDefinition'), crd, { fieldManager: 'kubectl' });
  }
  put(kinds.namespace, { name: namespace }, {});
  const controllerName = 'sandbox.linnet.dev/gateway-controller';
  put(byName('GatewayClass'), { name: 'linnet-sandbox' }, { spec: { controllerName } });
  const listeners = [{ name: 'http', port: 80, protocol: 'HTTP' }];
  put(byName('Gateway'), { name: gateway.name }, { spec: { gatewayClassName: 'linnet-sandbox', listeners } });
}

function hostOf(name: string): string {
  return `${name}.example`;
}

function templateOf(name: string, image: string): object {
  const containers = [{ name: 'shop', image, ports: [{ name: 'http', containerPort: 8080 }] }];
  return { metadata: { labels: { app: name } }, spec: { containers } };
}

function deploymentSpec(name: string, image: string): object {
  return { replicas, selector: { matchLabels: { app: name } }, template: templateOf(name, image) };
}

function serviceSpec(name: string): object {
  return { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] };
}

function routeSpec(name: string, backend: string): object {
  const backendRefs = [{ name: backend, port: 80 }];
  return { parentRefs: [{ name: gateway.name }], hostnames: [hostOf(name)], rules: [{ backendRefs }] };
}

function canarySpec(name: string, mode: Mode): object {
  const subject =
    mode === 'backends'
      ? {
          backends: { stable: { name: `${name}-v1`, port: 80 }, canary: { name: `${name}-v2`, port: 80 } },
          suspend: true,
        }
      : { targetRef: { name } };
  const metrics = [
    { name: 'request-success-rate', thresholdRange: { min: 99 } },
    { name: 'request-duration', thresholdRange: { max: 500 } },
  ];
  const analysis = { interval: `${intervalSeconds}s`, stepWeights: steps, metrics };
  return { ...subject, routes: [{ name }], analysis };
}
