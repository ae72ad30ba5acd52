import { Agent } from 'node:http';
import { pino, stdTimeFunctions } from 'pino';
import { parse, stringify } from 'yaml';
import { kinds } from '../../api/kinds.ts';
import type { Canary } from '../../api/canary.ts';
import type { CanaryStatus } from '../../api/canary-status.ts';
import type { Deployment } from '../../api/objects.ts';
import { startController } from '../../controller.ts';
import { defaultSettings } from '../../decide/view.ts';
import { type Clock, sleep } from '../../ports/clock.ts';
import { startSandbox } from '../../sandbox/sandbox.ts';
import { systemClock, systemRandom } from '../../system.ts';
import { applyCrds, applyManifests, gatewayAddress, writeKubeconfig } from '../cluster.ts';
import { Failure } from '../failure.ts';
import { canaryName, gatewayName, namespace, type Shop } from './shop.ts';
import { type Answer, ask, startUsers, type Users } from './users.ts';

/** The sandbox with the shop in it, the engine and the users. */
export interface World {
  clock: Clock;
  kubeconfigPath: string;
  users: Users;
  apply(manifests: string): void;
  status(): CanaryStatus | undefined;
  deployment(name: string): Deployment | undefined;
  /** The last lines of the engine's log. */
  engineLog(): string[];
  /** Stops everything and removes what was written. */
  close(): Promise<void>;
}

export interface WorldOptions {
  shop: Shop;
  stop: AbortSignal;
  onAnswer: (answer: Answer) => void;
  /** Told of every status that is written. */
  onStatus: (status: CanaryStatus) => void;
}

export const usersPerSecond = 60;
const userClients = 6;
const startLimitMs = 60_000;
const keptLogLines = 400;

/** Opens a world and waits until the shop answers and the Canary, if there is one, is at rest. Nothing is left when it rejects. */
export async function openWorld(options: WorldOptions): Promise<World> {
  const opened: (() => Promise<void> | void)[] = [];
  const close = async () => {
    // One after the other: users go before what they use.
    for (const end of opened.splice(0).toReversed()) await end();
  };
  try {
    return { ...(await open(options, opened)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(
  { shop, stop, onAnswer, onStatus }: WorldOptions,
  opened: (() => Promise<void> | void)[],
): Promise<Omit<World, 'close'>> {
  const clock = systemClock;
  const sandbox = await startSandbox({ clock, random: systemRandom });
  opened.push(() => sandbox.close());
  const kubeconfig = writeKubeconfig(inNamespace(sandbox.kubeconfig), undefined);
  opened.push(() => kubeconfig.remove());
  applyCrds(sandbox);
  applyManifests(sandbox, shop.manifests);
  opened.push(
    sandbox.store.watch(kinds.canary, { namespace, resourceVersion: '' }, ({ object }) => {
      const { status } = object as Canary;
      if (status !== undefined) onStatus(status);
    }),
  );
  const log: string[] = [];
  const engine = startController({
    kubeconfig: kubeconfig.path,
    prometheus: sandbox.prometheusUrl,
    metricsServers: [],
    namespaces: [],
    lease: { namespace: 'default', name: 'linnet' },
    settings: { ...defaultSettings, checkPeriodMs: 1_000 },
    clock,
    random: systemRandom,
    log: keptLog(log),
  });
  opened.push(() => engine.stop());

  const find = <T>(kind: typeof kinds.canary, name: string) =>
    sandbox.store.list(kind, { namespace }).items.find(({ metadata }) => metadata.name === name) as T | undefined;
  const world = {
    clock,
    kubeconfigPath: kubeconfig.path,
    apply: (manifests: string) => applyManifests(sandbox, manifests),
    status: () => find<Canary>(kinds.canary, canaryName)?.status,
    deployment: (name: string) => find<Deployment>(kinds.deployment, name),
    engineLog: () => log,
  };
  const address = await gatewayAddress(sandbox, { namespace, name: gatewayName }, clock);
  const isUp = () => shop.deployments.every((name) => isReady(world.deployment(name)));
  const rests = () => !shop.hasCanaryAtStart || world.status()?.stage === 'Resting';
  const state = () => `Canary: ${JSON.stringify(world.status())}`;
  await until(
    'the shop and its Canary are ready',
    { clock, stop, limitMs: startLimitMs, state },
    () => isUp() && rests(),
  );
  await waitForAnswer(clock, address, stop);
  const users = startUsers({ clock, address, perSecond: usersPerSecond, clients: userClients, onAnswer });
  opened.push(() => users.stop());
  return { ...world, users };
}

/** Every replica is of the present template and ready. */
export function isReady(deployment: Deployment | undefined): boolean {
  const { spec, status, metadata } = deployment ?? {};
  if (spec === undefined || status?.observedGeneration !== metadata?.generation) return false;
  const wanted = spec.replicas ?? 1;
  return status?.updatedReplicas === wanted && status.availableReplicas === wanted && status.replicas === wanted;
}

/** Thrown by waits when the demo is told to stop. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

const pollMs = 50;

/** Waits for a condition. Throws Interrupted, or Failure with the state when it does not come in time. */
export async function until(
  what: string,
  { clock, stop, limitMs, state }: { clock: Clock; stop: AbortSignal; limitMs: number; state: () => string },
  holds: () => boolean,
): Promise<void> {
  const end = clock.monotonic() + limitMs;
  while (!holds()) {
    if (stop.aborted) throw new Interrupted();
    if (clock.monotonic() > end) throw new Failure(`not within ${limitMs / 1000} s: ${what}. ${state()}`);
    await sleep(clock, pollMs, stop);
  }
}

/** Endpoints reach the gateway a moment after the pods are ready; users come when it answers. */
async function waitForAnswer(clock: Clock, address: string, stop: AbortSignal): Promise<void> {
  const agent = new Agent();
  const end = clock.monotonic() + startLimitMs;
  for (;;) {
    const { cause, version } = await ask({ clock, address, agent });
    if (cause === undefined && version !== '') return;
    if (stop.aborted) throw new Interrupted();
    if (clock.monotonic() > end) {
      throw new Failure(
        `not within ${startLimitMs / 1000} s: the shop answers through the gateway. Last: ${cause ?? 'an answer of somebody else'}`,
      );
    }
    await sleep(clock, pollMs, stop);
  }
}

function keptLog(lines: string[]): ReturnType<typeof pino> {
  const write = (line: string) => {
    lines.push(line.trimEnd());
    if (lines.length > keptLogLines) lines.splice(0, lines.length - keptLogLines);
  };
  return pino({ base: null, timestamp: stdTimeFunctions.isoTime }, { write });
}

/** The kubeconfig with the shop's namespace as its default, so that people need not name it. */
function inNamespace(kubeconfig: string): string {
  const config = parse(kubeconfig) as { contexts: { context: { namespace?: string } }[] };
  for (const { context } of config.contexts) context.namespace = namespace;
  return stringify(config);
}
