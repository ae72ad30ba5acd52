const stopSignals = ['SIGTERM', 'SIGINT'] as const;

/** Resolves with the first SIGTERM or SIGINT from now on. The second one ends the process at once, with code 1. */
export function untilToldToStop(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let told = false;
    for (const signal of stopSignals) {
      process.on(signal, () => {
        if (told) process.exit(1);
        told = true;
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
