import type { Clock } from '../../src/ports/clock.ts';

/** A clock that stands still until it is told to go on. */
export interface VirtualClock extends Clock {
  now: () => number;
  /** Lets time pass, and everything that is due in it happen in its order. */
  advance: (ms: number) => Promise<void>;
  /** Moves the wall clock alone. */
  jumpWall(ms: number): void;
  /** How many timers are set. */
  timers(): number;
}

export function createVirtualClock(): VirtualClock {
  let monotonic = 0;
  let wallOffset = 1_700_000_000_000;
  const timers = new Set<{ at: number; fn: () => void }>();
  /** Lets promises that are ready go on. */
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    now: () => wallOffset + monotonic,
    monotonic: () => monotonic,
    after(delayMs, fn) {
      const timer = { at: monotonic + delayMs, fn };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(ms) {
      const end = monotonic + ms;
      await settle();
      for (;;) {
        const next = [...timers].filter((it) => it.at <= end).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        timers.delete(next);
        monotonic = Math.max(monotonic, next.at);
        next.fn();
        await settle();
      }
      monotonic = end;
      await settle();
    },
    jumpWall(ms) {
      wallOffset += ms;
    },
    timers: () => timers.size,
  };
}
