import { describe, expect, test } from 'vitest';
import type { RouteRule } from '../../src/api/objects.ts';
import { findManagedRules, pairWeights } from '../../src/routes/plan.ts';
import type { Selection } from '../../src/routes/plan.ts';
import { backends, inPlace, planOf, routeWith } from './sample-route.ts';

const shop = { name: 'shop', port: 80 };
const third = { name: 'third', port: 80 };
const sixteen = [shop, ...Array.from({ length: 15 }, (_none, n) => ({ name: `b${n}`, port: 80, weight: 1 }))];

describe('what cannot be managed is refused with the field and the reason', () => {
  const cases: [string, RouteRule[], Partial<Selection>, string, string][] = [
    ['no rules', [], {}, 'RouteHasNoStableBackend', 'spec.rules'],
    ['a rule without backends', [{}], {}, 'RouteHasNoStableBackend', 'spec.rules[0].backendRefs'],
    ['other backends only', [backends(third), backends(third)], {}, 'RouteHasNoStableBackend', 'spec.rules'],
    [
      'another port',
      [backends(shop)],
      { stable: { name: 'shop', port: 81 } },
      'RouteHasNoStableBackend',
      'spec.rules[0].backendRefs',
    ],
    [
      'another namespace',
      [backends({ ...shop, namespace: 'x' })],
      {},
      'RouteHasNoStableBackend',
      'spec.rules[0].backendRefs',
    ],
    [
      'not a Service',
      [backends({ ...shop, kind: 'Bucket' })],
      {},
      'RouteHasNoStableBackend',
      'spec.rules[0].backendRefs',
    ],
    [
      'both weights 0',
      [backends({ ...shop, weight: 0 }, { name: 'shop-canary', weight: 0 })],
      {},
      'WeightsAllZero',
      'spec.rules[0].backendRefs[0].weight',
    ],
    [
      'promoted already',
      [backends({ ...shop, weight: 0 }, { name: 'shop-canary' })],
      {},
      'CanaryHoldsTraffic',
      'spec.rules[0].backendRefs[0].weight',
    ],
    ['no such rule', [{ name: 'a', ...backends(shop) }], { ruleNames: ['b'] }, 'RuleNotFound', 'spec.rules'],
    [
      'a named rule without stable',
      [{ name: 'a', ...backends(third) }],
      { ruleNames: ['a'] },
      'RouteHasNoStableBackend',
      'spec.rules[0].backendRefs',
    ],
    [
      'one of two named rules at weight 0',
      [
        { name: 'a', ...backends(shop) },
        { name: 'b', ...backends({ ...shop, weight: 0 }) },
      ],
      { ruleNames: ['a', 'b'] },
      'WeightsAllZero',
      'spec.rules[1].backendRefs[0].weight',
    ],
    ['stable twice', [backends(shop, { ...shop, port: 81 })], {}, 'AmbiguousRoute', 'spec.rules[0].backendRefs'],
    [
      'canary twice',
      [backends(shop, { name: 'shop-canary' }, { name: 'shop-canary' })],
      {},
      'AmbiguousRoute',
      'spec.rules[0].backendRefs',
    ],
    [
      'one Service as both sides',
      [backends(shop)],
      { canary: { name: 'shop' } },
      'AmbiguousRoute',
      'spec.rules[0].backendRefs[0]',
    ],
    [
      'session persistence',
      [{ ...backends(shop), sessionPersistence: {} }],
      {},
      'SessionPersistence',
      'spec.rules[0].sessionPersistence',
    ],
    ['16 backends', [backends(...sixteen)], {}, 'TooManyBackends', 'spec.rules[0].backendRefs'],
    [
      'weights too far apart',
      [backends(shop, { ...third, weight: 1_000_000 })],
      {},
      'WeightsNotExpressible',
      'spec.rules[0].backendRefs',
    ],
    [
      'a sum above the limit',
      [backends({ ...shop, weight: 1_000_000 }, { name: 'shop-canary', weight: 1 })],
      {},
      'WeightsNotExpressible',
      'spec.rules[0].backendRefs',
    ],
  ];
  test.each(cases)('%s', (...[, rules, more, reason, field]) => {
    const found = findManagedRules(routeWith(...rules), { ...inPlace, ...more });
    expect(found).toMatchObject({ ok: false, reason, field });
    expect(found.ok ? '' : found.message).toContain(`HTTPRoute shop/checkout, ${field}: `);
  });
});

test('all rules in which the stable backend has weight are managed, whatever else is in them', () => {
  const route = routeWith(backends(third), backends(third, shop), backends({ ...shop, weight: 0 }, third), {
    name: 'named',
    ...backends({ ...shop, weight: 90 }, third),
  });
  expect(planOf(route).rules.map((rule) => [rule.index, rule.name, rule.stable])).toEqual([
    [1, undefined, 1],
    [3, 'named', 0],
  ]);
});

test('only the named rules are managed where rules are named', () => {
  const route = routeWith({ name: 'a', ...backends(shop) }, { name: 'b', ...backends(shop) });
  expect(planOf(route, { ...inPlace, ruleNames: ['b'] }).rules.map((rule) => rule.index)).toEqual([1]);
});

test('session persistence and a full list of backends are no obstacle where they are accepted or the canary is there', () => {
  const persistent = routeWith({ ...backends(shop), sessionPersistence: {} });
  expect(findManagedRules(persistent, { ...inPlace, acceptSessionPersistence: true }).ok).toBe(true);
  const full = routeWith(backends(...sixteen.slice(0, 15), { name: 'shop-canary' }));
  expect(findManagedRules(full, inPlace).ok).toBe(true);
});

test('the stable Service of another namespace is found by the namespace it has in effect', () => {
  const route = routeWith(backends({ ...shop, namespace: 'prod' }));
  const selection = { stable: { name: 'shop', namespace: 'prod' }, canary: { name: 'shop-canary', namespace: 'prod' } };
  expect(planOf(route, selection).rules[0]?.canaryBackend).toBe('prod/shop-canary:80');
  expect(planOf(routeWith(backends({ ...shop, namespace: 'shop' }))).rules[0]?.canaryBackend).toBe('shop-canary:80');
});

test('the factor is the smallest with which the sum of the pair expresses every percent', () => {
  const factorOf = (...weights: number[]) =>
    planOf(routeWith(backends({ ...shop, weight: weights[0] ?? 1 }, { ...third, weight: weights[1] ?? 0 }))).rules[0]
      ?.factor;
  expect([100, 1, 2, 3, 50, 90, 250, 1000].map((weight) => factorOf(weight))).toEqual([1, 100, 50, 100, 2, 10, 2, 1]);
});

test('where the limit forbids the exact factor, shares are within half a percent and weights within the limit', () => {
  const rule = planOf(routeWith(backends({ ...shop, weight: 33 }, { ...third, weight: 30_001 }))).rules[0];
  if (rule === undefined) throw new Error('no rule');
  expect(rule.factor).toBe(33);
  for (let share = 0; share <= 100; share += 1) {
    const { stable, canary } = pairWeights(rule, share);
    expect(stable + canary).toBe(33 * 33);
    expect(Math.abs((100 * canary) / (33 * 33) - share)).toBeLessThan(0.5);
    expect(canary === 0).toBe(share === 0);
    expect(stable === 0).toBe(share === 100);
  }
});

test('a plan for the largest route that Gateway API allows stays below 24 KiB', () => {
  const rules = Array.from({ length: 16 }, () => backends(...sixteen.slice(0, 15)));
  expect(JSON.stringify(planOf(routeWith(...rules))).length).toBeLessThan(24 * 1024);
});
