import type { Clock } from '../../../ports/clock.ts';
import type { ObjectStore } from '../types.ts';
import { behaviourOf } from './behaviour.ts';
import { podKind } from './kinds.ts';
import type { ObjectCache } from './object-cache.ts';
import { isReady, isTerminating, type Pod } from './pod.ts';
import { type ContainerState, nodeName, podStatus } from './pod-status.ts';
import { createRunningPod, type RunningPod } from './running-pod.ts';

/** Runs the servers of pods. Without one, pods are synthetic: they become ready and carry no server. */
export interface PodRuntime {
  /** Starts the pod's server and calls `listening` when it takes requests. */
  start(pod: RunningPod, listening: () => void): void;
  /** Stops taking connections, lets running requests end within `graceMs`, then calls `stopped`. */
  stop(pod: RunningPod, graceMs: number, stopped: () => void): void;
}

export interface KubeletOptions {
  /** From bound to its containers' start. */
  startMs: number;
  /** From its server listening to ready; a readinessProbe's initialDelaySeconds come on top. */
  readyMs: number;
  /** From a pod's deletion to its server closing; a preStop sleep comes on top. */
  drainMs: number;
  /** First two numbers of the pods' addresses, such as `127.10`. */
  podNetwork: string;
  runtime?: PodRuntime | undefined;
}

interface World {
  store: ObjectStore;
  clock: Clock;
  pods: ObjectCache<Pod>;
}

interface Life {
  startAtMs: number;
  running?: RunningPod;
  readyAtMs?: number;
  crashes: number;
  restartAtMs?: number;
  stopAtMs?: number;
  stopping?: boolean;
  stopped?: boolean;
}

/** Binds pods to the sandbox's one node, starts them, says when they are ready and takes them away when deleted. */
export interface Kubelet {
  reconcile(key: string): number | undefined;
  /** The pods whose servers are up, by address. */
  running(): ReadonlyMap<string, RunningPod>;
}

/** @param wake asks for another turn of a pod now */
export function createKubelet(world: World, options: KubeletOptions, wake: (key: string) => void): Kubelet {
  const lives = new Map<string, Life>();
  const running = new Map<string, RunningPod>();
  const keys = new Map<string, string>();
  let lastAddress = 0;

  const nextAddress = (): string => {
    for (;;) {
      lastAddress = (lastAddress % 65_000) + 1;
      const ip = `${options.podNetwork}.${lastAddress >> 8}.${lastAddress & 255}`;
      if (!running.has(ip)) return ip;
    }
  };
  const bind = (pod: Pod): number => {
    const bound = { ...pod, spec: { ...pod.spec, nodeName } };
    world.store.update(refOf(pod), bound, { fieldManager: 'kube-scheduler' });
    return options.startMs;
  };
  const writeStatus = (pod: Pod, life: Life, state: ContainerState) => {
    const ip = life.running?.ip ?? '';
    const status = podStatus(pod, ip, state, life.startAtMs, world.clock.now());
    world.store.update(refOf(pod), { ...pod, status }, { fieldManager: 'kubelet', subresource: 'status' });
  };
  const start = (pod: Pod, life: Life, key: string) => {
    const served = createRunningPod(pod, nextAddress());
    const probeDelayMs = Math.max(
      0,
      ...(pod.spec.containers ?? []).map((c) => (c.readinessProbe?.initialDelaySeconds ?? 0) * 1000),
    );
    const listening = () => {
      life.readyAtMs = world.clock.monotonic() + options.readyMs + probeDelayMs;
      wake(key);
    };
    life.running = served;
    running.set(served.ip, served);
    writeStatus(pod, life, 'running');
    if (options.runtime) options.runtime.start(served, listening);
    else listening();
  };
  const crash = (pod: Pod, life: Life): number => {
    const nowMs = world.clock.monotonic();
    if (life.restartAtMs === undefined || nowMs >= life.restartAtMs) {
      life.restartAtMs = nowMs + Math.min(300_000, 10_000 * 2 ** life.crashes);
      life.crashes += 1;
      writeStatus(pod, life, { crashes: life.crashes });
    }
    return life.restartAtMs - nowMs;
  };
  const live = (pod: Pod, life: Life, key: string): number | undefined => {
    const nowMs = world.clock.monotonic();
    if (nowMs < life.startAtMs) return life.startAtMs - nowMs;
    const image = pod.spec.containers?.[0]?.image ?? '';
    if (behaviourOf(image).crash) return crash(pod, life);
    if (!life.running) {
      start(pod, life, key);
      return undefined;
    }
    if (life.readyAtMs === undefined || life.running.behaviour.neverReady || isReady(pod)) return undefined;
    if (nowMs < life.readyAtMs) return life.readyAtMs - nowMs;
    writeStatus(pod, life, 'ready');
    return undefined;
  };
  const stop = (pod: Pod, life: Life, key: string): number | undefined => {
    const nowMs = world.clock.monotonic();
    const preStopMs = Math.max(
      0,
      ...(pod.spec.containers ?? []).map((c) => (c.lifecycle?.preStop?.sleep?.seconds ?? 0) * 1000),
    );
    life.stopAtMs ??= nowMs + (life.running ? options.drainMs + preStopMs : 0);
    if (nowMs < life.stopAtMs) return life.stopAtMs - nowMs;
    if (!life.stopping) halt(life, pod, key);
    if (life.stopped) {
      const preconditions = { uid: pod.metadata.uid ?? '' };
      world.store.delete(refOf(pod), { gracePeriodSeconds: 0, preconditions });
    }
    return undefined;
  };
  const halt = (life: Life, pod: Pod | undefined, key: string) => {
    const served = life.running;
    const stopped = () => {
      life.stopped = true;
      if (served) running.delete(served.ip);
      wake(key);
    };
    life.stopping = true;
    if (!served || !options.runtime) return stopped();
    options.runtime.stop(served, (pod?.spec.terminationGracePeriodSeconds ?? 30) * 1000, stopped);
  };
  const forget = (key: string) => {
    const uid = keys.get(key);
    const life = uid === undefined ? undefined : lives.get(uid);
    if (life && !life.stopping) halt(life, undefined, key);
    if (uid !== undefined) lives.delete(uid);
    keys.delete(key);
  };
  const reconcile = (key: string): number | undefined => {
    const pod = world.pods.get(key);
    if (!pod || keys.get(key) !== pod.metadata.uid) forget(key);
    if (!pod) return undefined;
    const uid = pod.metadata.uid ?? '';
    const known = lives.get(uid);
    if (!known && !isTerminating(pod) && !pod.spec.nodeName) return bind(pod);
    const life = known ?? { startAtMs: world.clock.monotonic() + options.startMs, crashes: 0 };
    lives.set(uid, life);
    keys.set(key, uid);
    return isTerminating(pod) ? stop(pod, life, key) : live(pod, life, key);
  };
  return { reconcile, running: () => running };
}

function refOf(pod: Pod) {
  return { kind: podKind, namespace: pod.metadata.namespace ?? '', name: pod.metadata.name };
}
