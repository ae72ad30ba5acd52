import type { Clock } from '../../../ports/clock.ts';
import type { ObjectStore } from '../types.ts';
import { behaviourOf } from './behaviour.ts';
import type { RecordEvent } from './events.ts';
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
  record: RecordEvent;
  /** Asks for another turn of a pod now. */
  wake: (key: string) => void;
}

interface World {
  store: ObjectStore;
  clock: Clock;
  pods: ObjectCache<Pod>;
}

/** What the kubelet knows of a pod besides the object; times are monotonic. */
interface Life {
  uid: string;
  startAtMs: number;
  running?: RunningPod;
  readyAtMs?: number;
  crashes: number;
  restartAtMs?: number;
  stopAtMs?: number;
  state: 'living' | 'stopping' | 'stopped';
}

const addresses = 65_000;
const defaultGraceSeconds = 30;
const firstBackOffMs = 10_000;
const longestBackOffMs = 300_000;

/** Binds pods to the sandbox's one node, starts them, says when they are ready and takes them away when deleted. */
export class Kubelet {
  readonly #world: World;
  readonly #options: KubeletOptions;
  readonly #lives = new Map<string, Life>();
  readonly #running = new Map<string, RunningPod>();
  #lastAddress = 0;

  constructor(world: World, options: KubeletOptions) {
    this.#world = world;
    this.#options = options;
  }

  /** The pods whose servers are up, by address. */
  get running(): ReadonlyMap<string, RunningPod> {
    return this.#running;
  }

  /** One turn of a pod. @returns when to look again (ms) */
  reconcile(key: string): number | undefined {
    const pod = this.#world.pods.get(key);
    const known = this.#lives.get(key);
    if (known && known.uid !== pod?.metadata.uid) this.#forget(key, known);
    if (!pod) return undefined;
    if (!isTerminating(pod) && !pod.spec.nodeName) return this.#bind(pod);
    const life = this.#lives.get(key) ?? this.#newLife(key, pod);
    return isTerminating(pod) ? this.#end(pod, life, key) : this.#live(pod, life, key);
  }

  #newLife(key: string, pod: Pod): Life {
    const startAtMs = this.#world.clock.monotonic() + this.#options.startMs;
    const life: Life = { uid: pod.metadata.uid ?? '', startAtMs, crashes: 0, state: 'living' };
    this.#lives.set(key, life);
    return life;
  }

  #bind(pod: Pod): undefined {
    const bound = { ...pod, spec: { ...pod.spec, nodeName } };
    this.#world.store.update(refOf(pod), bound, { fieldManager: 'kube-scheduler' });
  }

  #live(pod: Pod, life: Life, key: string): number | undefined {
    const nowMs = this.#world.clock.monotonic();
    if (nowMs < life.startAtMs) return life.startAtMs - nowMs;
    if (behaviourOf(pod.spec.containers?.[0]?.image ?? '').crash) return this.#crash(pod, life);
    if (!life.running) this.#start(pod, life, key);
    else if (life.readyAtMs !== undefined && !life.running.behaviour.neverReady && !isReady(pod)) {
      if (nowMs < life.readyAtMs) return life.readyAtMs - nowMs;
      this.#writeStatus(pod, life, 'ready');
    }
    return undefined;
  }

  #start(pod: Pod, life: Life, key: string): void {
    const running = createRunningPod(pod, this.#nextAddress());
    life.running = running;
    this.#running.set(running.ip, running);
    this.#writeStatus(pod, life, 'running');
    const probeDelayMs = longestSeconds(pod, (container) => container.readinessProbe?.initialDelaySeconds) * 1000;
    const listening = () => {
      life.readyAtMs = this.#world.clock.monotonic() + this.#options.readyMs + probeDelayMs;
      this.#options.wake(key);
    };
    if (this.#options.runtime) this.#options.runtime.start(running, listening);
    else listening();
  }

  #crash(pod: Pod, life: Life): number {
    const nowMs = this.#world.clock.monotonic();
    if (life.restartAtMs === undefined || nowMs >= life.restartAtMs) {
      life.restartAtMs = nowMs + Math.min(longestBackOffMs, firstBackOffMs * 2 ** life.crashes);
      life.crashes += 1;
      this.#writeStatus(pod, life, { crashes: life.crashes });
      const message = `Back-off restarting failed container ${pod.spec.containers?.[0]?.name ?? ''} in pod ${pod.metadata.name}`;
      this.#options.record(pod, { type: 'Warning', reason: 'BackOff', message });
    }
    return life.restartAtMs - nowMs;
  }

  /** A deleted pod drains, then its server stops, then the object goes. */
  #end(pod: Pod, life: Life, key: string): number | undefined {
    const nowMs = this.#world.clock.monotonic();
    const preStopMs = longestSeconds(pod, (container) => container.lifecycle?.preStop?.sleep?.seconds) * 1000;
    life.stopAtMs ??= nowMs + (life.running ? this.#options.drainMs + preStopMs : 0);
    if (nowMs < life.stopAtMs) return life.stopAtMs - nowMs;
    if (life.state === 'living') this.#stop(life, key, pod.spec.terminationGracePeriodSeconds);
    if (life.state === 'stopped') {
      const preconditions = { uid: life.uid };
      this.#world.store.delete(refOf(pod), { gracePeriodSeconds: 0, preconditions });
    }
    return undefined;
  }

  #stop(life: Life, key: string, graceSeconds = defaultGraceSeconds): void {
    const { running } = life;
    const stopped = () => {
      life.state = 'stopped';
      if (running) this.#running.delete(running.ip);
      this.#options.wake(key);
    };
    life.state = 'stopping';
    if (running && this.#options.runtime) this.#options.runtime.stop(running, graceSeconds * 1000, stopped);
    else stopped();
  }

  /** The object is gone; where it went without its grace period, its server stops now. */
  #forget(key: string, life: Life): void {
    if (life.state === 'living') this.#stop(life, key, 0);
    this.#lives.delete(key);
  }

  #nextAddress(): string {
    for (;;) {
      this.#lastAddress = (this.#lastAddress % addresses) + 1;
      const ip = `${this.#options.podNetwork}.${this.#lastAddress >> 8}.${this.#lastAddress & 255}`;
      if (!this.#running.has(ip)) return ip;
    }
  }

  #writeStatus(pod: Pod, life: Life, state: ContainerState): void {
    const { clock, store } = this.#world;
    const startedMs = clock.now() - (clock.monotonic() - life.startAtMs);
    const status = podStatus(pod, { ip: life.running?.ip ?? '', state, startedMs, nowMs: clock.now() });
    store.update(refOf(pod), { ...pod, status }, { fieldManager: 'kubelet', subresource: 'status' });
  }
}

function longestSeconds(
  pod: Pod,
  of: (container: NonNullable<Pod['spec']['containers']>[number]) => number | undefined,
): number {
  return Math.max(0, ...(pod.spec.containers ?? []).map((container) => of(container) ?? 0));
}

function refOf(pod: Pod) {
  return { kind: podKind, namespace: pod.metadata.namespace ?? '', name: pod.metadata.name };
}
