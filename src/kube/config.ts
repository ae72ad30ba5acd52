import { accessSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';

const serviceAccountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/**
 * Where the cluster is and who we are: the file named; else the files of `KUBECONFIG`; else the pod's service account; else
 * `~/.kube/config`. Throws when there is none, or when a file cannot be used.
 */
export function loadKubeConfig(path: string | undefined): KubeConfig {
  const files = path === undefined ? filesOfEnvironment() : [path];
  const config = files === undefined ? new KubeConfig() : mergeFiles(files);
  if (files === undefined) config.loadFromCluster();
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    const from = files?.join(delimiter) ?? 'the service account';
    throw new Error(
      `kubeconfig ${from}: current-context "${config.currentContext}" names no cluster; set current-context`,
    );
  }
  return withPlainHttp(config);
}

/** @returns undefined for the pod's service account */
function filesOfEnvironment(): string[] | undefined {
  const listed = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  if (listed.length > 0) {
    const present = listed.filter(exists);
    if (present.length > 0) return present;
    throw new Error(`KUBECONFIG: none of the files exists: ${listed.join(', ')}`);
  }
  if (process.env['KUBERNETES_SERVICE_HOST'] !== undefined && exists(serviceAccountToken)) return undefined;
  const ofHome = join(homedir(), '.kube', 'config');
  if (exists(ofHome)) return [ofHome];
  throw new Error('no cluster: pass --kubeconfig, set KUBECONFIG, or run in a pod with a service account');
}

/** As in kubectl, the first file that says something wins. */
function mergeFiles(files: string[]): KubeConfig {
  const [first, ...others] = files.map(readConfig);
  if (first === undefined) throw new Error('kubeconfig: no file given');
  for (const other of others) {
    for (const it of other.clusters) if (first.getCluster(it.name) === null) first.addCluster(it);
    for (const it of other.users) if (first.getUser(it.name) === null) first.addUser(it);
    for (const it of other.contexts) if (first.getContextObject(it.name) === null) first.addContext(it);
    first.currentContext ||= other.currentContext;
  }
  return first;
}

function readConfig(file: string): KubeConfig {
  const config = new KubeConfig();
  try {
    const text = readFileSync(file, 'utf8');
    config.loadFromString(text);
    config.makePathsAbsolute(dirname(resolve(file)));
    useTokenFiles(config, parse(text), dirname(resolve(file)));
  } catch (error) {
    throw new Error(`kubeconfig ${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return config;
}

/** The library does not know `tokenFile` of a user; its reader for the service account's token does the same work. */
function useTokenFiles(config: KubeConfig, document: unknown, directory: string): void {
  const { users } = (document ?? {}) as { users?: { name?: string; user?: { tokenFile?: unknown } | null }[] };
  for (const { name, user } of users ?? []) {
    const tokenFile = user?.tokenFile;
    if (typeof tokenFile !== 'string' || tokenFile === '') continue;
    const index = config.users.findIndex((it) => it.name === name);
    const known = config.users[index];
    if (known === undefined) continue;
    const { token: _token, ...rest } = known;
    config.users[index] = {
      ...rest,
      authProvider: { name: 'tokenFile', config: { tokenFile: resolve(directory, tokenFile) } },
    };
  }
}

/** The library refuses `http://` unless TLS verification is off; for such a server the setting means nothing else. */
function withPlainHttp(config: KubeConfig): KubeConfig {
  config.clusters = config.clusters.map((it) =>
    it.server.startsWith('http://') ? { ...it, skipTLSVerify: true } : it,
  );
  return config;
}

function exists(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}
