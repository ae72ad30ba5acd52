import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import { isNewer } from '../../src/kube/resource-version.ts';
import { type Change, Shelf } from '../../src/kube/shelf.ts';

const names = ['a', 'b', 'c'];

function deployment(name: string, version: number, uid: string): KubeObject {
  const metadata = { name, namespace: 'shop', uid, resourceVersion: String(version) };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata };
}

interface Event {
  gone: boolean;
  object: KubeObject;
}

/** A server's history: what was written, and what it held at each version. */
class History {
  readonly events: Event[] = [];
  readonly present = new Map<string, KubeObject>();
  version = 7;
  #uids = 0;

  put(name: string): void {
    const uid = this.present.get(name)?.metadata.uid ?? `uid-${++this.#uids}`;
    const object = deployment(name, ++this.version, uid);
    this.present.set(name, object);
    this.events.push({ gone: false, object });
  }

  remove(name: string): void {
    const old = this.present.get(name);
    if (old === undefined) return;
    this.present.delete(name);
    const object = deployment(name, ++this.version, old.metadata.uid ?? '');
    this.events.push({ gone: true, object });
  }
}

const name = fc.constantFrom(...names);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('put' as const), name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), name }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('deliver' as const), which: fc.nat(40) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('beginList' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('endList' as const) }) },
);

test('whatever the order of the news, the shelf holds for each object exactly the newest of it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const history = new History();
      const changes: Change[] = [];
      const shelf = new Shelf(
        kinds.deployment,
        (it) => it,
        (it) => changes.push(it),
      );
      let open: { items: KubeObject[]; resourceVersion: string } | undefined;
      /** The newest that the shelf was told of each name: at which version, and the object, if there was one. */
      const known = new Map<string, { version: number; object: KubeObject | undefined }>();
      const learn = (of: string, version: number, object: KubeObject | undefined) => {
        if (version > (known.get(of)?.version ?? 0)) known.set(of, { version, object });
      };
      for (const it of steps) {
        if (it.do === 'put') history.put(it.name);
        if (it.do === 'remove') history.remove(it.name);
        if (it.do === 'beginList')
          open = { items: [...history.present.values()], resourceVersion: String(history.version) };
        if (it.do === 'deliver') {
          const event = history.events[it.which % Math.max(1, history.events.length)];
          if (event === undefined) continue;
          const { metadata } = event.object;
          learn(metadata.name, Number(metadata.resourceVersion), event.gone ? undefined : event.object);
          if (event.gone) shelf.remove(event.object);
          else shelf.put(event.object);
        }
        if (it.do === 'endList' && open !== undefined) {
          const listed = new Map(open.items.map((object) => [object.metadata.name, object]));
          for (const of of names) {
            const object = listed.get(of);
            learn(
              of,
              object === undefined ? Number(open.resourceVersion) : Number(object.metadata.resourceVersion),
              object,
            );
          }
          shelf.replace(open);
          open = undefined;
        }
        for (const of of names) expect(shelf.get('shop', of)).toEqual(known.get(of)?.object);
      }
      const told = new Map<string, KubeObject>();
      for (const { type, object, old } of changes) {
        const { name: of } = object.metadata;
        if (type === 'removed') expect(told.get(of)).toEqual(object);
        else expect(told.get(of)).toEqual(old);
        if (type === 'removed') told.delete(of);
        else told.set(of, object);
      }
      expect([...told.values()].sort(byName)).toEqual(shelf.list().sort(byName));
    }),
    { numRuns: 1_000 },
  );
});

function byName(a: KubeObject, b: KubeObject): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

test('versions are compared as integers of any length', () => {
  expect(isNewer('10', '9')).toBe(true);
  expect(isNewer('9', '10')).toBe(false);
  expect(isNewer('9007199254740993', '9007199254740992')).toBe(true);
  expect(isNewer('7', '7')).toBe(false);
});

test('a list with an object that cannot be compared changes nothing', () => {
  const shelf = new Shelf(
    kinds.deployment,
    (it) => it,
    () => undefined,
  );
  shelf.put(deployment('a', 10, 'uid-1'));
  const strange = { ...deployment('b', 11, 'uid-2'), metadata: { name: 'b', namespace: 'shop' } };
  expect(() => shelf.replace({ items: [strange], resourceVersion: '12' })).toThrow(
    'resourceVersion is undefined; wanted an integer',
  );
  expect(shelf.list()).toHaveLength(1);
});

test('an object that the server has said to be gone is gone at once, and what comes late of it stays gone', () => {
  const changes: Change[] = [];
  const shelf = new Shelf(
    kinds.deployment,
    (it) => it,
    (it) => changes.push(it),
  );
  shelf.put(deployment('a', 5, 'first'));
  shelf.forget('shop', 'a', 'another');
  expect(shelf.get('shop', 'a')).toBeDefined();
  shelf.forget('shop', 'a', 'first');
  shelf.put(deployment('a', 5, 'first'));
  expect(shelf.get('shop', 'a')).toBeUndefined();
  shelf.remove(deployment('a', 6, 'first'));
  expect(changes.map(({ type }) => type)).toEqual(['put', 'removed']);
  shelf.put(deployment('a', 7, 'second'));
  expect(shelf.get('shop', 'a')?.metadata.uid).toBe('second');
});
