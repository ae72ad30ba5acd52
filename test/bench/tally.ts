import type { Fault } from '../../src/sandbox/http/api-server/faults.ts';
import type { ApiRequest } from '../../src/sandbox/http/api-server/api-request.ts';

/** Requests of one stretch of time, as the servers saw them. */
export interface Tally {
  /** By verb and resource, e.g. `patch canaries/status`; without those for Leases and without watches. */
  api: Record<string, number>;
  /** Requests for the Lease: what a leader sends at rest. */
  lease: number;
  /** Watches that were opened. */
  watches: number;
  /** Queries that came to the metrics store. */
  prometheus: number;
}

/** Counts at the servers, so that nothing that the engine sends can be missed. */
export interface Counting {
  /** For the API server's hook. */
  onApiRequest(request: ApiRequest): Fault | undefined;
  /** For the metrics store's hook. */
  onPrometheusRequest(): undefined;
  /** What came since the last call. */
  take(): Tally;
}

export function createCounting(): Counting {
  let tally = emptyTally();
  return {
    onApiRequest({ verb, resource, path }) {
      if (resource?.plural === 'leases') tally.lease++;
      else if (verb === 'watch') tally.watches++;
      else {
        const what = resource === undefined ? path : [resource.plural, resource.subresource].filter(Boolean).join('/');
        const key = `${verb} ${what}`;
        tally.api[key] = (tally.api[key] ?? 0) + 1;
      }
      return undefined;
    },
    onPrometheusRequest() {
      tally.prometheus++;
      return undefined;
    },
    take() {
      const taken = tally;
      tally = emptyTally();
      return taken;
    },
  };
}

/** All counted requests together. */
export function apiRequests({ api }: Tally): number {
  return Object.values(api).reduce((sum, count) => sum + count, 0);
}

function emptyTally(): Tally {
  return { api: {}, lease: 0, watches: 0, prometheus: 0 };
}
