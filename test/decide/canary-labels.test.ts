import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LabelSelector } from '../../src/api/objects.ts';
import { canaryLabels, selects } from '../../src/decide/canary-labels.ts';

const exactly = (matchLabels: Record<string, string>): LabelSelector => ({ matchLabels });

function labels(
  podLabels: Record<string, string>,
  away: LabelSelector[],
  more: { others?: LabelSelector[]; wanted?: Record<string, string> } = {},
) {
  return canaryLabels({ podLabels, away, others: more.others ?? [], wanted: more.wanted, suffix: 'canary' });
}

describe('a selector', () => {
  const rows: [sentence: string, selector: LabelSelector, expected: boolean][] = [
    ['without conditions takes all', {}, true],
    ['takes equal labels', exactly({ app: 'shop' }), true],
    ['takes no other labels', exactly({ app: 'shop', tier: 'db' }), false],
    ['In', { matchExpressions: [{ key: 'app', operator: 'In', values: ['a', 'shop'] }] }, true],
    ['In others', { matchExpressions: [{ key: 'app', operator: 'In', values: ['a'] }] }, false],
    ['NotIn', { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['shop'] }] }, false],
    ['NotIn of an absent key', { matchExpressions: [{ key: 'x', operator: 'NotIn', values: ['shop'] }] }, true],
    ['Exists', { matchExpressions: [{ key: 'app', operator: 'Exists' }] }, true],
    ['DoesNotExist', { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, false],
  ];
  test.each(rows)('%s', (_sentence, selector, expected) => {
    expect(selects(selector, { app: 'shop', tier: 'web' })).toBe(expected);
  });
});

describe("the canary's labels", () => {
  test('change the one key that separates them', () => {
    expect(labels({ app: 'shop', tier: 'web' }, [exactly({ app: 'shop' })])).toEqual({
      app: 'shop-canary',
      tier: 'web',
    });
  });

  test('change one key that all selectors need rather than two', () => {
    const away = [exactly({ app: 'shop', tier: 'web' }), exactly({ tier: 'web' })];
    expect(labels({ app: 'shop', tier: 'web' }, away)).toEqual({ app: 'shop', tier: 'web-canary' });
  });

  test('change two keys when no one is enough', () => {
    const away = [exactly({ app: 'shop' }), exactly({ tier: 'web' })];
    expect(labels({ app: 'shop', tier: 'web' }, away)).toEqual({ app: 'shop-canary', tier: 'web-canary' });
  });

  test('change three keys at the most', () => {
    const four = { a: '1', b: '2', c: '3', d: '4' };
    const away = Object.entries(four).map(([key, value]) => exactly({ [key]: value }));
    expect(labels(four, away.slice(0, 3))).toEqual({ a: '1-canary', b: '2-canary', c: '3-canary', d: '4' });
    expect(labels(four, away)).toBeUndefined();
  });

  test('spare the key that other selectors use', () => {
    const away = [exactly({ app: 'shop', tier: 'web' })];
    const others = [exactly({ app: 'shop', zone: 'a' })];
    expect(labels({ app: 'shop', tier: 'web' }, away, { others })).toEqual({ app: 'shop', tier: 'web-canary' });
  });

  test('are those of spec.canaryLabels when they separate', () => {
    const away = [exactly({ app: 'shop' })];
    expect(labels({ app: 'shop' }, away, { wanted: { app: 'new' } })).toEqual({ app: 'new' });
    expect(labels({ app: 'shop' }, away, { wanted: { color: 'red' } })).toBeUndefined();
  });

  test('cannot escape a selector that takes all, or that asks only whether a key is there', () => {
    expect(labels({ app: 'shop' }, [{}])).toBeUndefined();
    expect(labels({ app: 'shop' }, [{ matchExpressions: [{ key: 'app', operator: 'Exists' }] }])).toBeUndefined();
  });

  test('are values that a label may have', () => {
    const long = `${'x'.repeat(55)}-${'y'.repeat(7)}`;
    const { app = '' } = labels({ app: long }, [exactly({ app: long })]) ?? {};
    expect(app.length).toBeLessThanOrEqual(63);
    expect(app).toMatch(/^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/);
    expect(labels({ app: '' }, [exactly({ app: '' })])).toEqual({ app: 'canary' });
  });

  test('are never taken by a selector that they must keep away from, and change nothing that they need not', () => {
    const value = fc.constantFrom('a', 'b', '');
    const map = fc.dictionary(fc.constantFrom('k', 'l', 'm'), value, { maxKeys: 3 });
    const selector = fc.record({
      matchLabels: map,
      matchExpressions: fc.array(
        fc.record({
          key: fc.constantFrom('k', 'l', 'm'),
          operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist'),
          values: fc.array(value, { maxLength: 2 }),
        }),
        { maxLength: 2 },
      ),
    });
    fc.assert(
      fc.property(map, fc.array(selector, { minLength: 1, maxLength: 3 }), (podLabels, selectors) => {
        const away = selectors.filter((one) => selects(one, podLabels));
        fc.pre(away.length > 0);
        const found = labels(podLabels, away);
        if (found === undefined) return;
        expect(away.some((one) => selects(one, found))).toBe(false);
        expect(Object.keys(found).toSorted()).toEqual(Object.keys(podLabels).toSorted());
      }),
    );
  });
});
