import { type Behaviour, behaviourOf } from './behaviour.ts';
import { createHistogram, family, type Histogram, histogramLines, observe, sampleLine } from './histogram.ts';
import { containerPortsOf, type Pod } from './pod.ts';

/** What a pod does with one request. */
export type Answer = { hang: true } | { hang: false; code: number; delayMs: number };

/** A pod whose server is up, until it has stopped after the pod's deletion. */
export interface RunningPod {
  namespace: string;
  name: string;
  uid: string;
  ip: string;
  ports: number[];
  /** Name of the first container. */
  container: string;
  behaviour: Behaviour;
  /** Decides one answer. Errors are spread evenly, so that `err50` fails every other request. */
  answer(): Answer;
  /** Counts one answered request in the pod's own metrics. */
  count(method: string, code: number, durationMs: number): void;
  /** The pod's own metrics in Prometheus' text format: `http_requests_total`, `http_request_duration_seconds`. */
  metrics(): string;
}

const secondsEdges = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createRunningPod(pod: Pod, ip: string): RunningPod {
  const first = pod.spec.containers?.[0];
  const behaviour = behaviourOf(first?.image ?? '');
  const series = new Map<string, { method: string; code: number; histogram: Histogram }>();
  // Pods begin at different points, so that those behind one Service do not all fail at the same time.
  let errorDebt = (Number(ip.slice(ip.lastIndexOf('.') + 1)) * 62) % 100;

  const answer = (): Answer => {
    if (behaviour.hang) return { hang: true };
    errorDebt += behaviour.errorPercent;
    const fails = errorDebt >= 100;
    if (fails) errorDebt -= 100;
    return { hang: false, code: fails ? 500 : 200, delayMs: behaviour.slowMs };
  };
  const count = (method: string, code: number, durationMs: number) => {
    const key = `${method} ${code}`;
    const entry = series.get(key) ?? { method, code, histogram: createHistogram(secondsEdges) };
    series.set(key, entry);
    observe(entry.histogram, durationMs / 1000);
  };
  const metrics = () => {
    const entries = [...series.values()];
    const total = (histogram: Histogram) => histogram.counts.reduce((a, b) => a + b, 0);
    return (
      family(
        'http_requests_total',
        'counter',
        entries.map(({ method, code, histogram }) =>
          sampleLine('http_requests_total', { method, code }, total(histogram)),
        ),
      ) +
      family(
        'http_request_duration_seconds',
        'histogram',
        entries.flatMap(({ method, code, histogram }) =>
          histogramLines('http_request_duration_seconds', { method, code }, histogram),
        ),
      )
    );
  };
  return {
    namespace: pod.metadata.namespace ?? '',
    name: pod.metadata.name,
    uid: pod.metadata.uid ?? '',
    ip,
    ports: containerPortsOf(pod),
    container: first?.name ?? '',
    behaviour,
    answer,
    count,
    metrics,
  };
}
