import { readdirSync, readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Canary } from '../../src/api/canary.ts';
import { type Kind, kinds } from '../../src/api/kinds.ts';
import type { Deployment, KubeObject, Route } from '../../src/api/objects.ts';
import { type Controller, type Observers, startController } from '../../src/controller.ts';
import { type Settings, defaultSettings } from '../../src/decide/view.ts';
import type { Log } from '../../src/ports/log.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/sandbox.ts';
import { systemClock, systemRandom } from '../../src/system.ts';

export const namespace = 'shop';

/** Short times for tests on real clocks; the order of things is the same. */
const quick: Settings = {
  ...defaultSettings,
  checkPeriodMs: 1_000,
  settleMs: 2_000,
  drainMs: 1_000,
  acceptMs: 20_000,
  trafficMissingMs: 15_000,
};

/** A sandbox with Linnet's CRDs, a namespace and one Gateway, and engines as the test starts them. */
export interface Stand {
  sandbox: Sandbox;
  kubeconfigPath: string;
  apply(...manifests: string[]): void;
  get<T extends KubeObject>(kind: Kind, name: string): T | undefined;
  canary(name: string): Canary;
  deployment(name: string): Deployment;
  route(name: string): Route;
  /** Changes an object as a user with kubectl would, by a merge patch. */
  edit(kind: Kind, name: string, body: unknown): void;
  startEngine(options?: { settings?: Partial<Settings>; prometheus?: string } & Observers): Promise<Controller>;
  log: string[];
  close(): Promise<void>;
}

export async function openStand(options: Partial<SandboxOptions> = {}): Promise<Stand> {
  const log: string[] = [];
  const sandbox = await startSandbox({ clock: systemClock, random: systemRandom, ...options });
  const folder = mkdtempSync(join(tmpdir(), 'linnet-e2e-'));
  const kubeconfigPath = join(folder, 'kubeconfig');
  writeFileSync(kubeconfigPath, sandbox.kubeconfig);
  const engines: Controller[] = [];
  const apply = (...manifests: string[]) => {
    for (const object of manifests.flatMap(objectsOf)) applyObject(sandbox, object);
  };
  const crds = join(import.meta.dirname, '../../crds');
  for (const file of readdirSync(crds)) apply(readFileSync(join(crds, file), 'utf8'));
  apply(furniture);
  const get = <T extends KubeObject>(kind: Kind, name: string) => found<T>(sandbox, kind, name);
  return {
    sandbox,
    kubeconfigPath,
    apply,
    get,
    canary: (name) => must(get<Canary>(kinds.canary, name), `Canary ${name}`),
    deployment: (name) => must(get<Deployment>(kinds.deployment, name), `Deployment ${name}`),
    route: (name) => must(get<Route>(kinds.httpRoute, name), `HTTPRoute ${name}`),
    edit(kind, name, body) {
      sandbox.store.patch({ kind, namespace, name }, { type: 'merge', body }, { fieldManager: 'kubectl-edit' });
    },
    async startEngine({ settings, prometheus, ...observers } = {}) {
      const engine = startController({
        kubeconfig: kubeconfigPath,
        prometheus: prometheus ?? sandbox.prometheusUrl,
        metricsServers: ['http://127.0.0.1'],
        namespaces: [],
        lease: { namespace: 'default', name: 'linnet' },
        settings: { ...quick, ...settings },
        clock: systemClock,
        random: systemRandom,
        log: recorder(log),
        ...observers,
      });
      engines.push(engine);
      return engine;
    },
    log,
    async close() {
      await Promise.all(engines.map((engine) => engine.stop()));
      await sandbox.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function objectsOf(text: string): KubeObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
}

function applyObject(sandbox: Sandbox, object: KubeObject): void {
  const [group = '', version = ''] = object.apiVersion.includes('/')
    ? object.apiVersion.split('/')
    : ['', object.apiVersion];
  const kind = sandbox.store
    .kinds()
    .find((one) => one.kind === object.kind && one.group === group && one.version === version);
  if (kind === undefined) throw new Error(`the sandbox does not know ${object.apiVersion} ${object.kind}`);
  const ref = {
    kind,
    name: object.metadata.name,
    ...(kind.namespaced ? { namespace: object.metadata.namespace ?? namespace } : {}),
  };
  sandbox.store.patch(ref, { type: 'apply', body: object }, { fieldManager: 'kubectl' });
}

function found<T extends KubeObject>(sandbox: Sandbox, kind: Kind, name: string): T | undefined {
  return sandbox.store.list(kind, { namespace }).items.find((object) => object.metadata.name === name) as T | undefined;
}

function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`${what} is not there`);
  return value;
}

