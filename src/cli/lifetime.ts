import { systemClock } from '../system.ts';

const stopSignals = ['SIGTERM', 'SIGINT'] as const;

/** A terminal sends Ctrl-C to npm and to us, and npm passes it on: signals so close together are one wish. */
const sameWishMs = 500;

/** Resolves with the first SIGTERM or SIGINT from now on. A second one ends the process at once, with code 1. */
export function untilToldToStop(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let toldMs: number | undefined;
    for (const signal of stopSignals) {
      process.on(signal, () => {
        const nowMs = systemClock.monotonic();
        if (toldMs !== undefined && nowMs - toldMs > sameWishMs) process.exit(1);
        toldMs ??= nowMs;
        resolve(signal);
      });
    }
  });
}

/** After a mistake that nobody caught, nothing can be relied on: it is told, and the process ends with code 1. */
export function endOnSurprise(tell: (error: unknown) => void): void {
  const end = (error: unknown) => {
    tell(error);
    process.exit(1);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}
