import type { Preset } from './preset.ts';

/**
 * Istio with sidecars and its gateways. `reporter="source"`: gateways and client proxies make the split, so they see what
 * was asked of each version, also what never arrived; the destination's proxy also counts requests that came past the route.
 */
export const istio: Preset = {
  name: 'istio',
  atSplit: true,
  histogram: true,
  hint: 'Istio counts at the client side of each request: the gateway or the client pod must have an Istio proxy that Prometheus scrapes.',
  counters: [{ name: 'istio_requests_total', good: { codeLabels: ['response_code'] } }],
  durations: { name: 'istio_request_duration_milliseconds_bucket', unitMs: 1 },
  always: { reporter: 'source' },
  side: [
    { label: 'destination_service_namespace', match: 'exact', values: (request) => [request.namespace] },
    { label: 'destination_service_name', match: 'exact', values: (_, side) => [side.service] },
  ],
};
