import { describe, expect, test } from 'vitest';
import { checkRules, ruleErrors } from '../../src/sandbox/world/store/schema/cel.ts';
import type { Schema, ValidationRule } from '../../src/sandbox/world/store/schema/types.ts';

const steps: Schema = { type: 'array', items: { type: 'object', properties: { weight: { type: 'integer' } } } };
const base: Schema = {
  type: 'object',
  properties: {
    min: { type: 'integer' },
    max: { type: 'integer' },
    ratio: { type: 'number' },
    interval: { type: 'string' },
    weights: { type: 'array', items: { type: 'integer' } },
    ratios: { type: 'array', items: { type: 'number' } },
    steps,
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    namespace: { type: 'string' },
    'dash-ed': { type: 'string' },
  },
};

function check(rule: string | ValidationRule, value: unknown, old?: unknown): string[] {
  const rules = [typeof rule === 'string' ? { rule } : rule];
  const schema = { ...base, 'x-kubernetes-validations': rules };
  expect(ruleErrors(schema, 'spec')).toEqual([]);
  return checkRules(schema, value, old, 'spec').map(({ field, message }) => `${field}: ${message}`);
}

describe('rules', () => {
  test.each<[string, unknown]>([
    ['self.min <= self.max', { min: 1, max: 2 }],
    ['!has(self.min) || self.min > 0', {}],
    ['has(self.min) != has(self.max)', { min: 1 }],
    ['self.ratio > 0.5 && self.ratio < 1.0', { ratio: 0.75 }],
    ['self.ratio >= 1.0', { ratio: 1 }],
    ['duration(self.interval) >= duration("5s")', { interval: '1m30s' }],
    ['self.interval.matches("^[0-9]+s$")', { interval: '30s' }],
    ['self.weights.isSorted() && self.weights.sum() == 155', { weights: [5, 50, 100] }],
    ['self.weights.min() == 5 && self.weights.max() == 100', { weights: [50, 5, 100] }],
    ['self.weights.indexOf(50) == 1 && self.weights.lastIndexOf(7) == -1', { weights: [5, 50] }],
    ['self.ratios.sum() == 1.5', { ratios: [0.5, 1] }],
    ['self.steps.map(s, s.weight).isSorted()', { steps: [{ weight: 5 }, { weight: 50 }] }],
    ['self.steps.all(s, self.steps.exists_one(t, t.weight == s.weight))', { steps: [{ weight: 5 }, { weight: 50 }] }],
    ['self.steps[size(self.steps) - 1].weight <= 100', { steps: [{ weight: 5 }, { weight: 50 }] }],
    ['self.steps.filter(s, s.weight > 5).size() == 1', { steps: [{ weight: 5 }, { weight: 50 }] }],
    ['self.labels.all(k, self.labels[k] != "")', { labels: { a: 'b', 'c-d': 'e' } }],
    ['"a" in self.labels', { labels: { a: 'b' } }],
    ['self.__namespace__ == "x" && self.dash__dash__ed == "y"', { namespace: 'x', 'dash-ed': 'y' }],
    ['self.?min.orValue(3) == 3', {}],
    ['isURL(self.interval)', { interval: 'http://a.b/c' }],
  ])('%s holds', (rule, value) => {
    expect(check(rule, value)).toEqual([]);
  });

  test.each<[string, unknown, string]>([
    ['self.min <= self.max', { min: 3, max: 2 }, 'spec: Invalid value: "object": failed rule: self.min <= self.max'],
    [
      'self.weights.isSorted()',
      { weights: [5, 50, 20] },
      'spec: Invalid value: "object": failed rule: self.weights.isSorted()',
    ],
    ['self.min > 1', {}, 'spec: Invalid value: "object": No such key: min evaluating rule: failed rule: self.min > 1'],
  ])('%s is broken', (rule, value, message) => {
    expect(check(rule, value)).toEqual([message]);
  });

  test('messages, reasons and field paths are those of the rule', () => {
    expect(check({ rule: 'self.min <= self.max', message: 'min must not be above max' }, { min: 3, max: 2 })).toEqual([
      'spec: Invalid value: "object": min must not be above max',
    ]);
    const told: ValidationRule = {
      rule: 'self.min <= self.max',
      messageExpression: '"min is " + string(self.min) + ", above " + string(self.max)',
      message: 'not this one',
      fieldPath: '.min',
      reason: 'FieldValueForbidden',
    };
    expect(check(told, { min: 3, max: 2 })).toEqual(['spec.min: Forbidden: min is 3, above 2']);
    const failing = { ...told, messageExpression: 'self.interval', fieldPath: '.max', reason: 'FieldValueRequired' };
    expect(check(failing, { min: 3, max: 2 })).toEqual(['spec.max: Required value: not this one']);
  });
});

describe('transition rules', () => {
  test('are checked on changes only', () => {
    expect(check('self.min == oldSelf.min', { min: 1 })).toEqual([]);
    expect(check('self.min == oldSelf.min', { min: 1 }, { min: 1 })).toEqual([]);
    expect(check('self.min == oldSelf.min', { min: 2 }, { min: 1 })).toHaveLength(1);
  });

  test('with an optional oldSelf are checked on creation too', () => {
    const rule = { rule: 'oldSelf.hasValue() || self.min == 1', optionalOldSelf: true };
    expect(check(rule, { min: 2 })).toHaveLength(1);
    expect(check(rule, { min: 2 }, { min: 1 })).toEqual([]);
  });

  test('find an item of a list again by its keys', () => {
    const schema: Schema = {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        properties: { name: { type: 'string' }, n: { type: 'integer' } },
        'x-kubernetes-validations': [{ rule: 'self.n >= oldSelf.n' }],
      },
    };
    const old = [
      { name: 'a', n: 1 },
      { name: 'b', n: 5 },
    ];
    const now = [
      { name: 'b', n: 4 },
      { name: 'a', n: 2 },
      { name: 'c', n: 0 },
    ];
    expect(checkRules(schema, now, old, 'x').map(({ field }) => field)).toEqual(['x[0]']);
  });
});

test('rules that do not compile are told with their place', () => {
  const schema: Schema = {
    type: 'object',
    properties: { a: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self.' }, { rule: '1 + 1' }] } },
  };
  expect(ruleErrors(schema, 's').map(({ field, message }) => `${field}: ${message.split(':').at(0)}`)).toEqual([
    's.properties[a].x-kubernetes-validations[0].rule: Invalid value',
    's.properties[a].x-kubernetes-validations[1].rule: Invalid value',
  ]);
});
