import type { Preset } from './preset.ts';

/**
 * The application's own metrics, under the names most client libraries use, with the labels `namespace` and `service` that
 * scraping through a ServiceMonitor adds. They also count requests that came past the route, so no share is told from them.
 */
export const app: Preset = {
  name: 'app',
  atSplit: false,
  histogram: true,
  hint: 'The application must export http_requests_total with the status code in a label code or status, and Prometheus must add the labels namespace and service (a ServiceMonitor does); durations are read from http_request_duration_seconds.',
  counters: [{ name: 'http_requests_total', good: { codeLabels: ['code', 'status'] } }],
  durations: { name: 'http_request_duration_seconds_bucket', unitMs: 1000 },
  always: {},
  side: [
    { label: 'namespace', match: 'exact', values: (request) => [request.namespace] },
    { label: 'service', match: 'exact', values: (_, side) => [side.service] },
  ],
};
