import type { Clock } from '../../src/ports/clock.ts';

/** A clock that stands still until told to go on. */
export interface ManualClock extends Clock {
  /** Runs all that is due within `ms`, in order, and lets promises settle after each. */
  advance(ms: number): Promise<void>;
  /** How many timers wait. */
  pending(): number;
}

/** @param startMs epoch ms */
export function manualClock(startMs: number): ManualClock {
  let nowMs = startMs;
  const timers = new Set<{ dueMs: number; fn: () => void }>();
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    now: () => nowMs,
    monotonic: () => nowMs - startMs,
    after(delayMs, fn) {
      const timer = { dueMs: nowMs + delayMs, fn };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(ms) {
      const endMs = nowMs + ms;
      for (;;) {
        const [next] = [...timers].filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs);
        if (next === undefined) break;
        timers.delete(next);
        nowMs = next.dueMs;
        next.fn();
        await settle();
      }
      nowMs = endMs;
      await settle();
    },
    pending: () => timers.size,
  };
}
