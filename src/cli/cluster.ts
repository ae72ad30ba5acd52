import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../api/objects.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { type Clock, sleep } from '../ports/clock.ts';
import { Failure, failed } from './failure.ts';

const crdFolder = join(import.meta.dirname, '../../crds');

/** Puts Linnet's CRDs into a sandbox. */
export function applyCrds(sandbox: Sandbox): void {
  for (const file of readdirSync(crdFolder).filter((name) => name.endsWith('.yaml'))) {
    applyManifests(sandbox, readFileSync(join(crdFolder, file), 'utf8'));
  }
}

/** Applies YAML documents as `kubectl apply --server-side` would. Throws when the sandbox refuses one. */
export function applyManifests({ store }: Sandbox, yaml: string): void {
  for (const document of parseAllDocuments(yaml)) {
    const object = document.toJS() as KubeObject | null;
    if (object === null) continue;
    const { kind, apiVersion, metadata } = object;
    const served = store
      .kinds()
      .find(
        (one) => one.kind === kind && apiVersion === (one.group === '' ? one.version : `${one.group}/${one.version}`),
      );
    if (served === undefined) throw new Error(`the sandbox serves no ${kind} of ${apiVersion}`);
    const { name, namespace = 'default' } = metadata;
    const ref = { kind: served, name, ...(served.namespaced ? { namespace } : {}) };
    store.patch(ref, { type: 'apply', body: object }, { fieldManager: 'kubectl' });
  }
}

/** A Gateway class that the sandbox serves, and one Gateway in `namespace` that takes routes of all namespaces. */
export function gatewayManifests(namespace: string, name: string): string {
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: linnet-sandbox}
spec: {controllerName: sandbox.linnet.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  gatewayClassName: linnet-sandbox
  listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
`;
}

/** A kubeconfig on disk. */
export interface KubeconfigFile {
  path: string;
  /** Removes it, if it was a file that nobody asked for by name. */
  remove(): void;
}

/** Writes the kubeconfig of a sandbox to `path`, or to a temporary file. A file that is not a sandbox's is not overwritten. */
export function writeKubeconfig(text: string, path: string | undefined): KubeconfigFile {
  if (path !== undefined) {
    if (existsSync(path) && !readFileSync(path, 'utf8').includes('current-context: linnet-sandbox'))
      throw new Failure(`--kubeconfig ${path}: there is a file that is not a sandbox's; name another, or remove it`);
    try {
      writeFileSync(path, text, { mode: 0o600 });
    } catch (error) {
      throw failed(`--kubeconfig ${path}`, error);
    }
    return { path, remove: () => undefined };
  }
  const folder = mkdtempSync(join(tmpdir(), 'linnet-'));
  const file = join(folder, 'kubeconfig');
  writeFileSync(file, text, { mode: 0o600 });
  const remove = () => rmSync(folder, { recursive: true, force: true });
  // Also where the process has no time for a proper end.
  process.once('exit', remove);
  return { path: file, remove };
}

const gatewayLimitMs = 20_000;

/** `host:port` of a Gateway's first listener, as soon as it is open. */
export async function gatewayAddress(
  sandbox: Sandbox,
  { namespace, name }: { namespace: string; name: string },
  clock: Clock,
): Promise<string> {
  const end = clock.monotonic() + gatewayLimitMs;
  for (;;) {
    const address = sandbox.gatewayAddress(namespace, name);
    if (address !== undefined) return address;
    if (clock.monotonic() > end)
      throw new Failure(`Gateway ${namespace}/${name}: no listener within ${gatewayLimitMs / 1000} s`);
    await sleep(clock, 20);
  }
}
