import { regexQuoted } from '../promql.ts';
import type { Preset } from './preset.ts';

/**
 * Envoy Gateway. It merges all backends of a rule into one Envoy cluster, so only the counters per endpoint tell two
 * versions apart. A request that timed out is in `rq_error` as well; `rq_timeout` would count it twice.
 */
export const envoyGateway: Preset = {
  name: 'envoy-gateway',
  atSplit: true,
  histogram: false,
  hint: 'Set telemetry.metrics.enablePerEndpointStats: true in the EnvoyProxy resource of the Gateway: without it Envoy Gateway has one number for both versions. It has no durations per version: request-duration needs another provider or a MetricTemplate.',
  counters: [
    { name: 'envoy_cluster_endpoint_rq_success', good: true },
    { name: 'envoy_cluster_endpoint_rq_error', good: false },
  ],
  always: {},
  side: [
    { label: 'envoy_endpoint_address', match: 'exact', values: (_, side) => side.addresses },
    {
      label: 'envoy_cluster_name',
      match: 'pattern',
      values: ({ namespace, routes }) =>
        routes.map((route) => `httproute/${regexQuoted(namespace)}/${regexQuoted(route)}/rule/[0-9]+`),
    },
  ],
};
