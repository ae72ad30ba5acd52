import type { Answer, MeasuredValue } from '../analysis/answer.ts';
import type { Timeline } from '../analysis/timeline.ts';

/** A metrics server with everything needed to ask it; Secrets are resolved already. */
export interface MetricsServer {
  /** Base URL, e.g. `http://prometheus.monitoring:9090`; a path is kept. */
  address: string;
  headers?: Record<string, string>;
  /** Token for `Authorization: Bearer`. */
  bearer?: string;
  basic?: { username: string; password: string };
  /** PEM of the certificate authority that signed the server's certificate. */
  ca?: string;
}

export type PresetName = 'istio' | 'envoy-gateway' | 'traefik' | 'app';

/** How one of the two versions is known in metrics. */
export interface SideSelector {
  service: string;
  port?: number;
  /** Name of the Deployment behind the Service. */
  workload?: string;
  /** `ip:port` of every pod seen for the side in this attempt, those that are gone included. */
  addresses: string[];
}

export interface CountsRequest {
  /** The Canary, `namespace/name`. */
  key: string;
  /** Default: the server that the process was started with. */
  server?: MetricsServer;
  preset: PresetName;
  /** Of the Canary, its routes and its Services. */
  namespace: string;
  /** Names of the routes that make the split. */
  routes: string[];
  stable: SideSelector;
  canary: SideSelector;
  /** Ask for durations too (larger answers). Ignored by a preset that has none. */
  histogram: boolean;
  /** The oldest moment that will be counted from, epoch ms. */
  fromMs: number;
  /** Now, epoch ms. */
  atMs: number;
}

/** What the query of a MetricTemplate may name; all but `canary` and `stable` as in Flagger. */
export interface TemplateVariables {
  /** The Canary. */
  name: string;
  namespace: string;
  /** The Deployment under release. */
  target: string;
  /** The stable Service. */
  service: string;
  /** The first route. */
  route: string;
  /** The check's window in PromQL's words, e.g. `30s`. The only one that may stand outside of quotes. */
  interval: string;
  /** The canary Service. */
  canary: string;
  /** The stable Service, beside `canary`. */
  stable: string;
}

export interface ValueRequest {
  /** Default: the server that the process was started with. */
  server?: MetricsServer;
  /** PromQL that may name variables as `{{ name }}`. */
  query: string;
  variables: TemplateVariables;
  /** Now, epoch ms. */
  atMs: number;
}

/** What a preset can measure. */
export interface PresetInfo {
  name: PresetName;
  /** It counts where the split is made, so the observed share can be told from it. */
  atSplit: boolean;
  /** It has durations. */
  histogram: boolean;
  /** A sentence for when its numbers are missing: what to turn on, and where. */
  hint: string;
}

/** The metrics store. Never throws and never rejects; answers within about 5 s. */
export interface Metrics {
  /**
   * The preset that a Canary's numbers come from.
   *
   * @param controllerNames of the route's present parents, as their status has them
   * @param provider `spec.provider`; wins
   * @returns undefined when nothing is known about the controllers, or when they need different presets
   */
  preset(controllerNames: readonly string[], provider?: PresetName): PresetInfo | undefined;
  /** Raw counters of both versions. Questions that come at nearly the same time share one request. */
  counts(request: CountsRequest): Promise<Answer<Timeline>>;
  /** One number, e.g. of a MetricTemplate. */
  value(request: ValueRequest): Promise<Answer<MeasuredValue>>;
}
