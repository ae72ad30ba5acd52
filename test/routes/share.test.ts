import { describe, expect, test } from 'vitest';
import type { Route } from '../../src/api/objects.ts';
import { routeRestore, stripManager } from '../../src/routes/restore.ts';
import type { RouteRestored } from '../../src/routes/restore.ts';
import { readShare, routeWrite } from '../../src/routes/share.ts';
import type { RouteWrite } from '../../src/routes/share.ts';
import { patched } from './random-routes.ts';
import { backends, planOf, routeWith } from './sample-route.ts';

const shop = { name: 'shop', port: 80, weight: 100 };
const third = { name: 'third', port: 80, weight: 10 };
const at = (share: number, fence = '1.1') => ({ share, fence, canaryUid: 'uid/1~2' });
const restore = { keep: 'stable', canaryUid: 'uid/1~2', fence: '1.9' } as const;

function apply(route: Route, result: RouteWrite | RouteRestored): Route {
  if (!('patch' in result)) throw new Error(`no patch but ${JSON.stringify(result)}`);
  return patched(route, result.patch);
}

test('the patch has the resourceVersion first, then the names it relies on, then no more than the changes', () => {
  const route = routeWith(backends(third), backends(third, { ...shop, filters: [{ type: 'X' }] }));
  route.metadata.annotations = {};
  expect(routeWrite(route, planOf(route), at(5))).toEqual({
    patch: [
      { op: 'replace', path: '/metadata/resourceVersion', value: '10' },
      { op: 'test', path: '/spec/rules/1/backendRefs/1/name', value: 'shop' },
      { op: 'replace', path: '/spec/rules/1/backendRefs/1/weight', value: 95 },
      {
        op: 'add',
        path: '/spec/rules/1/backendRefs/2',
        value: { name: 'shop-canary', port: 80, filters: [{ type: 'X' }], weight: 5 },
      },
      { op: 'add', path: '/metadata/annotations/fence.linnet.dev~1uid~11~02', value: '1.1' },
    ],
  });
});

test('with both versions brought by the user the canary that is missing gets its own port and namespace', () => {
  const route = routeWith(backends(shop));
  const selection = { stable: { name: 'shop', port: 80 }, canary: { name: 'v2', port: 8080, namespace: 'next' } };
  const now = apply(route, routeWrite(route, planOf(route, selection), at(0)));
  expect(now.spec.rules?.[0]?.backendRefs?.[1]).toEqual({ name: 'v2', port: 8080, namespace: 'next', weight: 0 });
});

test('a share that is no whole percent is a mistake of the caller', () => {
  const route = routeWith(backends(shop));
  for (const share of [-1, 101, 5.5, Number.NaN]) {
    expect(() => routeWrite(route, planOf(route), at(share))).toThrow(RangeError);
  }
});

describe('what stands against a write is told apart', () => {
  const route = routeWith(backends(shop, third));
  const plan = planOf(route);

  test('a newer fence of ours, compared as numbers', () => {
    const now = apply(route, routeWrite(route, plan, at(5, '2.10')));
    expect(routeWrite(now, plan, at(50, '2.9'))).toEqual({ superseded: '2.10' });
    expect(routeWrite(now, plan, at(50, '1.11'))).toEqual({ superseded: '2.10' });
    expect(routeRestore(now, plan, { ...restore, fence: '2.9' })).toEqual({ superseded: '2.10' });
    expect(routeWrite(now, plan, at(50, '2.11'))).toHaveProperty('patch');
  });

  test('a fence that somebody wrote over is no obstacle', () => {
    const now = apply(route, routeWrite(route, plan, at(5)));
    now.metadata.annotations = { 'fence.linnet.dev/uid/1~2': 'mine' };
    expect(routeWrite(now, plan, at(5))).toHaveProperty('patch');
  });

  test('another route of the same name', () => {
    const other = { ...route, metadata: { ...route.metadata, uid: 'new' } };
    expect(routeWrite(other, plan, at(5))).toHaveProperty('lost');
  });

  test('no managed rule left', () => {
    expect(routeWrite(routeWith(backends(third)), plan, at(5))).toHaveProperty('lost');
    expect(routeWrite(routeWith(), plan, at(5))).toHaveProperty('lost');
  });

  test('stable taken out, stable or canary doubled, no room left', () => {
    const canary = { name: 'shop-canary', port: 80 };
    const filling = Array.from({ length: 15 }, (_none, n) => ({ name: `b${n}` }));
    for (const refs of [
      [canary, third],
      [shop, shop],
      [shop, canary, canary],
      [shop, ...filling],
    ]) {
      expect(routeWrite(routeWith(backends(...refs)), plan, at(5))).toHaveProperty('contested');
    }
  });
});

