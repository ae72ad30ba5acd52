import { kinds } from './api/kinds.ts';
import { fieldManager } from './api/names.ts';
import type { Deployment, KubeObject } from './api/objects.ts';
import type { Settings } from './decide/view.ts';
import { type Engine, createEngine } from './engine/engine.ts';
import { createReconcile } from './engine/reconcile.ts';
import { type SupervisedCache, startCache } from './kube/cache.ts';
import { createKube } from './kube/client.ts';
import { loadKubeConfig } from './kube/config.ts';
import { createConnection } from './kube/connection.ts';
import { startElector } from './kube/elector.ts';
import type { RequestSeen, Wire } from './kube/exchange.ts';
import { type RequestReport, createMetrics } from './metrics/metrics.ts';
import type { Clock } from './ports/clock.ts';
import type { Log } from './ports/log.ts';
import type { Queue } from './ports/queue.ts';
import type { Random } from './ports/random.ts';
import { createQueue } from './queue/memory.ts';
import { createViewer } from './view/viewer.ts';

/**
 * Reconciles under way at once. They mostly wait for answers, and those that wait for metrics share a request: one for each hundred, so
 * that a number that is no multiple of it would fill requests by half.
 */
const concurrency = 200;

/** Looks at the engine's own doings, for its metrics and for benchmarks. */
export interface Observers {
  onKubeRequest?: (seen: RequestSeen) => void;
  onMetricsRequest?: (report: RequestReport) => void;
  onReconcile?: (run: { key: string; seconds: number; error?: unknown }) => void;
}

export interface ControllerOptions extends Observers {
  /** Path of a kubeconfig file; absent: as {@link loadKubeConfig} finds one. */
  kubeconfig: string | undefined;
  /** Base URL of the default Prometheus. */
  prometheus: string;
  /** Base URLs of other metrics servers that Canaries and MetricTemplates may name. */
  metricsServers: readonly string[];
  /** Watch only these namespaces; empty means all. */
  namespaces: string[];
  lease: { namespace: string; name: string };
  settings: Settings;
  clock: Clock;
  random: Random;
  log: Log;
}

/** The engine of one process. */
export interface Controller {
  isLeader(): boolean;
  /** One sentence for each thing that keeps the loop from working; empty when all is well. */
  problems(): string[];
  /** Stops taking work, waits for what is under way, and gives the Lease back. */
  stop(): Promise<void>;
}

/** Starts the engine: watches, and while this process holds the Lease, the loop. */
export function startController(options: ControllerOptions): Controller {
  const { clock, random, log, settings } = options;
  const connection = createConnection(() => loadKubeConfig(options.kubeconfig), clock);
  const wire: Wire = { connection, clock, onRequest: options.onKubeRequest };
  let loop: { queue: Queue; engine: Engine } | undefined;
  const cache: SupervisedCache = startCache({
    wire,
    random,
    log,
    kinds: watched,
    namespaces: options.namespaces,
    onChange: (change) => loop?.engine.changed(change),
  });
  const kube = createKube({
    connection,
    clock,
    random,
    onRequest: options.onKubeRequest,
    onWrite: cache.noteWrite,
    onGone: cache.noteGone,
  });
  const metrics = createMetrics({
    clock,
    log,
    defaultServer: { address: options.prometheus },
    ...(options.onMetricsRequest === undefined ? {} : { onRequest: options.onMetricsRequest }),
  });
  const viewer = createViewer({
    kube,
    cache,
    metrics,
    clock,
    checkPeriodMs: settings.checkPeriodMs,
    metricsServers: options.metricsServers,
  });
  const reconcile = createReconcile({ viewer, kube, clock, random, log, settings });

  async function lead(): Promise<void> {
    await cache.synced;
    if (!elector.isLeader() || loop !== undefined) return;
    const { onReconcile: onDone } = options;
    const queue = createQueue({ clock, random, log, concurrency, reconcile, ...(onDone && { onDone }) });
    loop = { queue, engine: createEngine({ cache, queue }) };
    loop.engine.enqueueAll();
  }

  async function follow(): Promise<void> {
    const stopping = loop;
    loop = undefined;
    await stopping?.queue.stop();
  }

  const elector = startElector({
    kube,
    clock,
    random,
    log,
    namespace: options.lease.namespace,
    leaseName: options.lease.name,
    identity: `${fieldManager}-${random.uuid()}`,
    onElected: () => void lead(),
    onLost: () => void follow(),
  });

  return {
    isLeader: () => elector.isLeader(),
    problems: () => cache.problems(),
    async stop() {
      await follow();
      await elector.stop();
      await cache.stop();
      await connection.close();
    },
  };
}

/** Kinds that are watched, with what is dropped of each object before it is kept. */
const watched = [
  { kind: kinds.canary },
  { kind: kinds.metricTemplate },
  { kind: kinds.deployment, trim: trimDeployment },
  { kind: kinds.replicaSet },
  { kind: kinds.service },
  { kind: kinds.endpointSlice },
  // managedFields tell who undid a weight, and which entries are ours.
  { kind: kinds.httpRoute, trim: (route: KubeObject) => route },
];

/** Who owns `spec.paused` is all that is asked of a Deployment's managedFields. */
function trimDeployment(object: KubeObject): KubeObject {
  const deployment = object as Deployment;
  const managedFields = (deployment.metadata.managedFields ?? []).map((entry) => {
    const spec = entry.fieldsV1?.['f:spec'];
    const paused = typeof spec === 'object' && spec !== null && 'f:paused' in spec;
    return { ...entry, fieldsV1: paused ? { 'f:spec': { 'f:paused': {} } } : {} };
  });
  return { ...deployment, metadata: { ...deployment.metadata, managedFields } };
}
