import { KubeConfig } from '@kubernetes/client-node';
import { createConnection } from '../../src/kube/connection.ts';
import type { RequestSeen, Wire } from '../../src/kube/exchange.ts';
import type { Log } from '../../src/ports/log.ts';
import { systemClock } from '../../src/system.ts';

export const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };

/** A way to a server on loopback that counts its requests. */
export interface TestWire extends Wire {
  seen: RequestSeen[];
}

export function wireTo(server: string): TestWire {
  const seen: RequestSeen[] = [];
  const load = () => {
    const config = new KubeConfig();
    config.loadFromClusterAndUser({ name: 'test', server, skipTLSVerify: true }, { name: 'test' });
    return config;
  };
  return {
    connection: createConnection(load, systemClock),
    clock: systemClock,
    onRequest: (it) => seen.push(it),
    seen,
  };
}

/** Waits until `done` says so, for at most half a minute. */
export async function until(done: () => boolean, state: () => unknown): Promise<void> {
  const end = systemClock.monotonic() + 30_000;
  while (!done()) {
    if (systemClock.monotonic() > end) throw new Error(`waited for 30 s in vain; now: ${JSON.stringify(state())}`);
    await new Promise<void>((resolve) => systemClock.after(5, resolve));
  }
}