describe('the share that is read', () => {
  const route = routeWith(backends(shop), { matches: [{}], ...backends({ name: 'shop', port: 80 }, third) });
  const plan = planOf(route);
  const uid = 'uid/1~2';
  const written = apply(route, routeWrite(route, plan, at(5)));

  test('is not there before the canary is attached', () => {
    expect(readShare(route, plan, uid)).toEqual({
      share: undefined,
      attached: false,
      fence: undefined,
      foreign: undefined,
    });
  });

  test('is the one that was written, and nothing is foreign', () => {
    expect(readShare(written, plan, uid, at(5))).toEqual({
      share: 5,
      attached: true,
      fence: '1.1',
      foreign: undefined,
    });
  });

  test('is unknown where rules disagree, and the change is named', () => {
    const now = structuredClone(written);
    const ref = now.spec.rules?.[0]?.backendRefs?.[1];
    if (ref !== undefined) ref.weight = 30;
    expect(readShare(now, plan, uid, at(5))).toEqual({
      share: undefined,
      attached: true,
      fence: '1.1',
      foreign: 'rules[0]: weight of shop-canary is 30, wanted 5',
    });
  });

  test('names everything that a tool took back', () => {
    expect(readShare(route, plan, uid, at(5)).foreign).toBe(
      [
        'rules[0]: weight of shop is 100, wanted 95',
        'rules[0]: shop-canary is missing',
        'rules[1]: weight of shop is 1, wanted 95',
        'rules[1]: weight of third is 10, wanted 1000',
        'rules[1]: shop-canary is missing',
        'annotation fence.linnet.dev/uid/1~2 is missing, wanted 1.1',
      ].join('; '),
    );
  });

  test('edits that are not about our part are not foreign', () => {
    const now = structuredClone(written);
    now.spec.rules?.unshift(backends({ name: 'new' }));
    now.spec.rules?.[2]?.backendRefs?.push({ name: 'fourth', weight: 3 });
    expect(readShare(now, plan, uid, at(5)).foreign).toBeUndefined();
  });
});

