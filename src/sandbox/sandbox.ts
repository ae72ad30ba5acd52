import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import { type ApiServerOptions, startApiServer } from './http/api-server.ts';
import { createGatewaySockets } from './http/data-plane/gateway-sockets.ts';
import { startMetricsPage } from './http/data-plane/metrics-page.ts';
import { takePodNetwork } from './http/data-plane/pod-network.ts';
import { createPodServers } from './http/data-plane/pod-servers.ts';
import { kubeconfigFor } from './http/kubeconfig.ts';
import { type PrometheusApi, type PrometheusApiOptions, startPrometheusApi } from './http/prometheus/api.ts';
import { type Gateways, startGateways } from './world/gateway/gateways.ts';
import { createTrafficMetrics } from './world/gateway/traffic-metrics.ts';
import { sandboxKinds } from './world/kinds/kinds.ts';
import { createMetricsStore, type MetricsStore } from './world/metrics/store.ts';
import { createObjectStore } from './world/store/object-store.ts';
import type { ObjectStore } from './world/types.ts';
import { furnish } from './world/workloads/furnish.ts';
import { scrapePods } from './world/workloads/scrape-targets.ts';
import { startWorkloads, type WorkloadDelays, type Workloads } from './world/workloads/workloads.ts';

export interface SandboxOptions {
  clock: Clock;
  random: Random;
  /** Port of the first listener of the first Gateway. @defaultValue 0: a free one, as for all other listeners */
  gatewayPort?: number;
  /** @defaultValue 0: a free one */
  prometheusPort?: number;
  /** @defaultValue 0: a free one */
  apiPort?: number;
  /** Pods have no servers: for many Canaries at rest, and where nothing sends requests. */
  syntheticPods?: boolean;
  /** How long the controllers take. */
  delays?: WorkloadDelays;
  /** Faults of the API server. */
  api?: Pick<ApiServerOptions, 'intercept' | 'afterWrite' | 'token'>;
  /** Faults of the metrics store's API. */
  prometheus?: Pick<PrometheusApiOptions, 'intercept'>;
  log?: Log;
}

/** A small cluster in this process: API server, workloads, gateway and metrics store on loopback. */
export interface Sandbox {
  /** A kubeconfig file, YAML. */
  kubeconfig: string;
  apiUrl: string;
  prometheusUrl: string;
  /** `/metrics` of the gateways. */
  gatewayMetricsUrl: string;
  store: ObjectStore;
  workloads: Workloads;
  gateways: Gateways;
  metrics: MetricsStore;
  prometheus: PrometheusApi;
  /** `host:port` of a Gateway's listener on `port` (its first when absent); undefined while it is not open. */
  gatewayAddress(namespace: string, name: string, port?: number): string | undefined;
  /** `host:port` at which requests meet what a mesh does with those to a Service (its first port when absent); undefined while it is not open. */
  meshAddress(namespace: string, service: string, port?: number): string | undefined;
  /** Ends everything at once: no timer, socket or child is left. */
  close(): Promise<void>;
}

type Closer = () => Promise<void> | void;

/** Starts a sandbox; rejects, and leaves nothing behind, when a port that was asked for is taken. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const opened: Closer[] = [];
  const close = async () => {
    await Promise.all(
      opened
        .splice(0)
        .toReversed()
        .map(async (end) => end()),
    );
  };
  try {
    return { ...(await open(options, opened)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(options: SandboxOptions, opened: Closer[]): Promise<Omit<Sandbox, 'close'>> {
  const { clock, random, log } = options;
  const logged = log ? { log } : {};
  const store = createObjectStore({ clock, random, kinds: sandboxKinds(), ...logged });
  furnish(store, clock);
  const api = await startApiServer({ store, clock, port: options.apiPort ?? 0, ...options.api, ...logged });
  opened.push(() => api.close());
  const metrics = createMetricsStore({ clock });
  opened.push(() => metrics.stop());
  const prometheus = await startPrometheusApi({
    store: metrics,
    clock,
    port: options.prometheusPort ?? 0,
    ...options.prometheus,
  });
  opened.push(() => prometheus.close());
  const traffic = createTrafficMetrics();
  const page = await startMetricsPage(traffic);
  opened.push(() => page.close());
  const pods = createPodServers(clock, log);
  opened.push(() => pods.close());
  const network = options.syntheticPods ? undefined : await takePodNetwork();
  if (network) opened.push(() => network.release());
  const workloads = startWorkloads({
    store,
    clock,
    random,
    log,
    delays: options.delays ?? {},
    ...(network ? { podNetwork: network.prefix, runtime: pods } : {}),
  });
  opened.push(() => workloads.close());
  const sockets = createGatewaySockets({
    clock,
    log,
    metrics: traffic,
    portOf: pods.portOf,
    gatewayPort: options.gatewayPort,
  });
  opened.push(() => sockets.closeAll());
  const gateways = startGateways({ store, clock, workloads, sockets, log });
  opened.push(() => gateways.close());
  metrics.addTarget({
    labels: { job: 'gateway', instance: new URL(page.url).host },
    scrape: () => traffic.exposition(),
  });
  opened.push(scrapePods(workloads, (target) => metrics.addTarget(target)));
  return {
    kubeconfig: kubeconfigFor(api.url, options.api?.token),
    apiUrl: api.url,
    prometheusUrl: prometheus.url,
    gatewayMetricsUrl: page.url,
    store,
    workloads,
    gateways,
    metrics,
    prometheus,
    gatewayAddress(namespace, name, port) {
      const plane = gateways.gateway(namespace, name);
      return plane && gateways.address(plane, port);
    },
    meshAddress: (namespace, service, port) => gateways.address(gateways.mesh(namespace, service), port),
  };
}
