import type { KubeObject } from '../../src/api/objects.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../src/sandbox/http/api-server.ts';
import { sandboxKinds } from '../../src/sandbox/world/kinds/kinds.ts';
import { createObjectStore } from '../../src/sandbox/world/store/object-store.ts';
import type { KindDefinition, ObjectStore } from '../../src/sandbox/world/types.ts';
import { systemClock, systemRandom } from '../../src/system.ts';

/** An API server over a fresh store, with short ways to talk to it. */
export interface SandboxApi extends ApiServer {
  store: ObjectStore;
  kind(name: string): KindDefinition;
  /** One request; objects are sent as JSON. @returns the status and the body, parsed where it is JSON */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

export interface Answer {
  code: number;
  body: unknown;
  headers: Headers;
}

/** Starts an API server on a free port; close it after the test. */
export async function startSandboxApi(options: Partial<ApiServerOptions> = {}): Promise<SandboxApi> {
  const clock = options.clock ?? systemClock;
  const store = options.store ?? createObjectStore({ clock, random: systemRandom, kinds: sandboxKinds() });
  const server = await startApiServer({ ...options, clock, store });
  return {
    ...server,
    store,
    kind(name) {
      const found = store.kinds().find((kind) => kind.kind === name);
      if (found === undefined) throw new Error(`the sandbox does not serve ${name}`);
      return found;
    },
    async call(method, path, body, headers = {}) {
      const response = await fetch(server.url + path, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') === true;
      return { code: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
    },
  };
}

/** A Deployment as a user would write it. */
export function deploymentNamed(name: string): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default', labels: { app: name } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'web', image: 'demo:v1', ports: [{ containerPort: 8080 }] }] },
      },
    },
  };
}
