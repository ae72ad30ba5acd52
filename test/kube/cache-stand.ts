import { kinds } from '../../src/api/kinds.ts';
import { type SupervisedCache, startCache } from '../../src/kube/cache.ts';
import type { WatchTimes } from '../../src/kube/reflector.ts';
import type { Change } from '../../src/kube/shelf.ts';
import { systemRandom } from '../../src/system.ts';
import { describe, ScriptedServer } from './scripted-server.ts';
import { quiet, type TestWire, until, wireTo } from './stand.ts';

const ends: (() => Promise<void>)[] = [];
/** Stops what the tests started. */
export async function stopAll(): Promise<void> {
  for (const end of ends.splice(0).reverse()) await end();
}

export interface CacheStand {
  server: ScriptedServer;
  cache: SupervisedCache;
  wire: TestWire;
  changes: Change[];
}

const quick: Partial<WatchTimes> = { firstRetryMs: 2, longestRetryMs: 50, longestRefusedRetryMs: 50 };

/** A cache of the Deployments of one namespace on a scripted server, with short waits. */
export async function startStand(
  options: {
    times?: Partial<WatchTimes>;
    before?: (server: ScriptedServer) => void;
    onChange?: (change: Change) => void;
  } = {},
): Promise<CacheStand> {
  const server = await ScriptedServer.start();
  options.before?.(server);
  const wire = wireTo(server.url);
  const changes: Change[] = [];
  const cache = startCache({
    wire,
    random: systemRandom,
    log: quiet,
    kinds: [{ kind: kinds.deployment }],
    namespaces: ['shop'],
    onChange: (change) => {
      changes.push(change);
      options.onChange?.(change);
    },
    times: { ...quick, ...options.times },
  });
  ends.push(async () => {
    await cache.stop();
    await wire.connection.close();
    await server.stop();
  });
  return { server, cache, wire, changes };
}

/** What the cache holds, as the server describes its own. */
export function state({ cache }: CacheStand): string[] {
  return describe(cache.list(kinds.deployment, 'shop'));
}

export async function untilEqual(stand: CacheStand): Promise<void> {
  const { server, cache } = stand;
  const equal = () => JSON.stringify(state(stand)) === JSON.stringify(server.state());
  await until(equal, () => ({ server: server.state(), cache: state(stand), health: cache.health() }));
}

/** The changes told, played back. */
export function played(changes: Change[]): string[] {
  const objects = new Map<string, Change['object']>();
  for (const { type, object } of changes) {
    if (type === 'put') objects.set(object.metadata.name, object);
    else objects.delete(object.metadata.name);
  }
  return describe([...objects.values()]);
}
