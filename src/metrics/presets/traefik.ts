import type { Preset } from './preset.ts';

/** Traefik writes every run of characters that are no letters or digits as one hyphen. */
function normalized(name: string): string {
  return name.replace(/[^\p{L}\p{N}]+/gu, '-');
}

/**
 * Traefik 3 as a Gateway API controller. The label of a backend, measured with 3.7:
 * `httproute-<ns>-<route>-gw-<gateway ns>-<gateway>-ep-<entry point>-<rule>-<hash>-svc-<ns>-<service>-<index>@kubernetesgateway`.
 * The hash in front of `-svc-` keeps a service whose name ends like another's apart from it.
 */
export const traefik: Preset = {
  name: 'traefik',
  atSplit: true,
  histogram: true,
  hint: 'Set metrics.prometheus.addServicesLabels: true in the configuration of Traefik: without it Traefik has no numbers per Service.',
  counters: [{ name: 'traefik_service_requests_total', good: { codeLabels: ['code'] } }],
  durations: { name: 'traefik_service_request_duration_seconds_bucket', unitMs: 1000 },
  always: {},
  side: [
    {
      label: 'service',
      match: 'pattern',
      values: ({ namespace, routes }, { service }) => {
        const ns = normalized(namespace);
        const end = `-[0-9]+-[0-9a-f]+-svc-${ns}-${normalized(service)}-[0-9]+@kubernetesgateway`;
        return routes.map((route) => `httproute-${ns}-${normalized(route)}-gw-.*-ep-.*${end}`);
      },
    },
  ],
};
