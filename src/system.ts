import { randomUUID } from 'node:crypto';
import type { Clock } from './ports/clock.ts';
import type { Random } from './ports/random.ts';

/** Node's timers take 31 bits: a longer delay would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, fn) {
    let timer: NodeJS.Timeout;
    const arm = (restMs: number): void => {
      const partMs = Math.min(Math.max(restMs, 0), longestTimerMs);
      timer = setTimeout(() => (restMs > partMs ? arm(restMs - partMs) : fn()), partMs);
    };
    arm(delayMs);
    return () => clearTimeout(timer);
  },
};

/** The runtime's own chance. */
export const systemRandom: Random = { next: () => Math.random(), uuid: () => randomUUID() };
