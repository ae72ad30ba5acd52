import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import { type SupervisedCache, startCache } from '../../src/kube/cache.ts';
import type { WatchTimes } from '../../src/kube/reflector.ts';
import type { Change } from '../../src/kube/shelf.ts';
import { systemRandom } from '../../src/system.ts';
import { describe, type Fault, line, ScriptedServer } from './scripted-server.ts';
import { quiet, type TestWire, until, wireTo } from './stand.ts';

const shop = { kind: kinds.deployment, namespace: 'shop' };
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Stand {
  server: ScriptedServer;
  cache: SupervisedCache;
  wire: TestWire;
  changes: Change[];
}

const quick: Partial<WatchTimes> = { firstRetryMs: 2, longestRetryMs: 50, longestRefusedRetryMs: 50 };

async function start(
  options: {
    times?: Partial<WatchTimes>;
    before?: (server: ScriptedServer) => void;
    onChange?: (change: Change) => void;
  } = {},
): Promise<Stand> {
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

function state({ cache }: Stand): string[] {
  return describe(cache.list(kinds.deployment, 'shop'));
}

async function untilEqual(stand: Stand): Promise<void> {
  const { server, cache } = stand;
  const equal = () => JSON.stringify(state(stand)) === JSON.stringify(server.state());
  await until(equal, () => ({ server: server.state(), cache: state(stand), health: cache.health() }));
}

/** The changes told, played back. */
function played(changes: Change[]): string[] {
  const objects = new Map<string, Change['object']>();
  for (const { type, object } of changes) {
    if (type === 'put') objects.set(object.metadata.name, object);
    else objects.delete(object.metadata.name);
  }
  return describe([...objects.values()]);
}

test('the cache holds what the server has, follows it, and tells each change with what was there before', async () => {
  const stand = await start({ before: (it) => void it.put('a', 1) });
  const { server, cache, changes } = stand;
  await cache.synced;
  expect(state(stand)).toEqual(server.state());
  server.put('a', 2);
  server.put('b', 1);
  server.remove('a');
  await untilEqual(stand);
  const told = changes.map(({ type, object, old }) => [
    type,
    object.metadata.name,
    (old?.['spec'] as { replicas?: number })?.replicas,
  ]);
  expect(told).toEqual([
    ['put', 'a', undefined],
    ['put', 'a', 1],
    ['put', 'b', undefined],
    ['removed', 'a', undefined],
  ]);
  expect(cache.get({ ...shop, name: 'b' })).toMatchObject({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    spec: { replicas: 1 },
  });
  expect(cache.get({ ...shop, name: 'b' })?.metadata.managedFields).toBeUndefined();
  expect(cache.problems()).toEqual([]);
});

test('a kind that is not watched is an error, not an empty answer', async () => {
  const { cache } = await start();
  expect(() => cache.list(kinds.service)).toThrow('Service is not watched');
});

test('twelve hundred objects come in pages', async () => {
  const stand = await start({
    before: (it) => {
      for (let i = 0; i < 1_200; i++) it.put(`d${i}`, i);
    },
  });
  await stand.cache.synced;
  expect(state(stand)).toEqual(stand.server.state());
  expect(stand.server.requests.filter((it) => it.sort === 'list')).toHaveLength(3);
});

const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };
const oneObject = line('ADDED', { metadata: { name: 'x', resourceVersion: '999' } });
const watchFaults: [string, Fault][] = [
  ['410 as an HTTP code', { type: 'code', code: 410 }],
  ['410 as an ERROR event', { type: 'text', text: line('ERROR', gone) }],
  ['another ERROR event', { type: 'text', text: line('ERROR', { kind: 'Status', code: 500, message: 'oh' }) }],
  ['HTTP 500', { type: 'code', code: 500 }],
  ['HTTP 429', { type: 'code', code: 429, retryAfter: 1 }],
  ['HTTP 403', { type: 'code', code: 403 }],
  ["HTTP 504 with a proxy's page", { type: 'code', code: 504, body: '<html>no</html>' }],
  ['a reset', { type: 'reset' }],
  ['an end at once', { type: 'text', text: '' }],
  ['a torn line', { type: 'text', text: oneObject.slice(0, 30) }],
  ['a line that is not JSON', { type: 'text', text: '{"type":"ADDED",\n' }],
  ['a line that is no event', { type: 'text', text: '{"type":"HELLO","object":{}}\n' }],
  ['an event without an object', { type: 'text', text: '{"type":"ADDED"}\n' }],
  ['an object without a version', { type: 'text', text: '{"type":"ADDED","object":{"metadata":{"name":"x"}}}\n' }],
  [
    'a version that is no number',
    { type: 'text', text: line('ADDED', { metadata: { name: 'x', resourceVersion: 'new' } }) },
  ],
  ['a hanging stream', { type: 'hang' }],
];

