import { describe, expect, test } from 'vitest';
import type { Condition, ParentRef, Route } from '../../src/api/objects.ts';
import { acceptance, parentsOf } from '../../src/routes/acceptance.ts';
import { backends, condition, routeWith } from './sample-route.ts';

const good = [condition('Accepted', 'True'), condition('ResolvedRefs', 'True')];
const old = [condition('Accepted', 'True', 2), condition('ResolvedRefs', 'True', 2)];
const refusing = [condition('Accepted', 'True'), condition('ResolvedRefs', 'False')];

function routeOn(parentRefs: ParentRef[], reports: [ParentRef, Condition[], string?][]): Route {
  const route = routeWith(backends({ name: 'shop' }));
  route.spec.parentRefs = parentRefs;
  route.status = {
    parents: reports.map(([parentRef, conditions, controllerName = 'a.example/controller']) => ({
      parentRef,
      conditions,
      controllerName,
    })),
  };
  return route;
}

describe('a parent is found in the status by the reference it has in effect', () => {
  const cases: [string, ParentRef, ParentRef, boolean][] = [
    [
      'defaults filled in',
      { name: 'g' },
      { group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'shop', name: 'g' },
      true,
    ],
    [
      'core and the empty group',
      { group: '', kind: 'Service', name: 's' },
      { group: 'core', kind: 'Service', name: 's' },
      true,
    ],
    ['another listener', { name: 'g', sectionName: 'http' }, { name: 'g', sectionName: 'https' }, false],
    ['one listener only', { name: 'g', sectionName: 'http' }, { name: 'g' }, false],
    ['another port', { name: 'g', port: 80 }, { name: 'g', port: 81 }, false],
    ['another namespace', { name: 'g', namespace: 'infra' }, { name: 'g' }, false],
    ['a Service is no Gateway', { name: 'g' }, { group: '', kind: 'Service', name: 'g' }, false],
  ];
  test.each(cases)('%s', (_name, asked, reported, same) => {
    expect(acceptance(routeOn([asked], [[reported, good]])).state).toBe(same ? 'accepted' : 'pending');
  });
});

test('every parent must have accepted, and those that have not are named', () => {
  const listener = { name: 'g', namespace: 'infra', sectionName: 'https' };
  const mesh = { group: '', kind: 'Service', name: 'shop', port: 80 };
  expect(
    acceptance(
      routeOn(
        [{ name: 'g' }, listener, mesh],
        [
          [{ name: 'g' }, good],
          [listener, old],
        ],
      ),
    ),
  ).toEqual({
    state: 'pending',
    waitingFor: ['Gateway infra/g/https', 'Service shop/shop:80'],
  });
  expect(
    acceptance(
      routeOn(
        [listener, mesh],
        [
          [mesh, good],
          [listener, good],
        ],
      ),
    ),
  ).toEqual({ state: 'accepted' });
});

test('only conditions of the present generation count, for and against', () => {
  const parent = { name: 'g' };
  const oldRefusal = [condition('Accepted', 'False', 2), condition('ResolvedRefs', 'True')];
  expect(acceptance(routeOn([parent], [[parent, old]])).state).toBe('pending');
  expect(acceptance(routeOn([parent], [[parent, oldRefusal]])).state).toBe('pending');
  expect(acceptance(routeOn([parent], [[parent, good]]), 4).state).toBe('pending');
  expect(acceptance(routeOn([parent], [[parent, old]]), 2).state).toBe('accepted');
});

test('one condition alone, an unknown one or none is not yet an answer', () => {
  const parent = { name: 'g' };
  for (const conditions of [
    [],
    good.slice(0, 1),
    [condition('Accepted', 'True'), condition('ResolvedRefs', 'Unknown')],
  ]) {
    expect(acceptance(routeOn([parent], [[parent, conditions]])).state).toBe('pending');
  }
});

test('a refusal says who and why', () => {
  const parent = { name: 'g' };
  expect(acceptance(routeOn([{ name: 'other' }, parent], [[parent, refusing]]))).toEqual({
    state: 'refused',
    reason: 'ResolvedRefsFalse',
    message: 'Gateway shop/g: ResolvedRefs is False: ResolvedRefs says False',
  });
  const partly = [...good, condition('PartiallyInvalid', 'True')];
  expect(acceptance(routeOn([parent], [[parent, partly]]))).toMatchObject({
    state: 'refused',
    reason: 'PartiallyInvalidTrue',
  });
  expect(acceptance(routeOn([], []))).toMatchObject({ state: 'refused', reason: 'NoParents' });
});

test('of several controllers for one parent one must accept and none refuse; what a removed one left behind does not block', () => {
  const parent = { group: '', kind: 'Service', name: 'shop' };
  expect(
    acceptance(
      routeOn(
        [parent],
        [
          [parent, old, 'gone'],
          [parent, good, 'here'],
        ],
      ),
    ).state,
  ).toBe('accepted');
  expect(
    acceptance(
      routeOn(
        [parent],
        [
          [parent, good, 'a'],
          [parent, refusing, 'b'],
        ],
      ),
    ).state,
  ).toBe('refused');
});

test('parents are listed with their defaults and the controller that took them', () => {
  const mesh = { group: 'core', kind: 'Service', name: 'shop' };
  const route = routeOn(
    [{ name: 'g', sectionName: 'https' }, mesh],
    [
      [mesh, old, 'gone'],
      [mesh, good, 'here'],
    ],
  );
  expect(parentsOf(route)).toEqual([
    { kind: 'Gateway', namespace: 'shop', name: 'g', sectionName: 'https' },
    { kind: 'Service', namespace: 'shop', name: 'shop', controllerName: 'here' },
  ]);
});
