import { afterEach, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import { createKube } from '../../src/kube/client.ts';
import { type Elector, startElector } from '../../src/kube/elector.ts';
import { systemClock, systemRandom } from '../../src/system.ts';
import { type SandboxApi, startSandboxApi } from '../tools/sandbox-api.ts';
import { quiet, until, wireTo } from './stand.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const lease = { kind: kinds.lease, namespace: 'default', name: 'linnet' };

interface Candidate {
  elector: Elector;
  /** What it was told, in order. */
  told: string[];
  /** Cuts it from the server, or lets it back. */
  cut: (isCut: boolean) => void;
}

/** Candidates for one Lease of a second, on a real API server, each with its own line to it. */
async function startStand() {
  const api = await startSandboxApi();
  ends.push(() => api.close());
  const leaders: string[] = [];
  let most = 0;
  function candidate(identity: string): Candidate {
    const wire = wireTo(api.url);
    const send = wire.connection.send.bind(wire.connection);
    let isCut = false;
    const connection = {
      ...wire.connection,
      send: (request: Parameters<typeof send>[0]) => (isCut ? new Promise<never>(() => undefined) : send(request)),
    };
    const told: string[] = [];
    const elector = startElector({
      kube: createKube({ ...wire, connection, random: systemRandom }),
      clock: systemClock,
      random: systemRandom,
      log: quiet,
      namespace: 'default',
      leaseName: 'linnet',
      identity,
      leaseMs: 1_000,
      renewMs: 100,
      onElected: () => {
        told.push('elected');
        leaders.push(identity);
        most = Math.max(most, leaders.length);
      },
      onLost: () => {
        told.push('lost');
        leaders.splice(leaders.indexOf(identity), 1);
      },
    });
    ends.push(async () => {
      await elector.stop();
      await wire.connection.close();
    });
    return { elector, told, cut: (it) => (isCut = it) };
  }
  return { api, candidate, leaders, mostAtOnce: () => most };
}

function holder(api: SandboxApi): unknown {
  return (api.store.get(lease)['spec'] as { holderIdentity: string }).holderIdentity;
}

test('of two candidates one is elected, and the other takes over at once when it stops', async () => {
  const { api, candidate, leaders, mostAtOnce } = await startStand();
  const [a, b] = [candidate('a'), candidate('b')];
  await until(
    () => leaders.length === 1,
    () => leaders,
  );
  const [first, second] = a.elector.isLeader() ? [a, b] : [b, a];
  expect(second.elector.isLeader()).toBe(false);
  const startedAt = performance.now();
  await first.elector.stop();
  expect(first.elector.isLeader()).toBe(false);
  await until(
    () => second.elector.isLeader(),
    () => api.store.get(lease),
  );
  expect(performance.now() - startedAt).toBeLessThan(900);
  expect(first.told).toEqual(['elected', 'lost']);
  expect(api.store.get(lease)['spec']).toMatchObject({ leaseDurationSeconds: 1, leaseTransitions: 2 });
  expect(mostAtOnce()).toBe(1);
});

test('a leader that is cut off stops leading before anybody else begins, and comes back as a candidate', async () => {
  const { api, candidate, leaders, mostAtOnce } = await startStand();
  const a = candidate('a');
  await until(
    () => a.elector.isLeader(),
    () => leaders,
  );
  const b = candidate('b');
  a.cut(true);
  await until(
    () => b.elector.isLeader(),
    () => leaders,
  );
  expect(a.elector.isLeader()).toBe(false);
  expect(a.told).toEqual(['elected', 'lost']);
  a.cut(false);
  await b.elector.stop();
  await until(
    () => a.elector.isLeader(),
    () => api.store.get(lease),
  );
  expect(mostAtOnce()).toBe(1);
});

test('a leader that keeps renewing is never replaced, whatever times its record tells', async () => {
  const { api, candidate, leaders } = await startStand();
  const a = candidate('a');
  await until(
    () => a.elector.isLeader(),
    () => leaders,
  );
  const b = candidate('b');
  const begin = performance.now();
  while (performance.now() - begin < 2_500) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(b.elector.isLeader()).toBe(false);
  }
  expect(a.told).toEqual(['elected']);
  expect(holder(api)).toBe('a');
});

test('somebody else who writes himself into the Lease is believed', async () => {
  const { api, candidate, leaders } = await startStand();
  const a = candidate('a');
  await until(
    () => a.elector.isLeader(),
    () => leaders,
  );
  const body = { spec: { holderIdentity: 'stranger', leaseDurationSeconds: 2 } };
  api.store.patch(lease, { type: 'merge', body }, { fieldManager: 'stranger' });
  await until(
    () => a.told.includes('lost'),
    () => a.told,
  );
  await until(
    () => a.elector.isLeader(),
    () => api.store.get(lease),
  );
  expect(holder(api)).toBe('a');
});

test('times are written with six digits, and a Lease that is deleted is made again', async () => {
  const { api, candidate, leaders } = await startStand();
  const a = candidate('a');
  await until(
    () => a.elector.isLeader(),
    () => leaders,
  );
  const spec = api.store.get(lease)['spec'] as { renewTime: string; acquireTime: string };
  expect(spec.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  api.store.delete(lease);
  await until(
    () => api.store.list(kinds.lease).items.length === 1,
    () => a.told,
  );
  expect(a.told).toEqual(['elected']);
});

test('stopping empties the record', async () => {
  const { api, candidate, leaders } = await startStand();
  const a = candidate('a');
  await until(
    () => a.elector.isLeader(),
    () => leaders,
  );
  await a.elector.stop();
  expect(holder(api)).toBe('');
});
