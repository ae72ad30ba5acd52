import { behaviourOf } from './behaviour.ts';
import { kubeTime } from './canonical.ts';
import type { Pod, PodCondition } from './pod.ts';

export const nodeName = 'sandbox';
const hostIP = '127.0.0.1';

/** Where a pod's containers are. */
export type ContainerState = 'running' | 'ready' | { crashes: number };

interface Moment {
  ip: string;
  state: ContainerState;
  /** When the containers were started (epoch). */
  startedMs: number;
  nowMs: number;
}

/** The status that the kubelet writes for a pod whose containers have been started. */
export function podStatus(pod: Pod, { ip, state, startedMs, nowMs }: Moment): Record<string, unknown> {
  const ready = state === 'ready';
  const names = (pod.spec.containers ?? []).map(({ name }) => name).join(' ');
  const unready = ready ? {} : { reason: 'ContainersNotReady', message: `containers with unready status: [${names}]` };
  const condition = (type: string, ok: boolean, more: object = {}): PodCondition => {
    const status = ok ? 'True' : 'False';
    const old = pod.status?.conditions?.find((candidate) => candidate.type === type);
    const since = old?.status === status ? old.lastTransitionTime : undefined;
    return { type, status, lastTransitionTime: since ?? kubeTime(nowMs), ...more };
  };
  return {
    phase: 'Running',
    hostIP,
    podIP: ip,
    podIPs: [{ ip }],
    startTime: kubeTime(startedMs),
    conditions: [
      condition('PodScheduled', true),
      condition('Initialized', true),
      condition('ContainersReady', ready, unready),
      condition('Ready', ready, unready),
    ],
    containerStatuses: (pod.spec.containers ?? []).map(({ name, image = '' }) => ({
      name,
      image,
      imageID: `sandbox://${image}`,
      ready,
      started: typeof state === 'string',
      ...containerState(state, behaviourOf(image).crash ? nowMs : startedMs),
    })),
  };
}

function containerState(state: ContainerState, sinceMs: number): Record<string, unknown> {
  const at = kubeTime(sinceMs);
  if (typeof state === 'string') return { restartCount: 0, state: { running: { startedAt: at } } };
  return {
    restartCount: state.crashes - 1,
    state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off restarting failed container' } },
    lastState: { terminated: { exitCode: 1, reason: 'Error', startedAt: at, finishedAt: at } },
  };
}
