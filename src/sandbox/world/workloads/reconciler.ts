import type { Clock } from '../../../ports/clock.ts';
import type { Log } from '../../../ports/log.ts';
import { ApiError } from '../types.ts';

/** Runs keys one after the other, each `delayMs` after it was added; the earliest of several wishes wins. */
export interface Reconciler {
  /** Run the key after the controller's delay, or after `inMs` when that is given. */
  add(key: string, inMs?: number): void;
  close(): void;
}

const retryMs = 50;

/**
 * @param reconcile looks at the key's objects as they are now and makes at most one change to each;
 * returns in how many ms to look again, if at all
 */
export function createReconciler(options: {
  name: string;
  clock: Clock;
  delayMs: number;
  log?: Log | undefined;
  reconcile: (key: string) => number | undefined;
}): Reconciler {
  const { clock, delayMs, reconcile, log, name } = options;
  const planned = new Map<string, { atMs: number; cancel: () => void }>();
  let closed = false;

  const add = (key: string, inMs = delayMs) => {
    if (closed) return;
    const atMs = clock.monotonic() + inMs;
    const earlier = planned.get(key);
    if (earlier && earlier.atMs <= atMs) return;
    earlier?.cancel();
    planned.set(key, { atMs, cancel: clock.after(inMs, () => run(key)) });
  };
  const run = (key: string) => {
    planned.delete(key);
    try {
      const again = reconcile(key);
      if (again !== undefined) add(key, again);
    } catch (error) {
      const expected = error instanceof ApiError && (error.status.code === 409 || error.status.code === 404);
      if (!expected)
        log?.error({ controller: name, key, err: error }, 'a controller of the sandbox failed and tries again');
      add(key, expected ? retryMs : retryMs * 20);
    }
  };
  return {
    add,
    close() {
      closed = true;
      for (const { cancel } of planned.values()) cancel();
      planned.clear();
    },
  };
}
