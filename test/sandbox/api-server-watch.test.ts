import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Clock } from '../../src/ports/clock.ts';
import { deploymentNamed, type SandboxApi, startSandboxApi } from '../tools/sandbox-api.ts';

let api: SandboxApi;
let clock: ManualClock;
beforeEach(async () => {
  clock = manualClock();
  api = await startSandboxApi({ clock });
});
afterEach(() => api.close());

const watchPath = '/apis/apps/v1/namespaces/default/deployments?watch=1';

test('a watch tells every change after its version, in order', async () => {
  const watch = await openWatch(`${watchPath}&resourceVersion=${currentVersion()}`);
  create('a');
  api.store.patch(refOf('a'), { type: 'merge', body: { spec: { replicas: 5 } } }, { fieldManager: 'test' });
  api.store.delete(refOf('a'));
  expect((await watch.events(3)).map(({ type, object }) => [type, object.metadata?.name])).toEqual([
    ['ADDED', 'a'],
    ['MODIFIED', 'a'],
    ['DELETED', 'a'],
  ]);
});

test('a watch with a version older than what is kept gets 410 as an event and ends', async () => {
  create('a');
  create('b');
  api.store.compact();
  const watch = await openWatch(`${watchPath}&resourceVersion=2`);
  const [event] = await watch.events(1);
  expect(event).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } });
  await watch.ended;
});

test('bookmarks come with time and carry the version of the whole store', async () => {
  const watch = await openWatch(`${watchPath}&allowWatchBookmarks=true&resourceVersion=${currentVersion()}`);
  api.store.create(api.kind('ConfigMap'), { metadata: { name: 'x' } }, { fieldManager: 'test', namespace: 'default' });
  clock.advance(5_000);
  const [event] = await watch.events(1);
  expect(event).toMatchObject({
    type: 'BOOKMARK',
    object: { kind: 'Deployment', metadata: { resourceVersion: currentVersion() } },
  });
});

test('a watch-list sends what is there, says that this was all, and goes on', async () => {
  create('a');
  const query = '&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=';
  const watch = await openWatch(watchPath + query);
  create('b');
  const events = await watch.events(3);
  expect(events.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK', 'ADDED']);
  expect(events[1]).toMatchObject({ object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } });
});

test('a watch of tables sends the columns once', async () => {
  create('a');
  create('b');
  const watch = await openWatch(watchPath, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
  const [first, second] = await watch.events(2);
  expect(first).toMatchObject({
    type: 'ADDED',
    object: { kind: 'Table', rows: [{ cells: ['a', '0/2', 0, 0, '0s', 'web', 'demo:v1', 'app=a'] }] },
  });
  expect(first?.object).toHaveProperty('columnDefinitions');
  expect(second?.object).not.toHaveProperty('columnDefinitions');
});

test('a watch ends when its time is over', async () => {
  const watch = await openWatch(`${watchPath}&timeoutSeconds=30`);
  clock.advance(30_000);
  await watch.ended;
});

test('a client that goes away leaves neither watch nor timer behind', async () => {
  const before = clock.waiting();
  const watch = await openWatch(`${watchPath}&allowWatchBookmarks=true`);
  expect(clock.waiting()).toBe(before + 2);
  watch.abort();
  for (let tries = 0; clock.waiting() > before && tries < 300; tries += 1) await wait(10);
  expect(clock.waiting()).toBe(before);
  create('a');
});

test('a client that does not read its watch is cut off, and costs nothing any more', async () => {
  const before = clock.waiting();
  const socket = connect(api.port, '127.0.0.1')
    .pause()
    .on('error', () => {});
  socket.write('GET /api/v1/configmaps?watch=1 HTTP/1.1\r\nHost: sandbox\r\n\r\n');
  for (let tries = 0; clock.waiting() === before && tries < 3_000; tries += 1) await wait(10);
  const data = { text: 'x'.repeat(900_000) };
  for (let count = 0; clock.waiting() > before && count < 100; count += 1) {
    const map = { metadata: { name: `map-${count}` }, data };
    api.store.create(api.kind('ConfigMap'), map, { fieldManager: 'test', namespace: 'default' });
    await wait(1);
  }
  expect(clock.waiting()).toBe(before);
  socket.destroy();
});

test('closing the server ends open watches at once', async () => {
  const watch = await openWatch(watchPath);
  const startedAt = performance.now();
  await api.close();
  expect(performance.now() - startedAt).toBeLessThan(1_000);
  await watch.ended;
});

interface SeenEvent {
  type: string;
  object: { metadata?: { name?: string } };
}

/** Opens a watch and collects its events; `ended` resolves when the server or the network ended it. */
async function openWatch(path: string, headers: Record<string, string> = {}) {
  const controller = new AbortController();
  const response = await fetch(api.url + path, { headers, signal: controller.signal });
  expect(response.status).toBe(200);
  const seen: SeenEvent[] = [];
  const ended = (async () => {
    let rest = '';
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        seen.push(...lines.map((line) => JSON.parse(line) as SeenEvent));
      }
    } catch {
      // A broken connection is an end, too.
    }
  })();
  return {
    ended,
    abort: () => controller.abort(),
    async events(count: number): Promise<SeenEvent[]> {
      for (let tries = 0; seen.length < count; tries += 1) {
        if (tries === 3_000) throw new Error(`waited 30 s for ${count} events, saw ${JSON.stringify(seen)}`);
        await wait(10);
      }
      return seen;
    },
  };
}

function create(name: string): void {
  api.store.create(api.kind('Deployment'), deploymentNamed(name), { fieldManager: 'test', namespace: 'default' });
}

function refOf(name: string) {
  return { kind: api.kind('Deployment'), namespace: 'default', name };
}

function currentVersion(): string {
  return api.store.list(api.kind('Deployment')).resourceVersion;
}

interface ManualClock extends Clock {
  advance(ms: number): void;
  /** How many calls are planned. */
  waiting(): number;
}

function manualClock(): ManualClock {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const planned = new Set<{ at: number; fn: () => void }>();
  return {
    now: () => now,
    monotonic: () => now,
    after(delayMs, fn) {
      const call = { at: now + delayMs, fn };
      planned.add(call);
      return () => planned.delete(call);
    },
    advance(ms) {
      now += ms;
      for (const call of [...planned].filter(({ at }) => at <= now)) {
        planned.delete(call);
        call.fn();
      }
    },
    waiting: () => planned.size,
  };
}
