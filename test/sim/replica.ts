import type { Effect, Settings, View } from '../../src/decide/view.ts';
import { type Engine, createEngine } from '../../src/engine/engine.ts';
import { createReconcile } from '../../src/engine/reconcile.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { type Kube, KubeError } from '../../src/ports/kube.ts';
import type { Log } from '../../src/ports/log.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import { createQueue } from '../../src/queue/memory.ts';
import { type Viewer, createViewer } from '../../src/view/viewer.ts';
import { type Stored, watchedKinds } from './history.ts';
import { type Life, type Network, createKubePort } from './kube-port.ts';
import { type MetricsWorld, createMetricsPort } from './metrics-port.ts';
import type { Options } from './options.ts';
import { WatchCache } from './watch-cache.ts';

/** A planted bug: puts something wrong in the place of a part of a replica, once for each of its lives. */
export interface Bug {
  kube?: (kube: Kube) => Kube;
  metrics?: (metrics: Metrics) => Metrics;
  viewer?: (viewer: Viewer) => Viewer;
}

export interface ReplicaOptions {
  id: string;
  network: Network;
  metrics: MetricsWorld;
  options: Options;
  settings: Settings;
  bug: (() => Bug) | undefined;
  /** Told of lines for people. */
  say: (line: string) => void;
  /** Told of errors that no fault explains. */
  onDefect: (message: string) => void;
}

/** One process of the engine: view, decide, effects and queue as they are, on simulated ports. It can be killed and started again. */
export class Replica {
  readonly #given: ReplicaOptions;
  /** Number of the present life; what an older one still does is never told to anybody. */
  #epoch = 0;
  #cache: WatchCache | undefined;
  #frozen = false;
  #late: (() => void)[] = [];

  constructor(given: ReplicaOptions) {
    this.#given = given;
    given.network.history.onStored((stored) => this.#see(stored));
  }

  get alive(): boolean {
    return this.#cache !== undefined;
  }

  /** @param staleMs how old the first lists are */
  start(staleMs: number): void {
    const { network, settings, id, options } = this.#given;
    const bug = this.#given.bug?.();
    const { schedule, chance, history } = network;
    const epoch = ++this.#epoch;
    const alive = () => this.#epoch === epoch && this.alive;
    const life: Life = {
      id: `${id}.${epoch}`,
      alive,
      die: (why) => this.kill(why),
      noteWrite: (object) => void (alive() && this.#cache?.noteWrite(object)),
    };
    const clock = this.#clock(life);
    const plain = createKubePort(network, life);
    const kube = bug?.kube?.(plain) ?? plain;
    const asked = createMetricsPort(network, life, this.#given.metrics);
    const metrics = bug?.metrics?.(asked) ?? asked;
    const log = this.#log(life);
    const random = chance.fork();
    const loop: { engine?: Engine } = {};
    const cache = new WatchCache(history, schedule.nowMs - staleMs, (change) => loop.engine?.changed(change));
    this.#cache = cache;
    for (const kind of watchedKinds) this.#expect(kind, options.watch.lagMs);
    const looking = createViewer({ kube, cache, metrics, clock, checkPeriodMs: settings.checkPeriodMs });
    const viewer = bug?.viewer?.(looking) ?? looking;
    const onEffect = (effect: Effect, view: View) =>
      this.#given.say(`${life.id} did ${effect.do} in ${view.status?.stage}`);
    const reconcile = createReconcile({ viewer, kube, clock, random, log, settings, onEffect });
    const queue = createQueue({
      clock,
      random,
      log,
      concurrency: 4,
      reconcile,
      onDone: ({ error }) => {
        if (error === undefined) return;
        if (error instanceof KubeError) this.#given.say(`${life.id} ${error.reason}: ${error.message}`);
        else this.#given.onDefect(`the engine threw ${error instanceof Error ? error.stack : JSON.stringify(error)}`);
      },
    });
    loop.engine = createEngine({ cache, queue });
    loop.engine.enqueueAll();
  }

  kill(why: string): void {
    if (!this.alive) return;
    this.#given.say(`${this.#given.id} dies: ${why}`);
    this.#epoch++;
    this.#cache = undefined;
    this.#frozen = false;
    this.#late = [];
  }

  /** The process stands still: its timers and its watches come late. */
  freeze(forMs: number): void {
    if (this.#frozen || !this.alive) return;
    this.#frozen = true;
    const epoch = this.#epoch;
    this.#given.network.schedule.at(forMs, `${this.#given.id} goes on`, () => {
      if (this.#epoch === epoch) this.thaw();
    });
  }

  thaw(): void {
    this.#frozen = false;
    for (const fn of this.#late.splice(0)) fn();
  }

  /** The watches of one kind stand still. */
  freezeWatch(index: number, forMs: number): void {
    const kind = watchedKinds[index % watchedKinds.length];
    if (kind !== undefined) this.#cache?.freeze(kind, this.#given.network.schedule.nowMs + forMs);
  }

  /** The watch of one kind breaks and begins anew. */
  relist(index: number, staleMs: number): void {
    const kind = watchedKinds[index % watchedKinds.length];
    if (kind === undefined || this.#cache === undefined) return;
    this.#cache.relist(kind, this.#given.network.schedule.nowMs - staleMs);
    this.#expect(kind, this.#given.options.watch.lagMs);
  }

  #see({ kind }: Stored): void {
    const { options, network } = this.#given;
    this.#expect(kind, network.chance.next() * options.watch.lagMs);
  }

  /** Everything of the kind that is stored now is delivered after a while. */
  #expect(kind: (typeof watchedKinds)[number], delayMs: number): void {
    const { network, id } = this.#given;
    const { schedule, history } = network;
    const epoch = this.#epoch;
    if (this.#cache === undefined) return;
    const upTo = history.of(kind).length;
    const deliver = () => {
      const cache = this.#cache;
      if (this.#epoch !== epoch || cache === undefined) return;
      const restMs = cache.frozenUntilMs(kind) - schedule.nowMs;
      if (restMs > 0) schedule.at(restMs, `${id} watch ${kind.kind}`, deliver);
      else if (this.#frozen) this.#late.push(deliver);
      else cache.deliver(kind, upTo);
    };
    schedule.at(delayMs, `${id} watch ${kind.kind}`, deliver);
  }

  #clock(life: Life): Clock {
    const base = this.#given.network.schedule.clock(`${life.id} timer`);
    return {
      ...base,
      after: (delayMs, fn) =>
        base.after(delayMs, () => {
          if (!life.alive()) return;
          if (this.#frozen) this.#late.push(() => void (life.alive() && fn()));
          else fn();
        }),
    };
  }

  #log(life: Life): Log {
    const say = (level: string) => (fields: object, message: string) => {
      this.#given.say(`${life.id} ${level} ${message} ${JSON.stringify(fields, plainError).slice(0, 300)}`);
    };
    const failed = (fields: object, message: string) => {
      this.#given.onDefect(`logged as an error: ${message} ${JSON.stringify(fields, plainError)}`);
    };
    const log: Log = { debug: () => {}, info: say('info'), warn: say('warn'), error: failed, child: () => log };
    return log;
  }
}

function plainError(_key: string, value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}
