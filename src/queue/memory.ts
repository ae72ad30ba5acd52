import type { Clock } from '../ports/clock.ts';
import { KubeError } from '../ports/kube.ts';
import type { Log } from '../ports/log.ts';
import type { Queue, Reconcile } from '../ports/queue.ts';
import type { Random } from '../ports/random.ts';
import { countFailure, delayAfter, type Failures } from './backoff.ts';
import { Timetable } from './timetable.ts';

export interface QueueOptions {
  clock: Clock;
  random: Random;
  reconcile: Reconcile;
  /** How many keys may run at the same time. */
  concurrency: number;
  log: Log;
  /** Told after each run; `error` is there when it threw. */
  onDone?: (run: { key: string; seconds: number; error?: unknown }) => void;
}

/** What became of a key while it ran. */
interface Run {
  again: boolean;
  forgotten: boolean;
}

/**
 * The {@link Queue} in memory. Waits are measured on the monotonic clock, so a wall clock that jumps neither skips nor
 * prolongs them. A run answers for everything that was planned for its key before it began: only what it asks for, and what
 * is added meanwhile, comes after it. There is no timer while nothing is planned.
 */
export function createQueue(options: QueueOptions): Queue {
  return new MemoryQueue(options);
}

type Outcome = { wakeAt?: number | undefined } | { error: unknown };

class MemoryQueue implements Queue {
  readonly #options: QueueOptions;
  readonly #planned = new Timetable();
  readonly #running = new Map<string, Run>();
  readonly #failures = new Map<string, Failures>();
  readonly #drained = Promise.withResolvers<void>();
  #stopped = false;
  #pumpAsked = false;
  #cancelTimer: (() => void) | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  add(key: string): void {
    this.#plan(key, this.#options.clock.monotonic());
  }

  addAt(key: string, atMs: number): void {
    const { clock } = this.#options;
    this.#plan(key, clock.monotonic() + Math.max(0, atMs - clock.now()));
  }

  forget(key: string): void {
    this.#planned.delete(key);
    this.#failures.delete(key);
    const run = this.#running.get(key);
    if (run === undefined) return;
    run.again = false;
    run.forgotten = true;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#planned.clear();
    if (this.#running.size > 0) await this.#drained.promise;
  }

  #plan(key: string, dueAt: number): void {
    const present = this.#planned.dueAt(key);
    if (this.#stopped || (present !== undefined && present <= dueAt)) return;
    this.#planned.set(key, dueAt);
    this.#askPump();
  }

  /** Runs are never started from within the caller of `add`. */
  #askPump(): void {
    if (this.#pumpAsked || this.#stopped) return;
    this.#pumpAsked = true;
    queueMicrotask(() => this.#pump());
  }

  #pump(): void {
    const { clock, concurrency } = this.#options;
    this.#pumpAsked = false;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const monotonic = clock.monotonic();
    while (!this.#stopped) {
      const first = this.#planned.first();
      if (first === undefined) return;
      if (first.dueAt > monotonic) {
        this.#cancelTimer = clock.after(Math.max(1, first.dueAt - monotonic), () => this.#askPump());
        return;
      }
      const run = this.#running.get(first.key);
      if (run === undefined && this.#running.size >= concurrency) return;
      this.#planned.delete(first.key);
      if (run !== undefined) run.again = true;
      else void this.#start(first.key);
    }
  }

  async #start(key: string): Promise<void> {
    const { clock, reconcile } = this.#options;
    const run: Run = { again: false, forgotten: false };
    this.#running.set(key, run);
    const startedAt = clock.monotonic();
    let outcome: Outcome;
    try {
      outcome = await reconcile(key);
    } catch (error) {
      outcome = { error };
    }
    this.#running.delete(key);
    this.#settle(key, run, outcome);
    this.#tell(key, clock.monotonic() - startedAt, outcome);
    if (this.#stopped && this.#running.size === 0) this.#drained.resolve();
  }

  #settle(key: string, run: Run, outcome: Outcome): void {
    const { clock, random } = this.#options;
    if (run.again) this.add(key);
    if (run.forgotten) {
      this.#failures.delete(key);
    } else if ('error' in outcome) {
      const before = this.#failures.get(key);
      const after = countFailure(before, outcome.error);
      this.#failures.set(key, after);
      this.#plan(key, clock.monotonic() + delayAfter(before, after, outcome.error, random));
    } else {
      this.#failures.delete(key);
      if (outcome.wakeAt !== undefined) this.addAt(key, outcome.wakeAt);
    }
    // Whether or not this key is planned again, a worker is free now.
    this.#askPump();
  }

  #tell(key: string, ms: number, outcome: Outcome): void {
    if ('error' in outcome) this.#logFailure(key, outcome.error);
    try {
      this.#options.onDone?.({ key, seconds: ms / 1000, ...('error' in outcome ? { error: outcome.error } : {}) });
    } catch (error) {
      this.#options.log.error({ key, err: error }, 'the queue could not report a run');
    }
  }

  /** Conflicts are how several writers get on with each other; what the API answers otherwise is news, anything else a bug. */
  #logFailure(key: string, error: unknown): void {
    const { log } = this.#options;
    if (!(error instanceof KubeError)) return log.error({ key, err: error }, 'a run failed');
    const { reason, message } = error;
    if (reason === 'conflict') log.debug({ key, reason }, message);
    else log.warn({ key, reason }, message);
  }
}
