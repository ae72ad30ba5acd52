import { expect, test } from 'vitest';
import type { Canary } from '../../src/api/canary.ts';
import { kinds } from '../../src/api/kinds.ts';
import type { KubeObject, Route } from '../../src/api/objects.ts';
import type { Fault } from '../../src/sandbox/http/api-server/faults.ts';
import { systemClock } from '../../src/system.ts';
import { type EngineProcess, startProcess } from './b-process.ts';
import { openShop, record } from './b-shop.ts';
import { type Stand, openStand, until } from './stand.ts';

const frozenMs = 20_000;

interface Lease extends KubeObject {
  spec?: { holderIdentity?: string };
}

/** The processes that have said that they were elected. */
function elected(engines: EngineProcess[]): EngineProcess[] {
  return engines.filter(({ lines }) => lines.some((line) => line.includes('"elected"')));
}

test('a leader that sleeps for 20 seconds with a write under way disturbs nobody when it wakes', async () => {
  let asleep: EngineProcess | undefined;
  const engines: EngineProcess[] = [];
  /** Stops the leader when its write of 50 percent is on its way, and lets that write arrive when it wakes. */
  const sleepAt50 = (request: { verb: string; resource?: { plural: string } }): Fault | undefined => {
    const status = stand.get<Canary>(kinds.canary, 'shop')?.status;
    if (request.verb !== 'patch' || request.resource?.plural !== 'httproutes') return undefined;
    if (status?.intent?.weight !== 50 || asleep !== undefined) return undefined;
    [asleep] = elected(engines);
    asleep?.signal('SIGSTOP');
    return { delayMs: frozenMs };
  };
  const stand: Stand = await openStand({ api: { intercept: sleepAt50 } });
  const shop = await openShop(stand, 'shop', { mode: 'targetRef' });
  const route = record<Route>(stand, kinds.httpRoute, 'shop');
  const leases: string[] = [];
  const endLeases = stand.sandbox.store.watch(kinds.lease, { namespace: 'default' }, ({ object }) => {
    const holder = (object as Lease).spec?.holderIdentity ?? '';
    if (holder !== leases.at(-1)) leases.push(holder);
  });
  try {
    engines.push(startProcess(stand), startProcess(stand));
    await until(
      'one leader',
      () => elected(engines).length === 1,
      () => engines.map(({ lines }) => lines),
    );
    await shop.release();
    await shop.reaches('the sleep', () => asleep !== undefined, 60_000);
    const sleptAt = systemClock.monotonic();
    await shop.reaches('the other to go on', ({ canaryWeight }) => canaryWeight === 50);
    expect(systemClock.monotonic() - sleptAt).toBeLessThan(15_000);
    expect(elected(engines)).toHaveLength(2);
    await until(
      'the time of waking',
      () => systemClock.monotonic() - sleptAt >= frozenMs,
      () => '',
    );
    asleep?.signal('SIGCONT');
    await shop.reaches('promotion', ({ history }) => history?.[0]?.outcome === 'Promoted', 90_000);
    const weights = shop.stored.flatMap(({ object }) => object.status?.canaryWeight ?? []);
    expect(weights.filter((weight, at) => weight !== weights[at - 1])).toEqual([0, 20, 50, 100, 50, 0]);
    const fences = route.entries.map(({ object }) => JSON.stringify(object.metadata.annotations ?? ''));
    const changed = fences.filter((fence, at) => fence !== fences[at - 1] && fence.includes('fence.'));
    expect(new Set(changed).size).toBe(changed.length);
    expect(new Set(leases.filter(Boolean)).size).toBe(2);
    expect(shop.status()).toMatchObject({ attempt: 1, phase: 'Succeeded' });
    expect(shop.users?.failed()).toEqual([]);
    expect(asleep?.lines.some((line) => line.includes('"fatal"'))).toBe(false);
  } finally {
    endLeases();
    route.end();
    await shop.stop();
    for (const engine of engines) {
      engine.signal('SIGCONT');
      engine.signal('SIGKILL');
    }
    await Promise.all(engines.map(({ ended }) => ended));
    await stand.close();
  }
}, 170_000);
