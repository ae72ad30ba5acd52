import { createHash } from 'node:crypto';
import {
  createHistogram,
  family,
  type Histogram,
  histogramLines,
  type Labels,
  observe,
  sampleLine,
} from '../workloads/histogram.ts';
import type { Exchange } from './data-plane.ts';

/** How an exchange ended: `code` 0 when the client went away first. Flags are Envoy's response flags. */
export interface Outcome {
  code: number;
  durationMs: number;
  flag: '' | 'NR' | 'UH' | 'UF' | 'UT' | 'UC' | 'DC';
}

/** The counters of all data planes of a sandbox. */
export interface TrafficMetrics {
  count(exchange: Exchange, outcome: Outcome): void;
  /** All of them in Prometheus' text format, each data plane's under the names of its preset. */
  exposition(): string;
}

interface Series {
  labels: Labels;
  count: number;
  histogram?: Histogram;
}

/** Series by family name, then by their labels. */
type Families = Map<string, Map<string, Series>>;

const envoyEdges = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];
const traefikEdges = [0.1, 0.3, 1.2, 5];

export function createTrafficMetrics(): TrafficMetrics {
  const families: Families = new Map();
  return {
    count(exchange, outcome) {
      const { preset } = exchange.plane;
      if (preset === 'istio') countIstio(families, exchange, outcome);
      else if (preset === 'traefik') countTraefik(families, exchange, outcome);
      else countEnvoyGateway(families, exchange, outcome, preset === 'envoy-gateway');
    },
    exposition() {
      return [...families].map(([name, series]) => familyText(name, [...series.values()])).join('');
    },
  };
}

function familyText(name: string, series: readonly Series[]): string {
  const isHistogram = series.some(({ histogram }) => histogram !== undefined);
  const lines = series.flatMap(({ labels, count, histogram }) =>
    histogram ? histogramLines(name, labels, histogram) : [sampleLine(name, labels, count)],
  );
  return family(name, isHistogram ? 'histogram' : 'counter', lines);
}

function seriesOf(families: Families, name: string, labels: Labels): Series {
  const key = Object.values(labels).join('\u0000');
  const known = families.get(name) ?? new Map<string, Series>();
  families.set(name, known);
  const series = known.get(key) ?? { labels, count: 0 };
  known.set(key, series);
  return series;
}

function increase(families: Families, name: string, labels: Labels, by = 1): void {
  seriesOf(families, name, labels).count += by;
}

interface Timing {
  name: string;
  edges: readonly number[];
}

const istioTiming: Timing = { name: 'istio_request_duration_milliseconds', edges: envoyEdges };
const traefikTiming: Timing = { name: 'traefik_service_request_duration_seconds', edges: traefikEdges };
const envoyTiming: Timing = { name: 'envoy_cluster_upstream_rq_time', edges: envoyEdges };

function time(families: Families, { name, edges }: Timing, labels: Labels, value: number): void {
  const series = seriesOf(families, name, labels);
  series.histogram ??= createHistogram(edges);
  observe(series.histogram, value);
}

function countIstio(families: Families, exchange: Exchange, { code, durationMs, flag }: Outcome): void {
  const { plane } = exchange;
  const source = plane.kind === 'gateway' ? `${plane.name}-istio` : 'client';
  const backend = exchange.backend ?? { name: 'unknown', namespace: 'unknown' };
  const destination = exchange.endpoint ?? { workload: 'unknown', namespace: 'unknown' };
  const labels = {
    reporter: 'source',
    source_workload: source,
    source_workload_namespace: plane.namespace,
    source_canonical_service: source,
    destination_workload: destination.workload,
    destination_workload_namespace: destination.namespace,
    destination_canonical_service: destination.workload,
    destination_service: exchange.backend ? `${backend.name}.${backend.namespace}.svc.cluster.local` : 'unknown',
    destination_service_name: backend.name,
    destination_service_namespace: backend.namespace,
    request_protocol: 'http',
    response_code: code,
    response_flags: flag === '' ? '-' : flag,
    connection_security_policy: 'unknown',
  };
  increase(families, 'istio_requests_total', labels);
  time(families, istioTiming, labels, durationMs);
}

function countTraefik(families: Families, exchange: Exchange, { code, durationMs }: Outcome): void {
  const { backend } = exchange;
  if (!backend?.resolved.ok) return;
  const clientGone = 499;
  const labels = {
    code: code || clientGone,
    method: exchange.method,
    protocol: 'http',
    service: traefikService(exchange),
  };
  increase(families, 'traefik_service_requests_total', labels);
  time(families, traefikTiming, labels, durationMs / 1000);
}

/** Traefik's name of a backend: what leads to it, with every run of other characters than letters and digits as one hyphen. */
function traefikService({ plane, rule, match, backend }: Exchange): string {
  const hash = createHash('sha256')
    .update(JSON.stringify(match ?? {}))
    .digest('hex')
    .slice(0, 20);
  const path = [
    `httproute-${rule?.route.namespace}-${rule?.route.name}`,
    `gw-${plane.namespace}-${plane.name}`,
    `ep-${rule?.listener}-${rule?.index}-${hash}`,
    `svc-${backend?.namespace}-${backend?.name}-${backend?.index}`,
  ];
  return `${path.join('-').replace(/[^\p{L}\p{N}]+/gu, '-')}@kubernetesgateway`;
}

function countEnvoyGateway(families: Families, exchange: Exchange, outcome: Outcome, perEndpoint: boolean): void {
  const { rule, endpoint } = exchange;
  if (!rule) return;
  const { code, durationMs, flag } = outcome;
  const cluster = { envoy_cluster_name: `httproute/${rule.route.namespace}/${rule.route.name}/rule/${rule.index}` };
  if (code > 0) {
    increase(families, 'envoy_cluster_upstream_rq_xx', {
      envoy_response_code_class: Math.floor(code / 100),
      ...cluster,
    });
  }
  if (!endpoint) return;
  increase(families, 'envoy_cluster_upstream_rq_total', cluster);
  time(families, envoyTiming, cluster, durationMs);
  if (!perEndpoint) return;
  const labels = { ...cluster, envoy_endpoint_address: `${endpoint.address}:${endpoint.port}` };
  increase(families, 'envoy_cluster_endpoint_rq_total', labels);
  // All of an endpoint's counters exist from its first request on.
  increase(families, 'envoy_cluster_endpoint_rq_success', labels, code > 0 && code < 500 ? 1 : 0);
  increase(families, 'envoy_cluster_endpoint_rq_error', labels, code >= 500 ? 1 : 0);
  increase(families, 'envoy_cluster_endpoint_rq_timeout', labels, flag === 'UT' ? 1 : 0);
}
