import { afterEach, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import { played, startStand, state, stopAll, untilEqual } from './cache-stand.ts';
import type { Fault } from './scripted-server.ts';
import { until } from './stand.ts';

const shop = { kind: kinds.deployment, namespace: 'shop' };

afterEach(stopAll);

test('the cache holds what the server has, follows it, and tells each change with what was there before', async () => {
  const stand = await startStand({ before: (it) => void it.put('a', 1) });
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
  const { cache } = await startStand();
  expect(() => cache.list(kinds.service)).toThrow('Service is not watched');
});

test('twelve hundred objects come in pages', async () => {
  const stand = await startStand({
    before: (it) => {
      for (let i = 0; i < 1_200; i++) it.put(`d${i}`, i);
    },
  });
  await stand.cache.synced;
  expect(state(stand)).toEqual(stand.server.state());
  expect(stand.server.requests.filter((it) => it.sort === 'list')).toHaveLength(3);
});

test('what vanished unseen is removed by the next list, and told', async () => {
  const stand = await startStand({ before: (it) => void it.put('a', 1) });
  const { server, cache, changes } = stand;
  await cache.synced;
  await until(
    () => server.streams === 1,
    () => server.requests,
  );
  server.cut();
  server.remove('a');
  server.compact();
  await untilEqual(stand);
  expect(changes.at(-1)).toMatchObject({ type: 'removed', object: { metadata: { name: 'a' } } });
});

test('objects are listed anew from time to time, so even a swallowed event is repaired', async () => {
  const stand = await startStand({ times: { relistMs: 1_000, streamMs: 1_000 } });
  await stand.cache.synced;
  const lists = () => stand.server.requests.filter((it) => it.sort === 'list').length;
  await until(() => lists() >= 3, lists);
  const watches = stand.server.requests.filter((it) => it.sort === 'watch');
  expect(watches.every((it) => it.url.includes('allowWatchBookmarks=true'))).toBe(true);
});

test('a bookmark moves the point from which the watch is taken up again', async () => {
  const stand = await startStand({ before: (it) => void it.put('a', 1) });
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
  const stand = await startStand();
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
  const stand = await startStand({
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
  const stand = await startStand({ before: (it) => void it.put('a', 1) });
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
  const stand = await startStand({
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
  const stand = await startStand({ before: (it) => void it.faults.list.push(missing, missing, missing) });
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
  const stand = await startStand({ before: (it) => void it.faults.list.push(...Array<Fault>(100).fill(refused)) });
  const said = () => stand.cache.problems()[0] ?? '';
  await until(() => said().includes('forbidden'), said);
  expect(said()).toBe(
    'Deployment in shop: not listed yet (list Deployment in shop: HTTP 403: deployments is forbidden)',
  );
});

test('Retry-After is waited for', async () => {
  const stand = await startStand({
    before: (it) => void it.faults.list.push({ type: 'code', code: 429, retryAfter: 1 }),
  });
  const startedAt = performance.now();
  await stand.cache.synced;
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_000);
});

test('a stopped cache asks for nothing more and leaves no stream', async () => {
  const { server, cache } = await startStand();
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
