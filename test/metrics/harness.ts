import { createMetrics, type RequestReport } from '../../src/metrics/metrics.ts';
import type { CountsRequest, Metrics, MetricsServer, TemplateVariables } from '../../src/ports/metrics.ts';
import { systemClock } from '../../src/system.ts';
import { type Behaviour, type FakePrometheus, fakePrometheus, memoryLog } from './fake-prometheus.ts';

export const atMs = 1_760_000_000_000;

export const variables: TemplateVariables = {
  name: 'cart',
  namespace: 'shop',
  target: 'cart-deploy',
  service: 'cart-svc',
  route: 'cart.example.org',
  interval: '30s',
  canary: 'cart-canary',
  stable: 'cart-svc',
};

/** Metrics that ask a server on loopback, and all that can be seen of it. */
export interface Harness extends AsyncDisposable {
  metrics: Metrics;
  prometheus: FakePrometheus;
  reports: RequestReport[];
  lines: string[];
}

export async function harness(behaviour: Behaviour, server: Partial<MetricsServer> = {}): Promise<Harness> {
  const prometheus = await fakePrometheus(behaviour);
  const { log, lines } = memoryLog();
  const reports: RequestReport[] = [];
  const metrics = createMetrics({
    clock: systemClock,
    log,
    defaultServer: { address: prometheus.address, ...server },
    onRequest: (report) => reports.push(report),
  });
  return { metrics, prometheus, reports, lines, [Symbol.asyncDispose]: () => prometheus[Symbol.asyncDispose]() };
}

/** A question about the Canary `shop/<name>` for the last half minute. */
export function aRequest(name: string, more: Partial<CountsRequest> = {}): CountsRequest {
  return {
    key: `shop/${name}`,
    preset: 'istio',
    namespace: 'shop',
    routes: [name],
    stable: { service: name, addresses: [] },
    canary: { service: `${name}-canary`, addresses: [] },
    histogram: false,
    fromMs: atMs - 30_000,
    atMs,
    ...more,
  };
}