function recorder(lines: string[], base: object = {}): Log {
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push(
      `${new Date(systemClock.now()).toISOString().slice(11, 23)} ${level} ${message} ${JSON.stringify({ ...base, ...plain(fields) })}`,
    );
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => recorder(lines, { ...base, ...fields }),
  };
}

function plain(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? value.stack : value]),
  );
}

/** Waits for a condition, at most `limitMs`, and prints the state when it does not come. */
export async function until(
  what: string,
  condition: () => boolean,
  state: () => unknown,
  limitMs = 30_000,
): Promise<void> {
  const end = systemClock.monotonic() + limitMs;
  while (!condition()) {
    if (systemClock.monotonic() > end)
      throw new Error(`${what}: not within ${limitMs} ms; ${JSON.stringify(state(), null, 1)}`);
    await new Promise<void>((resolve) => systemClock.after(50, resolve));
  }
}

/** What one client got. */
export interface Answer {
  /** When it was asked and when it was answered, epoch ms. */
  sentMs: number;
  atMs: number;
  code: number;
  /** Version that answered; empty when none did. */
  version: string;
}

/** A steady stream of users; every answer is kept. */
export interface Users {
  answers: Answer[];
  failed(): Answer[];
  by(version: string, fromMs?: number): Answer[];
  stop(): Promise<void>;
}

/** Sends `perSecond` requests a second to an address until stopped; a client waits up to 10 s for its answer. */
export function startUsers(address: string, perSecond = 60, host = 'shop.example', path = '/'): Users {
  const [hostname = '', port = ''] = address.split(':');
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  const answers: Answer[] = [];
  const open = new Set<Promise<void>>();
  const keep = async () => {
    answers.push(await ask({ hostname, port: Number(port), path, agent, headers: { host }, timeout: 10_000 }));
  };
  const one = () => {
    const done = keep();
    open.add(done);
    void done.finally(() => open.delete(done));
  };
  const timer = setInterval(one, 1000 / perSecond);
  return {
    answers,
    failed: () => answers.filter(({ code }) => code === 0 || code >= 500),
    by: (version, fromMs = 0) => answers.filter((answer) => answer.version === version && answer.atMs >= fromMs),
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      agent.destroy();
    },
  };
}

function ask(options: {
  hostname: string;
  port: number;
  path: string;
  agent: Agent;
  headers: Record<string, string>;
  timeout: number;
}): Promise<Answer> {
  const sentMs = systemClock.now();
  return new Promise((resolve) => {
    const end = (code: number, version: string) => resolve({ sentMs, atMs: systemClock.now(), code, version });
    const sent = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => end(0, ''));
      response.on('end', () => end(response.statusCode ?? 0, versionIn(Buffer.concat(chunks).toString())));
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer in 10 s')));
    sent.on('error', () => end(0, ''));
    sent.end();
  });
}

function versionIn(body: string): string {
  try {
    return String((JSON.parse(body) as { version?: string }).version ?? '');
  } catch {
    return '';
  }
}

const furniture = `
apiVersion: v1
kind: Namespace
metadata: {name: ${namespace}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: linnet-sandbox}
spec: {controllerName: sandbox.linnet.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: ${namespace}}
spec:
  gatewayClassName: linnet-sandbox
  listeners: [{name: http, port: 80, protocol: HTTP}]
`;
