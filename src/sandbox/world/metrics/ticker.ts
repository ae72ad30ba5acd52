import type { Clock } from '../../../ports/clock.ts';

/** Calls something at even distances, as long as there is something to do. */
export interface Ticker {
  /** Goes on after it fell asleep; the first call is one interval away. */
  wake(): void;
  stop(): void;
}

/**
 * Moments that were missed (the process was busy) are left out, not made up for.
 * @param onTick returns whether to go on; if not, no timer is left until {@link Ticker.wake}
 */
export function createTicker(clock: Clock, intervalMs: number, onTick: () => boolean): Ticker {
  let cancel: (() => void) | undefined;
  let stopped = false;
  const plan = (dueMs: number): void => {
    cancel = clock.after(Math.max(0, dueMs - clock.monotonic()), () => {
      cancel = undefined;
      const again = onTick();
      if (!again || stopped || cancel !== undefined) return;
      const missed = Math.max(0, Math.floor((clock.monotonic() - dueMs) / intervalMs));
      plan(dueMs + (missed + 1) * intervalMs);
    });
  };
  return {
    wake() {
      if (cancel === undefined && !stopped) plan(clock.monotonic() + intervalMs);
    },
    stop() {
      stopped = true;
      cancel?.();
    },
  };
}
