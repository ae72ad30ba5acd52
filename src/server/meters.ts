import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { RequestSeen } from '../kube/exchange.ts';
import type { RequestReport } from '../metrics/metrics.ts';

/** One run of the loop for one Canary; `error` is there when it threw. */
export interface ReconcileRun {
  seconds: number;
  error?: unknown;
}

/** The engine's own metrics, `linnet_*`, and the observers that feed them. */
export interface Meters {
  registry: Registry;
  onKubeRequest(seen: RequestSeen): void;
  onMetricsRequest(report: RequestReport): void;
  onReconcile(run: ReconcileRun): void;
}

const reconcileResults = ['ok', 'error'] as const;
const metricsKinds = ['counts', 'value'] as const satisfies RequestReport['kind'][];
const metricsOutcomes = ['ok', 'badQuery', 'tooLarge', 'failed'] as const satisfies RequestReport['outcome'][];

/** Metrics in a registry of their own. Those whose labels are known beforehand are there from the start, so that rates exist. */
export function createMeters({ isLeader }: { isLeader: () => boolean }): Meters {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: 'linnet_' });
  const reconciles = new Counter({
    name: 'linnet_reconciles_total',
    help: 'Runs of the loop, by result.',
    labelNames: ['result'],
    registers,
  });
  const reconcileSeconds = new Histogram({
    name: 'linnet_reconcile_seconds',
    help: 'How long a run of the loop took.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const kubeRequests = new Counter({
    name: 'linnet_kube_requests_total',
    help: 'Requests to the Kubernetes API, watches included; code 0: there was no answer.',
    labelNames: ['verb', 'kind', 'code'],
    registers,
  });
  const metricsRequests = new Counter({
    name: 'linnet_metrics_requests_total',
    help: 'Requests to metrics stores, by what was asked and how it ended.',
    labelNames: ['kind', 'outcome'],
    registers,
  });
  new Gauge({
    name: 'linnet_leader',
    help: '1 while this process holds the Lease.',
    registers,
    collect() {
      this.set(isLeader() ? 1 : 0);
    },
  });
  for (const result of reconcileResults) reconciles.inc({ result }, 0);
  for (const kind of metricsKinds) for (const outcome of metricsOutcomes) metricsRequests.inc({ kind, outcome }, 0);
  return {
    registry,
    onKubeRequest: ({ verb, kind, code }) => kubeRequests.inc({ verb, kind, code }),
    onMetricsRequest: ({ kind, outcome }) => metricsRequests.inc({ kind, outcome }),
    onReconcile({ seconds, error }) {
      reconciles.inc({ result: error === undefined ? 'ok' : 'error' });
      reconcileSeconds.observe(seconds);
    },
  };
}
