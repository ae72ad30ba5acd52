import type { Clock } from '../ports/clock.ts';
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
  const { clock, random, concurrency, log } = options;
  const planned = new Timetable();
  const running = new Map<string, Run>();
  const failures = new Map<string, Failures>();
  const drained = Promise.withResolvers<void>();
  let stopped = false;
  let pumpAsked = false;
  let cancelTimer: (() => void) | undefined;

  /** Runs are never started from within the caller of `add`. */
  function askPump(): void {
    if (pumpAsked || stopped) return;
    pumpAsked = true;
    queueMicrotask(pump);
  }

  function plan(key: string, dueAt: number): void {
    const present = planned.dueAt(key);
    if (stopped || (present !== undefined && present <= dueAt)) return;
    planned.set(key, dueAt);
    askPump();
  }

  function pump(): void {
    pumpAsked = false;
    cancelTimer?.();
    cancelTimer = undefined;
    const monotonic = clock.monotonic();
    while (!stopped) {
      const first = planned.first();
      if (first === undefined) return;
      if (first.dueAt > monotonic) {
        cancelTimer = clock.after(Math.max(1, first.dueAt - monotonic), askPump);
        return;
      }
      const run = running.get(first.key);
      if (run === undefined && running.size >= concurrency) return;
      planned.delete(first.key);
      if (run !== undefined) run.again = true;
      else void start(first.key);
    }
  }

  async function start(key: string): Promise<void> {
    const run: Run = { again: false, forgotten: false };
    running.set(key, run);
    const startedAt = clock.monotonic();
    let outcome: { wakeAt?: number | undefined } | { error: unknown };
    try {
      outcome = await options.reconcile(key);
    } catch (error) {
      outcome = { error };
    }
    running.delete(key);
    settle(key, run, outcome);
    tell(key, clock.monotonic() - startedAt, outcome);
    if (stopped && running.size === 0) drained.resolve();
  }

  function settle(key: string, run: Run, outcome: { wakeAt?: number | undefined } | { error: unknown }): void {
    if (run.again) add(key);
    if (run.forgotten) {
      failures.delete(key);
    } else if ('error' in outcome) {
      const before = failures.get(key);
      const after = countFailure(before, outcome.error);
      failures.set(key, after);
      plan(key, clock.monotonic() + delayAfter(before, after, outcome.error, random));
    } else {
      failures.delete(key);
      if (outcome.wakeAt !== undefined) addAt(key, outcome.wakeAt);
    }
    // Whether or not this key is planned again, a worker is free now.
    askPump();
  }

  function tell(key: string, ms: number, outcome: object): void {
    try {
      options.onDone?.({ key, seconds: ms / 1000, ...('error' in outcome ? { error: outcome.error } : {}) });
    } catch (error) {
      log.error({ key, err: error }, 'the queue could not report a run');
    }
  }

  function add(key: string): void {
    plan(key, clock.monotonic());
  }

  function addAt(key: string, atMs: number): void {
    plan(key, clock.monotonic() + Math.max(0, atMs - clock.now()));
  }

  function forget(key: string): void {
    planned.delete(key);
    failures.delete(key);
    const run = running.get(key);
    if (run === undefined) return;
    run.again = false;
    run.forgotten = true;
  }

  async function stop(): Promise<void> {
    stopped = true;
    cancelTimer?.();
    planned.clear();
    if (running.size > 0) await drained.promise;
  }

  return { add, addAt, forget, stop };
}
