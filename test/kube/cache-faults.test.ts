import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import { played, startStand, stopAll, untilEqual } from './cache-stand.ts';
import { listFaults, watchFaults } from './faults.ts';
import { until } from './stand.ts';

afterEach(stopAll);

test.each(watchFaults)('after %s the watch is back within 5 s and nothing is lost', async (_, fault) => {
  const stand = await startStand({ before: (it) => void it.put('a', 1), times: { silenceMs: 1_500, streamMs: 1_000 } });
  const { server, cache } = stand;
  await cache.synced;
  await until(
    () => server.streams === 1,
    () => server.requests,
  );
  server.faults.watch.push(fault);
  server.cut();
  server.put('a', 2);
  server.put('b', 1);
  const startedAt = performance.now();
  await untilEqual(stand);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  server.remove('b');
  await untilEqual(stand);
});

test.each(listFaults)('%s to a list never removes anything', async (_, fault) => {
  const stand = await startStand({ before: (it) => void it.put('a', 1) });
  const { server, cache, changes } = stand;
  await cache.synced;
  await until(
    () => server.streams === 1,
    () => server.requests,
  );
  server.faults.list.push(fault, fault, fault);
  server.compact();
  server.put('b', 1);
  server.cut();
  await untilEqual(stand);
  expect(server.faults.list).toEqual([]);
  expect(changes.filter((it) => it.type === 'removed')).toEqual([]);
});

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      name: fc.constantFrom('a', 'b', 'c'),
      replicas: fc.nat(9),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), name: fc.constantFrom('a', 'b', 'c') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('cut' as const, 'compact' as const, 'replay' as const, 'bookmark' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('end' as const, 'tear' as const, 'garble' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('note' as const), name: fc.constantFrom('a', 'b', 'c') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const), ms: fc.nat(8) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('watchFault' as const),
      fault: fc.constantFrom(...watchFaults.slice(0, 15).map(([, it]) => it)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('listFault' as const),
      fault: fc.constantFrom(...listFaults.map(([, it]) => it)),
    }),
  },
);

test('whatever events, faults and lists come, the cache ends equal to the server, and never told of anything older', async () => {
  const stand = await startStand({ times: { silenceMs: 1_500, streamMs: 1_000 } });
  const { server, cache, changes } = stand;
  await cache.synced;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30, size: 'max' }), async (steps) => {
      const from = changes.length;
      const ofBefore = new Map(
        cache.list(kinds.deployment).map((it) => [it.metadata.name, Number(it.metadata.resourceVersion)]),
      );
      for (const it of steps) {
        if (it.do === 'put') server.put(it.name, it.replicas);
        else if (it.do === 'remove') server.remove(it.name);
        else if (it.do === 'note') cache.noteWrite(server.put(it.name, 5));
        else if (it.do === 'tear') server.end('{"type":"ADDED","obj');
        else if (it.do === 'garble') server.say('not json\n');
        else if (it.do === 'watchFault')
          server.faults.watch.push(it.fault.type === 'code' ? { ...it.fault, retryAfter: 0 } : it.fault);
        else if (it.do === 'listFault') server.faults.list.push(it.fault);
        else if (it.do === 'pause') await new Promise((resolve) => setTimeout(resolve, it.ms));
        else server[it.do]();
      }
      await untilEqual(stand);
      expect(played(changes)).toEqual(server.state());
      for (const { object, type } of changes.slice(from)) {
        const version = Number(object.metadata.resourceVersion);
        const before = ofBefore.get(object.metadata.name) ?? 0;
        if (type === 'put') expect(version).toBeGreaterThan(before);
        ofBefore.set(object.metadata.name, Math.max(version, before));
      }
    }),
    { numRuns: 60 },
  );
});