describe('a restore', () => {
  const route = routeWith(backends(third, shop));
  const plan = planOf(route);
  const written = apply(route, routeWrite(route, plan, at(50)));

  test('after a promotion with removeStable leaves the canary alone with the weight of both', () => {
    const now = apply(written, routeRestore(written, plan, { ...restore, keep: 'canary', removeStable: true }));
    expect(now.spec.rules?.[0]).toEqual(backends(third, { name: 'shop-canary', port: 80, weight: 100 }));
    expect(routeRestore(now, plan, { ...restore, keep: 'canary', removeStable: true })).toEqual({ already: true });
  });

  test('after a promotion writes the canary again when a tool took it out meanwhile', () => {
    const back = structuredClone(written);
    back.spec = structuredClone(route.spec);
    for (const removeStable of [true, false]) {
      const now = apply(back, routeRestore(back, plan, { ...restore, keep: 'canary', removeStable }));
      const stable = removeStable ? [] : [{ ...shop, weight: 0 }];
      expect(now.spec.rules?.[0]).toEqual(backends(third, ...stable, { name: 'shop-canary', port: 80, weight: 100 }));
    }
  });

  test('gives a canary that was in the rule before weight 0 and its part to stable, or both as they were', () => {
    const both = routeWith(backends({ ...shop, weight: 60 }, { name: 'shop-canary', port: 80, weight: 40 }));
    const planned = planOf(both);
    const now = apply(both, routeWrite(both, planned, at(70)));
    const weights = (keep: 'stable' | 'canary' | 'original') =>
      apply(now, routeRestore(now, planned, { ...restore, keep })).spec.rules?.[0]?.backendRefs?.map(
        (ref) => ref.weight,
      );
    expect([weights('stable'), weights('canary'), weights('original')]).toEqual([
      [100, 0],
      [0, 100],
      [60, 40],
    ]);
  });

  test('works without the fence, which somebody may have removed', () => {
    const now = structuredClone(written);
    delete now.metadata.annotations;
    expect(apply(now, routeRestore(now, plan, restore)).spec).toEqual(route.spec);
    const both = routeWith(backends(shop, { name: 'shop-canary', weight: 0 }));
    const moved = apply(both, routeWrite(both, planOf(both), at(95)));
    delete moved.metadata.annotations;
    expect(apply(moved, routeRestore(moved, planOf(both), restore)).spec).toEqual(both.spec);
  });

  test('leaves alone a route from which others have taken everything of ours', () => {
    const theirs = routeWith(backends({ ...shop, weight: 7 }, third));
    expect(routeRestore(theirs, plan, restore)).toEqual({ already: true });
    expect(routeRestore(routeWith(), plan, restore)).toEqual({ already: true });
  });

  test('takes our canary out of a route that was created anew from a copy', () => {
    const copy = structuredClone(written);
    copy.metadata.uid = 'new';
    expect(apply(copy, routeRestore(copy, plan, restore)).spec).toEqual(route.spec);
  });

  test('takes every copy of the canary out, and turns the last backend of a rule back into stable', () => {
    const canary = { name: 'shop-canary', port: 80, weight: 50 };
    const doubled = routeWith(backends(canary, third, shop, canary));
    expect(apply(doubled, routeRestore(doubled, plan, restore)).spec.rules?.[0]).toEqual(backends(third, shop));
    const without = routeWith(backends(third, canary));
    expect(apply(without, routeRestore(without, plan, restore)).spec.rules?.[0]).toEqual(backends(third));
    const alone = routeWith(backends(canary, canary));
    expect(apply(alone, routeRestore(alone, plan, restore)).spec.rules?.[0]).toEqual(backends(shop));
  });

  test('follows the stable backend to another port', () => {
    const moved = structuredClone(written);
    for (const ref of moved.spec.rules?.[0]?.backendRefs ?? []) ref.port = 8080;
    const now = apply(moved, routeRestore(moved, plan, restore));
    expect(now.spec.rules?.[0]).toEqual(backends({ ...third, port: 8080 }, { ...shop, port: 8080 }));
  });

  test('divides the weight of another backend whose port somebody changed', () => {
    const odd = routeWith(backends({ ...shop, weight: 3 }, third));
    const now = apply(odd, routeWrite(odd, planOf(odd), at(50)));
    for (const ref of now.spec.rules?.[0]?.backendRefs ?? []) if (ref.name === 'third') ref.port = 8080;
    const back = apply(now, routeRestore(now, planOf(odd), restore));
    expect(back.spec.rules?.[0]).toEqual(backends({ ...shop, weight: 3 }, { ...third, port: 8080 }));
  });

  test('keeps the annotations of others, and takes the map away where it came with the fence', () => {
    const now = apply(written, routeRestore(written, plan, restore));
    expect(now.metadata).not.toHaveProperty('annotations');
    written.metadata.annotations = { ...written.metadata.annotations, 'a/b': 'c' };
    expect(apply(written, routeRestore(written, plan, restore)).metadata.annotations).toEqual({ 'a/b': 'c' });
  });
});

test('stripping takes the entries of linnet out of managedFields and no others', () => {
  const route = routeWith(backends(shop));
  const entry = (manager: string) => ({ manager, operation: 'Update' });
  expect(stripManager(route)).toEqual({ already: true });
  route.metadata.managedFields = [entry('linnet'), entry('kubectl'), entry('linnet'), entry('linnet-not')];
  const now = apply(route, stripManager(route));
  expect(now.metadata.managedFields).toEqual([entry('kubectl'), entry('linnet-not')]);
  expect(stripManager(now)).toEqual({ already: true });
});
