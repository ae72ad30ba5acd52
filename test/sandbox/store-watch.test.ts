import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/api/objects.ts';
import { ApiError } from '../../src/sandbox/world/types.ts';
import { aStore, at, by, configMap, refusal, watched } from './store-fixtures.ts';

const named = (name: string, labels: Record<string, string> = {}) => ({
  metadata: { name, namespace: 'default', labels },
});

test('a watch without a version first gives what is there, then each change at once', () => {
  const store = aStore();
  store.create(configMap, named('a'), by('k'));
  const watch = watched(store, configMap);
  expect(watch.names()).toEqual(['ADDED a']);
  store.create(configMap, named('b'), by('k'));
  store.patch(at(configMap, 'a'), { type: 'merge', body: { data: { x: '1' } } }, by('k'));
  store.delete(at(configMap, 'b'));
  expect(watch.names()).toEqual(['ADDED a', 'ADDED b', 'MODIFIED a', 'DELETED b']);
  watch.stop();
  store.delete(at(configMap, 'a'));
  expect(watch.events).toHaveLength(4);
});

test('a watch resumes from a version, gets 410 after compaction and 504 for the future', () => {
  const store = aStore();
  const first = store.create(configMap, named('a'), by('k')).metadata.resourceVersion ?? '';
  store.create(configMap, named('b'), by('k'));
  expect(watched(store, configMap, { resourceVersion: first }).names()).toEqual(['ADDED b']);
  store.compact();
  const status = refusal(() => watched(store, configMap, { resourceVersion: first }));
  expect(status).toMatchObject({ code: 410, reason: 'Expired' });
  expect(status.message).toMatch(/^too old resource version: /);
  const now = store.list(configMap).resourceVersion;
  expect(watched(store, configMap, { resourceVersion: now }).names()).toEqual([]);
  expect(refusal(() => watched(store, configMap, { resourceVersion: '999999' })).code).toBe(504);
});

test('an object that stops to match a selector is deleted for the watch, as it was before, at the new version', () => {
  const store = aStore();
  store.create(configMap, named('a', { tier: 'web' }), by('k'));
  const watch = watched(store, configMap, { labelSelector: 'tier=web' });
  const { object } = store.patch(
    at(configMap, 'a'),
    { type: 'merge', body: { metadata: { labels: { tier: 'db' } } } },
    by('k'),
  );
  expect(watch.names()).toEqual(['ADDED a', 'DELETED a']);
  const last = watch.events[1]?.object as KubeObject;
  expect(last.metadata.labels).toEqual({ tier: 'web' });
  expect(last.metadata.resourceVersion).toBe(object.metadata.resourceVersion);
});

test('bookmarks go to those who asked for them and carry the newest version', () => {
  const store = aStore();
  const asked = watched(store, configMap, { bookmarks: true });
  const other = watched(store, configMap);
  store.bookmark();
  expect(other.events).toEqual([]);
  expect(asked.events).toEqual([
    {
      type: 'BOOKMARK',
      object: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { resourceVersion: store.list(configMap).resourceVersion },
      },
    },
  ]);
});

test('a watcher that throws or changes what it gets harms neither the store nor others', () => {
  const store = aStore();
  store.watch(configMap, {}, (event) => {
    (event.object as KubeObject).metadata.name = 'spoiled';
    throw new Error('broken watcher');
  });
  const watch = watched(store, configMap);
  store.create(configMap, named('a'), by('k'));
  expect(watch.names()).toEqual(['ADDED a']);
  expect(store.get(at(configMap, 'a')).metadata.name).toBe('a');
  expect(store.errors).toHaveLength(1);
});

test('all watchers see changes in order even when one of them writes', () => {
  const store = aStore();
  store.watch(configMap, {}, (event) => {
    if (event.type === 'ADDED') store.delete(at(configMap, 'a'));
  });
  const watch = watched(store, configMap);
  store.create(configMap, named('a'), by('k'));
  expect(watch.names()).toEqual(['ADDED a', 'DELETED a']);
});

test('a watch that is opened while a change is delivered sees that change once', () => {
  const store = aStore();
  const seen: string[] = [];
  store.watch(configMap, {}, () => {
    if (seen.length === 0) store.watch(configMap, {}, (event) => seen.push(event.type));
  });
  store.create(configMap, named('a'), by('k'));
  expect(seen).toEqual(['ADDED']);
});

test('replaying the events of a watch from any version gives the list', () => {
  const write = fc.record({
    verb: fc.constantFrom('create', 'patch', 'delete'),
    name: fc.constantFrom('a', 'b', 'c'),
    tier: fc.constantFrom('web', 'db'),
  });
  fc.assert(
    fc.property(fc.array(write, { maxLength: 30 }), fc.nat(30), (writes, start) => {
      const store = aStore();
      const selection = { labelSelector: 'tier=web' };
      const known = new Map<string, unknown>();
      writes.forEach(({ verb, name, tier }, index) => {
        if (index === start) begin();
        try {
          if (verb === 'create') store.create(configMap, named(name, { tier }), by('k'));
          else if (verb === 'delete') store.delete(at(configMap, name));
          else store.patch(at(configMap, name), { type: 'merge', body: { metadata: { labels: { tier } } } }, by('k'));
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
        }
      });
      if (start >= writes.length) begin();
      const list = store.list(configMap, selection).items;
      expect(Object.fromEntries(known)).toEqual(Object.fromEntries(list.map((item) => [item.metadata.name, item])));

      function begin() {
        const { items, resourceVersion } = store.list(configMap, selection);
        for (const item of items) known.set(item.metadata.name, item);
        store.watch(configMap, { ...selection, resourceVersion }, ({ type, object }) => {
          const { name } = (object as KubeObject).metadata;
          if (type === 'DELETED') known.delete(name);
          else known.set(name, object);
        });
      }
    }),
  );
});
