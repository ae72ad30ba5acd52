import { describe, expect, test } from 'vitest';
import { claimsOf, lastManagerOf } from '../../src/routes/claims.ts';
import { routeWrite } from '../../src/routes/share.ts';
import { patched } from './random-routes.ts';
import { backends, planOf, routeWith } from './sample-route.ts';

const shop = { name: 'shop', port: 80, weight: 100 };
const cart = { name: 'cart', port: 80, weight: 100 };
const cartSelection = { stable: { name: 'cart' }, canary: { name: 'cart-canary' } };

describe('claims', () => {
  test('name the pair where the weights of others stay, and are the same at every share and after insertions', () => {
    const route = routeWith(backends(shop, cart), { name: 'named', ...backends(shop) });
    const plan = planOf(route);
    const claims = [
      '(shop/checkout, rules[0], shop:80)',
      '(shop/checkout, rules[0], shop-canary:80)',
      '(shop/checkout, named, shop:80)',
      '(shop/checkout, named, shop-canary:80)',
    ];
    expect(claimsOf(route, plan)).toEqual(claims);
    const write = routeWrite(route, plan, { share: 5, fence: '1.1', canaryUid: 'u' });
    if (!('patch' in write)) throw new Error('no patch');
    expect(claimsOf(patched(route, write.patch), plan)).toEqual(claims);
  });

  test('of two releases with different backends in one rule do not meet', () => {
    const route = routeWith(backends(shop, cart));
    const [mine, theirs] = [claimsOf(route, planOf(route)), claimsOf(route, planOf(route, cartSelection))];
    expect(mine.filter((claim) => theirs.includes(claim))).toEqual([]);
  });

  test('meet where one of the two multiplies the weights of the whole rule', () => {
    const route = routeWith(backends({ ...shop, weight: 3 }, cart));
    const [mine, theirs] = [claimsOf(route, planOf(route)), claimsOf(route, planOf(route, cartSelection))];
    expect(mine.filter((claim) => theirs.includes(claim))).toEqual(['(shop/checkout, rules[0], cart:80)']);
  });
});

describe('the manager that last wrote a field', () => {
  const route = routeWith(backends(shop));
  const rules = { 'f:spec': { 'f:rules': {} } };
  route.metadata.managedFields = [
    { manager: 'argocd-controller', time: '2026-01-01T00:00:02Z', fieldsV1: rules },
    { manager: 'linnet', time: '2026-01-01T00:00:09Z', fieldsV1: rules },
    { manager: 'kubectl', time: '2026-01-01T00:00:01Z', fieldsV1: rules },
    { manager: 'gateway', time: '2026-01-01T00:00:08Z', fieldsV1: { 'f:status': {} } },
  ];

  test('is the newest one that is not Linnet', () => {
    expect(lastManagerOf(route, 'spec.rules')).toBe('argocd-controller');
    expect(lastManagerOf(route, 'status')).toBe('gateway');
  });

  test('is unknown where nobody is recorded', () => {
    expect(lastManagerOf(route, 'spec.hostnames')).toBeUndefined();
    expect(lastManagerOf(routeWith(), 'spec.rules')).toBeUndefined();
  });
});
