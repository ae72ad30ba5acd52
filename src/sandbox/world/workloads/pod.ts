import type { KubeObject } from '../../../api/objects.ts';

export interface ContainerPort {
  name?: string;
  containerPort: number;
  protocol?: string;
}

export interface Container {
  name: string;
  image?: string;
  ports?: ContainerPort[];
  readinessProbe?: { initialDelaySeconds?: number };
  lifecycle?: { preStop?: { sleep?: { seconds?: number } } };
}

export interface PodSpec {
  containers?: Container[];
  nodeName?: string;
  terminationGracePeriodSeconds?: number;
  [field: string]: unknown;
}

export interface PodCondition {
  type: string;
  status: string;
  lastTransitionTime?: string;
  reason?: string;
  message?: string;
}

/** The parts of a Pod that the sandbox's controllers read. */
export interface Pod extends KubeObject {
  spec: PodSpec;
  status?: {
    phase?: string;
    podIP?: string;
    conditions?: PodCondition[];
    [field: string]: unknown;
  };
}

/** Where a pod without declared ports listens. */
const defaultContainerPort = 8080;

/** The declared TCP ports of a pod, {@link defaultContainerPort} when it declares none. */
export function containerPortsOf(pod: Pod): number[] {
  const declared = (pod.spec.containers ?? [])
    .flatMap((container) => container.ports ?? [])
    .filter((port) => (port.protocol ?? 'TCP') === 'TCP')
    .map((port) => port.containerPort);
  return declared.length > 0 ? [...new Set(declared)] : [defaultContainerPort];
}

export function isTerminating(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

export function isReady(pod: Pod): boolean {
  return readyCondition(pod)?.status === 'True';
}

/** @returns how long (ms) until a ready pod has been ready for `minReadySeconds`: 0 when available, undefined when not ready */
export function untilAvailable(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  const ready = readyCondition(pod);
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds === 0) return 0;
  const since = Date.parse(ready.lastTransitionTime ?? '');
  return Math.max(0, since + minReadySeconds * 1000 - nowMs);
}

export function isActive(pod: Pod): boolean {
  return !isTerminating(pod) && pod.status?.phase !== 'Failed' && pod.status?.phase !== 'Succeeded';
}

function readyCondition(pod: Pod): PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === 'Ready');
}
