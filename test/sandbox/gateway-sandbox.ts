import { Agent, request } from 'node:http';
import { kinds } from '../../src/api/kinds.ts';
import type { Kind } from '../../src/api/kinds.ts';
import type { Route } from '../../src/api/objects.ts';
import { startSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.ts';
import type { ObjectStore } from '../../src/sandbox/world/types.ts';
import { servedKind } from '../../src/sandbox/world/workloads/kinds.ts';
import { systemClock, systemRandom } from '../../src/system.ts';

export const user = { fieldManager: 'kubectl' };
const gatewayApi = 'gateway.networking.k8s.io';

export function newSandbox(options: Partial<SandboxOptions> = {}): Promise<Sandbox> {
  return startSandbox({
    clock: systemClock,
    random: systemRandom,
    delays: { readyMs: 20, startMs: 10, drainMs: 200 },
    ...options,
  });
}

/** Polls until the condition holds; throws with `state()` after 30 s. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  state: () => unknown = () => '',
): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within 30 s: ${what}: ${JSON.stringify(state())}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function kindOf(store: ObjectStore, kind: string): Kind {
  const found = servedKind(store, gatewayApi, kind);
  if (!found) throw new Error(`no kind ${kind}`);
  return found;
}

export function createClass(store: ObjectStore): void {
  const object = {
    apiVersion: `${gatewayApi}/v1`,
    kind: 'GatewayClass',
    metadata: { name: 'linnet-sandbox' },
    spec: { controllerName: 'sandbox.linnet.dev/gateway-controller' },
  };
  store.create(kindOf(store, 'GatewayClass'), object, user);
}

export function createGateway(
  store: ObjectStore,
  options: { name?: string; annotations?: Record<string, string>; listeners?: object[] } = {},
) {
  const object = {
    apiVersion: `${gatewayApi}/v1`,
    kind: 'Gateway',
    metadata: { name: options.name ?? 'web', namespace: 'default', annotations: options.annotations ?? {} },
    spec: {
      gatewayClassName: 'linnet-sandbox',
      listeners: options.listeners ?? [
        { name: 'http', port: 80, protocol: 'HTTP', allowedRoutes: { namespaces: { from: 'All' } } },
      ],
    },
  };
  store.create(kinds.gateway, object, { ...user, namespace: 'default' });
}

export function createRoute(store: ObjectStore, name: string, spec: object, namespace = 'default'): void {
  const object = {
    apiVersion: `${gatewayApi}/v1`,
    kind: 'HTTPRoute',
    metadata: { name, namespace },
    spec: { parentRefs: [{ name: 'web' }], ...spec },
  };
  store.create(kinds.httpRoute, object, { ...user, namespace });
}

export function setWeights(store: ObjectStore, name: string, weights: Record<string, number>): void {
  const rules = [
    { backendRefs: Object.entries(weights).map(([service, weight]) => ({ name: service, port: 80, weight })) },
  ];
  store.patch(
    { kind: kinds.httpRoute, namespace: 'default', name },
    { type: 'merge', body: { spec: { rules } } },
    user,
  );
}

/** A Deployment `name` with a Service of the same name on port 80. */
export function createApp(
  store: ObjectStore,
  name: string,
  image: string,
  { replicas = 2, port = 8080 }: { replicas?: number; port?: number } = {},
): void {
  const labels = { app: name };
  const ports = [{ name: 'web', containerPort: port }];
  store.create(
    kinds.deployment,
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 'default' },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'app', image, ports }] } },
      },
    },
    { ...user, namespace: 'default' },
  );
  store.create(
    kinds.service,
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 'web' }] },
    },
    { ...user, namespace: 'default' },
  );
}

export function route(store: ObjectStore, name: string, namespace = 'default'): Route {
  return store.get({ kind: kinds.httpRoute, namespace, name }) as Route;
}

/** `Accepted` and `ResolvedRefs` of each parent, as `True` or the reason why not, at the present generation only. */
export function verdicts(store: ObjectStore, name: string, namespace = 'default'): string[] {
  const object = route(store, name, namespace);
  return (object.status?.parents ?? []).map(({ conditions = [] }) =>
    ['Accepted', 'ResolvedRefs']
      .map((type) =>
        conditions.find(
          (condition) => condition.type === type && condition.observedGeneration === object.metadata.generation,
        ),
      )
      .map((condition) => (condition?.status === 'True' ? 'True' : (condition?.reason ?? 'none')))
      .join('/'),
  );
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 });

export interface Reply {
  code: number;
  version?: string;
  headers: Record<string, string | string[] | undefined>;
}

/** One request; code 0 when the connection failed. */
export function send(
  address: string,
  path = '/',
  options: { headers?: Record<string, string>; method?: string; body?: string } = {},
): Promise<Reply> {
  const { headers = {}, method = 'GET', body } = options;
  const [host = '', port = ''] = address.split(':');
  return new Promise((resolve) => {
    const call = request({ host, port, path, method, headers, agent }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        const code = response.statusCode ?? 0;
        const isJson = response.headers['content-type'] === 'application/json';
        const version = isJson ? (JSON.parse(text) as { version: string }).version : undefined;
        resolve({ code, headers: response.headers, ...(version === undefined ? {} : { version }) });
      });
    });
    call.on('error', () => resolve({ code: 0, headers: {} }));
    call.end(body);
  });
}

/** `count` requests, one after the other: how often each `code version` came. */
export async function sample(address: string, count: number, path = '/'): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const { code, version } = await send(address, path);
    const key = version === undefined ? String(code) : `${code} ${version}`;
    seen[key] = (seen[key] ?? 0) + 1;
  }
  return seen;
}
