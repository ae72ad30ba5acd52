import type { RunningPod } from '../workloads/running-pod.ts';
import type { DataPlane } from './data-plane.ts';
import type { ProxyRequest } from './request-match.ts';
import type { Outcome, TrafficMetrics } from './traffic-metrics.ts';

/** How a request without a network went. */
export interface Served extends Outcome {
  /** The backend that was chosen, where one was. */
  backend?: { namespace: string; name: string };
  /** The pod that answered, where one did. */
  pod?: RunningPod;
}

/** Time that an answer takes besides what the pod adds. */
const networkMs = 2;

/**
 * Sends one request through a data plane to a pod, without sockets and without waiting, and counts it at both. For simulations:
 * what takes time in life (slow pods, time-outs) is in the answer's `durationMs` alone.
 */
export function serve(
  plane: DataPlane,
  port: number,
  request: ProxyRequest,
  world: { running: ReadonlyMap<string, RunningPod>; metrics: TrafficMetrics },
): Served {
  const decision = plane.decide(port, request);
  const { exchange } = decision;
  const end = (outcome: Outcome, pod?: RunningPod): Served => {
    world.metrics.count(exchange, outcome);
    const { backend } = exchange;
    return {
      ...outcome,
      ...(backend ? { backend: { namespace: backend.namespace, name: backend.name } } : {}),
      ...(pod ? { pod } : {}),
    };
  };
  if (decision.kind === 'answer') return end({ code: decision.code, durationMs: 0, flag: decision.flag });
  const pod = world.running.get(decision.endpoint.address);
  if (!pod?.ports.includes(decision.endpoint.port)) return end({ code: 503, durationMs: networkMs, flag: 'UF' });
  const answer = pod.answer();
  if (answer.hang || answer.delayMs >= decision.timeoutMs) {
    return end({ code: 504, durationMs: decision.timeoutMs, flag: 'UT' }, pod);
  }
  const durationMs = networkMs + answer.delayMs;
  pod.count(request.method, answer.code, durationMs);
  return end({ code: answer.code, durationMs, flag: '' }, pod);
}
