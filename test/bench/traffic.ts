import type { Clock } from '../../src/ports/clock.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Exchange } from '../../src/sandbox/world/gateway/data-plane.ts';

/** Turns of each host in a second, and the requests that go the same way in each: so many turns would cost more than the engine. */
const turnsPerSecond = 20;
const requestsPerTurn = 6;
export const requestsPerSecond = turnsPerSecond * requestsPerTurn;

const tickMs = 100;
/** Every answer takes two milliseconds, so it is in all buckets from 5 ms on. */
const edges = {
  before: ['0.5', '1'],
  from: [5, 10, 25, 50, 100, 250, 500, 1e3, 2500, 5e3, 1e4, 3e4, 6e4, 3e5, 6e5, 18e5, 36e5],
};
const durations = 'istio_request_duration_milliseconds';

/** A steady stream of requests through a Gateway's routing table, without sockets. */
export interface Traffic {
  /** Requests so far, and how many of them failed. */
  counts(): { requests: number; failed: number };
  stop(): void;
}

/** Has each host's requests routed by the Gateway and counted under Istio's names, with all of Istio's labels. */
export function startTraffic(
  sandbox: Sandbox,
  clock: Clock,
  { gateway, hosts }: { gateway: { namespace: string; name: string }; hosts: string[] },
): Traffic {
  const counters = new Map<string, Counter>();
  const removeTarget = sandbox.metrics.addTarget({
    labels: { job: 'gateway', instance: 'synthetic' },
    scrape: () => exposition([...counters.values()]),
  });
  const startedAt = clock.monotonic();
  let turns = 0;
  let failed = 0;
  let cancel = (): void => undefined;
  const turn = (host: string) => {
    const plane = sandbox.gateways.gateway(gateway.namespace, gateway.name);
    if (plane === undefined) throw new Error(`Gateway ${gateway.namespace}/${gateway.name} is not served`);
    const decision = plane.decide(80, { method: 'GET', host, target: '/', headers: {} });
    const code = decision.kind === 'answer' ? decision.code : 200;
    if (code >= 500) failed += requestsPerTurn;
    const key = `${host} ${decision.exchange.backend?.name} ${code}`;
    const counter = counters.get(key) ?? createCounter(decision.exchange, code);
    counter.count += requestsPerTurn;
    counters.set(key, counter);
  };
  const tick = () => {
    const due = Math.floor(((clock.monotonic() - startedAt) / 1000) * turnsPerSecond);
    for (; turns < due; turns++) hosts.forEach(turn);
    cancel = clock.after(tickMs, tick);
  };
  tick();
  return {
    counts: () => ({ requests: turns * hosts.length * requestsPerTurn, failed }),
    stop() {
      cancel();
      removeTarget();
    },
  };
}

/** The series of one backend and code; their texts are made once. */
interface Counter {
  count: number;
  requests: string;
  /** Buckets that stay empty, and those that hold everything. */
  empty: string[];
  full: string[];
}

function createCounter({ backend, endpoint, plane }: Exchange, code: number): Counter {
  const { name = 'unknown', namespace = 'unknown' } = backend ?? {};
  const labels = Object.entries({
    reporter: 'source',
    source_workload: `${plane.name}-istio`,
    source_workload_namespace: plane.namespace,
    source_canonical_service: `${plane.name}-istio`,
    destination_workload: endpoint?.workload ?? 'unknown',
    destination_workload_namespace: endpoint?.namespace ?? 'unknown',
    destination_canonical_service: endpoint?.workload ?? 'unknown',
    destination_service: `${name}.${namespace}.svc.cluster.local`,
    destination_service_name: name,
    destination_service_namespace: namespace,
    request_protocol: 'http',
    response_code: code,
    response_flags: '-',
    connection_security_policy: 'unknown',
  });
  const text = labels.map(([label, value]) => `${label}="${value}"`).join(',');
  const bucket = (edge: string | number) => `${durations}_bucket{${text},le="${edge}"}`;
  return {
    count: 0,
    requests: `istio_requests_total{${text}}`,
    empty: edges.before.map(bucket),
    full: [...edges.from.map(bucket), bucket('+Inf'), `${durations}_count{${text}}`],
  };
}

function exposition(counters: Counter[]): string {
  const requests = counters.map((counter) => `${counter.requests} ${counter.count}`);
  const buckets = counters.flatMap(({ empty, full, count }) => [
    ...empty.map((series) => `${series} 0`),
    ...full.map((series) => `${series} ${count}`),
  ]);
  const type = (name: string, is: string) => `# TYPE ${name} ${is}`;
  const lines = [type('istio_requests_total', 'counter'), ...requests, type(durations, 'histogram'), ...buckets];
  return `${lines.join('\n')}\n`;
}