test.each(watchFaults)('after %s the watch is back within 5 s and nothing is lost', async (_, fault) => {
  const stand = await start({ before: (it) => void it.put('a', 1), times: { silenceMs: 1_500, streamMs: 1_000 } });
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

const listFaults: [string, Fault][] = [
  ['an empty answer', { type: 'text', text: '' }],
  [
    'a truncated answer',
    { type: 'text', text: '{"kind":"DeploymentList","metadata":{"resourceVersion":"150"},"items":[{"metadata":' },
  ],
  ['an answer without items', { type: 'text', text: '{"kind":"DeploymentList","metadata":{"resourceVersion":"999"}}' }],
  ['an answer without a version', { type: 'text', text: '{"kind":"DeploymentList","metadata":{},"items":[]}' }],
  [
    'a list that ends too early',
    {
      type: 'text',
      text: '{"kind":"DeploymentList","metadata":{"resourceVersion":"999","remainingItemCount":1},"items":[]}',
    },
  ],
  [
    'an item without a version',
    {
      type: 'text',
      text: '{"kind":"DeploymentList","metadata":{"resourceVersion":"999"},"items":[{"metadata":{"name":"x"}}]}',
    },
  ],
  [
    'a list older than what was seen',
    { type: 'text', text: '{"kind":"DeploymentList","metadata":{"resourceVersion":"5"},"items":[]}' },
  ],
  ['HTTP 500', { type: 'code', code: 500 }],
  ['HTTP 404', { type: 'code', code: 404 }],
  ['a reset', { type: 'reset' }],
];

test.each(listFaults)('%s to a list never removes anything', async (_, fault) => {
  const stand = await start({ before: (it) => void it.put('a', 1) });
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

test('what vanished unseen is removed by the next list, and told', async () => {
  const stand = await start({ before: (it) => void it.put('a', 1) });
  const { server, cache, changes } = stand;
  await cache.synced;
  await until(
    () => server.streams === 1,
    () => server.requests,
  );
  server.faults.watch.push({ type: 'code', code: 500 });
  server.cut();
  await until(
    () => server.streams === 0,
    () => server.streams,
  );
  server.remove('a');
  server.compact();
  await untilEqual(stand);
  expect(changes.at(-1)).toMatchObject({ type: 'removed', object: { metadata: { name: 'a' } } });
});

test('objects are listed anew from time to time, so even a swallowed event is repaired', async () => {
  const stand = await start({ times: { relistMs: 1_000, streamMs: 1_000 } });
  await stand.cache.synced;
  const lists = () => stand.server.requests.filter((it) => it.sort === 'list').length;
  await until(() => lists() >= 3, lists);
  const watches = stand.server.requests.filter((it) => it.sort === 'watch');
  expect(watches.every((it) => it.url.includes('allowWatchBookmarks=true'))).toBe(true);
});

test('a bookmark moves the point from which the watch is taken up again', async () => {
  const stand = await start({ before: (it) => void it.put('a', 1) });
  const { server, cache } = stand;
  await cache.synced;
  await until(
    () => server.streams === 1,
    () => server.requests,
  );
  server.compact();
  server.bookmark();
  server.end();
  await until(
    () => server.requests.filter((it) => it.sort === 'watch').length === 2,
    () => server.requests,
  );
  server.put('b', 1);
  await untilEqual(stand);
  expect(server.requests.filter((it) => it.sort === 'list')).toHaveLength(1);
});

test('a server that lags and sends old events again changes nothing', async () => {
  const stand = await start();
  const { server, cache, changes } = stand;
  await cache.synced;
  await until(
    () => server.streams === 1,
    () => server.requests,
  );
  server.put('a', 1);
  server.put('a', 2);
  server.put('b', 1);
  server.remove('b');
  await untilEqual(stand);
  await until(
    () => changes.length === 4,
    () => changes,
  );
  server.replay();
  server.put('c', 1);
  await untilEqual(stand);
  expect(changes).toHaveLength(5);
});

test('a write of ours is in the cache at once, and its older events do not undo it', async () => {
  const stand = await start({
    before: (it) => {
      it.put('a', 1);
      it.faults.watch.push({ type: 'hang' });
    },
  });
  const { server, cache, changes } = stand;
  await until(
    () => server.streams === 1,
    () => server.requests,
  );
  const first = server.put('a', 2);
  const second = server.put('a', 3);
  cache.noteWrite(second);
  expect(state(stand)).toEqual(server.state());
  cache.noteWrite(first);
  expect(state(stand)).toEqual(server.state());
  server.cut();
  server.put('b', 1);
  await untilEqual(stand);
  expect(played(changes)).toEqual(server.state());
  const versions = changes
    .filter((it) => it.object.metadata.name === 'a')
    .map((it) => Number(it.object.metadata.resourceVersion));
  expect(versions).toEqual(versions.toSorted((a, b) => a - b));
});

test('an object that was deleted and made again under its name is told as gone and new', async () => {
  const stand = await start({ before: (it) => void it.put('a', 1) });
  const { server, cache, changes } = stand;
  await cache.synced;
  await until(
    () => server.streams === 1,
    () => server.requests,
  );
  server.faults.watch.push({ type: 'reset' });
  server.cut();
  server.remove('a');
  server.put('a', 7);
  server.compact();
  await untilEqual(stand);
  expect(changes.map((it) => [it.type, it.object.metadata.uid])).toEqual([
    ['put', 'uid-1'],
    ['removed', 'uid-1'],
    ['put', 'uid-2'],
  ]);
});

test('a handler that throws does not stop the watch', async () => {
  const stand = await start({
    onChange: () => {
      throw new Error('the handler is broken');
    },
  });
  const { server, cache } = stand;
  await cache.synced;
  for (let i = 0; i < 5; i++) server.put(`d${i}`, i);
  await untilEqual(stand);
  expect(stand.changes).toHaveLength(5);
});

test('a kind that the server does not know holds nothing up, and is found when it comes', async () => {
  const missing: Fault = { type: 'code', code: 404, body: '404 page not found' };
  const stand = await start({ before: (it) => void it.faults.list.push(missing, missing, missing) });
  await stand.cache.synced;
  expect(stand.cache.health()[0]).toMatchObject({ state: 'absent' });
  expect(stand.cache.problems()).toEqual([]);
  stand.server.put('a', 1);
  await untilEqual(stand);
  expect(stand.cache.health()[0]).toMatchObject({ state: 'live' });
});

test('a server that refuses every list leaves the cache unsynced, and it says why', async () => {
  const refused: Fault = {
    type: 'code',
    code: 403,
    body: JSON.stringify({ kind: 'Status', message: 'deployments is forbidden' }),
  };
  const stand = await start({ before: (it) => void it.faults.list.push(...Array<Fault>(100).fill(refused)) });
  const said = () => stand.cache.problems()[0] ?? '';
  await until(() => said().includes('forbidden'), said);
  expect(said()).toBe(
    'Deployment in shop: not listed yet (list Deployment in shop: HTTP 403: deployments is forbidden)',
  );
});

test('Retry-After is waited for', async () => {
  const stand = await start({ before: (it) => void it.faults.list.push({ type: 'code', code: 429, retryAfter: 1 }) });
  const startedAt = performance.now();
  await stand.cache.synced;
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_000);
});

test('a stopped cache asks for nothing more and leaves no stream', async () => {
  const { server, cache } = await start();
  await cache.synced;
  await until(
    () => server.streams === 1,
    () => server.requests,
  );
  await cache.stop();
  await until(
    () => server.streams === 0,
    () => server.streams,
  );
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
  const stand = await start({ times: { silenceMs: 1_500, streamMs: 1_000 } });
  const { server, cache, changes } = stand;
  await cache.synced;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
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
    { numRuns: 150 },
  );
});
