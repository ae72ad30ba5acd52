import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { createMetricsStore, type MetricsStore, PromqlError } from '../../src/sandbox/world/metrics/store.ts';
import { manualClock } from './metrics-fixtures.ts';

const START_MS = 1_800_000_000_000;

let store: MetricsStore;

beforeEach(() => {
  store = createMetricsStore({ clock: manualClock(START_MS) });
});

/** Adds samples at the seconds given after the start. */
function add(labels: Record<string, string>, samples: Record<number, number>): void {
  for (const [second, value] of Object.entries(samples)) store.append(labels, value, START_MS + Number(second) * 1000);
}

/** The answer at a second after the start: a number, or label text → number. */
function ask(query: string, second: number): unknown {
  const result = store.evaluate(query, START_MS + second * 1000);
  if (result.type === 'scalar' || result.type === 'string') return result.value;
  if (result.type === 'matrix') {
    return result.series.map(({ points }) => points.map(({ atMs, value }) => [(atMs - START_MS) / 1000, value]));
  }
  const text = (labels: ReadonlyMap<string, string>) => [...labels].map((pair) => pair.join('=')).join(',');
  return Object.fromEntries(result.samples.map(({ labels, value }) => [text(labels), value]));
}

function errorOf(query: string): PromqlError {
  try {
    store.evaluate(query, START_MS);
  } catch (error) {
    if (error instanceof PromqlError) return error;
    throw error;
  }
  throw new Error(`${query} was answered`);
}

describe('windows', () => {
  beforeEach(() => add({ __name__: 'c' }, { 0: 10, 10: 20, 20: 30, 30: 40, 40: 50 }));

  test('are open on the left and closed on the right', () => {
    expect(ask('c[20s]', 40)).toEqual([
      [
        [30, 40],
        [40, 50],
      ],
    ]);
    expect(ask('c[20s]', 39)).toEqual([
      [
        [20, 30],
        [30, 40],
      ],
    ]);
  });

  test('of subqueries lie on multiples of the step and are open on the left too', () => {
    expect(ask('c[20s:10s]', 40)).toEqual([
      [
        [30, 40],
        [40, 50],
      ],
    ]);
    expect(ask('c[20s:10s]', 43)).toEqual([
      [
        [30, 40],
        [40, 50],
      ],
    ]);
  });

  test('move with offset and stand with @', () => {
    expect(ask('c[20s] offset 10s', 40)).toEqual([
      [
        [20, 30],
        [30, 40],
      ],
    ]);
    expect(ask(`c @ ${START_MS / 1000 + 10}`, 40)).toEqual({ '__name__=c': 20 });
    expect(ask(`c[20s] @ ${START_MS / 1000 + 20} offset 10s`, 40)).toEqual([
      [
        [0, 10],
        [10, 20],
      ],
    ]);
  });
});

describe('rates', () => {
  test('reach to the ends of the window when samples are near to them', () => {
    add({ __name__: 'c' }, { 5: 100, 15: 110, 25: 120, 35: 130, 45: 140, 55: 150 });
    expect(ask('increase(c[60s])', 60)).toEqual({ '': 60 });
    expect(ask('rate(c[60s])', 60)).toEqual({ '': 1 });
  });

  test('reach half a distance where the series began or ended inside the window', () => {
    add({ __name__: 'c' }, { 30: 100, 40: 110, 50: 120 });
    expect(ask('increase(c[100s])', 100)).toEqual({ '': 30 });
  });

  test('never reach back to where the counter would have been below 0', () => {
    add({ __name__: 'c' }, { 30: 2, 40: 12, 50: 22 });
    expect(ask('increase(c[50s])', 50)).toEqual({ '': 22 });
    expect(ask('delta(c[50s])', 50)).toEqual({ '': 25 });
  });

  test('count a reset as a beginning at 0', () => {
    add({ __name__: 'c' }, { 5: 100, 15: 110, 25: 4, 35: 14 });
    expect(ask('increase(c[40s])', 40)).toEqual({ '': (10 + 4 + 10) * (40 / 30) });
    expect(ask('irate(c[10s])', 25)).toEqual({});
    expect(ask('irate(c[40s])', 25)).toEqual({ '': 0.4 });
    expect(ask('resets(c[40s])', 40)).toEqual({ '': 1 });
  });

  test('need two samples', () => {
    add({ __name__: 'c' }, { 5: 100 });
    expect(ask('rate(c[1m])', 10)).toEqual({});
    expect(ask('sum(rate(c[1m])) or vector(0)', 10)).toEqual({ '': 0 });
  });
});

describe('operators', () => {
  beforeEach(() => {
    add({ __name__: 'a', side: 'canary' }, { 0: 1, 10: 5 });
    add({ __name__: 'a', side: 'stable' }, { 0: 2, 10: 6 });
  });

  test.each([
    ['1 + 2 * 3', 7],
    ['2 ^ 3 ^ 2', 512],
    ['-1 ^ 2', -1],
    ['-(1) * 2', -2],
    ['10 - 3 - 2', 5],
    ['7 % 4 * 2', 6],
    ['1 == bool 1', 1],
    ['1h / 1m', 60],
    ['0x10 + 1e1 + .5', 26.5],
    ['+5', 5],
    ['# comment\n1 # more\n+ 1', 2],
  ])('%s is %d', (query, value) => {
    expect(ask(query, 0)).toBe(value);
  });

  test('modifiers belong to the selector in front of them and not to the sum', () => {
    expect(ask('a - a offset 10s', 10)).toEqual({ 'side=canary': 4, 'side=stable': 4 });
    expect(ask('a + a offset 10s * 2', 10)).toEqual({ 'side=canary': 7, 'side=stable': 10 });
    expect(ask('-a offset 10s', 10)).toEqual({ 'side=canary': -1, 'side=stable': -2 });
    expect(ask('1 + sum_over_time(a[10s])', 10)).toEqual({ 'side=canary': 6, 'side=stable': 7 });
  });

  test('match series by their labels', () => {
    expect(ask('a / ignoring(side) group_left sum(a)', 10)).toEqual({ 'side=canary': 5 / 11, 'side=stable': 6 / 11 });
    expect(ask('a and on(side) a{side="canary"}', 10)).toEqual({ '__name__=a,side=canary': 5 });
    expect(ask('a > 5', 10)).toEqual({ '__name__=a,side=stable': 6 });
    expect(ask('a > bool 5', 10)).toEqual({ 'side=canary': 0, 'side=stable': 1 });
  });

  test('refuse several partners by name', () => {
    expect(errorOf('sum(a) + on() a')).toMatchObject({ errorType: 'execution' });
    expect(errorOf('sum(a) + on() a').message).toContain(
      'found duplicate series for the match group {} on the right hand-side',
    );
    expect(errorOf('a + on() sum(a)').message).toContain('many-to-one matching must be explicit');
  });
});

describe('a query that is not one', () => {
  test.each([
    ['', '1:1: parse error: no expression found in input'],
    ['# nothing', 'no expression found in input'],
    ['sum(', '1:5: parse error: unexpected end of input'],
    ['a\n  + )', '2:5: parse error: unexpected ")"'],
    ['nope(a)', '1:1: parse error: unknown function with name "nope"'],
    ['1 + nope(a)', '1:5: parse error: unknown function with name "nope"'],
    ['rate(a)', '1:6: parse error: expected type range vector in call to function "rate", got instant vector'],
    ['a{b="c}', '1:5: parse error: unterminated quoted string'],
    ['a{b=~"("}', '1:3: parse error: error parsing regexp: missing closing ): `(`'],
    ['{b=~".*"}', '1:1: parse error: vector selector must contain at least one non-empty matcher'],
    ['1 > 2', '1:3: parse error: comparisons between scalars must use BOOL modifier'],
  ])('%j is refused with its place', (query, message) => {
    const error = errorOf(query);
    expect(error.errorType).toBe('bad_data');
    expect(error.message).toContain(message);
  });

  test.each([
    ['1 + deriv(a[5m])', '1:5: parse error: the function "deriv" is not supported'],
    ['count_values("x", a)', '1:1: parse error: the aggregation "count_values" is not supported'],
    ['a atan2 b', '1:3: parse error: the operator "atan2" is not supported'],
    ['rate(a[5m + 1m])', '1:8: parse error: the duration expression "5m + 1m" is not supported'],
    ['rate(a[5m] smoothed)', 'is not supported'],
    ['a + fill(0) b', 'the modifier "fill" is not supported'],
  ])('%s is refused by the name of what is missing', (query, message) => {
    expect(errorOf(query)).toMatchObject({ errorType: 'bad_data' });
    expect(errorOf(query).message).toContain(message);
  });

  test('never gives anything but an answer or a PromqlError', () => {
    const words =
      'a rate sum by ( ) [ ] 5m : { } = =~ "x" " + - ^ and on group_left offset @ 1 bool == , start() topk inf # or label_replace `';
    const word = fc.constantFrom(...words.split(' '), '\n');
    fc.assert(
      fc.property(fc.array(word, { maxLength: 10 }), (chosen) => {
        try {
          store.evaluate(chosen.join(' '), START_MS);
        } catch (error) {
          expect(error).toBeInstanceOf(PromqlError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what holds for any samples', () => {
  const values = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 2, maxLength: 40 });

  test('an increase is at least the rise between first and last sample of a counter, and a rate is the increase per second', () => {
    fc.assert(
      fc.property(values, (rises) => {
        const fresh = createMetricsStore({ clock: manualClock(START_MS) });
        let total = 0;
        rises.forEach((rise, index) => {
          total += rise;
          fresh.append({ __name__: 'c' }, total, START_MS + index * 1000);
        });
        const atMs = START_MS + rises.length * 1000;
        const value = (query: string) => {
          const result = fresh.evaluate(query, atMs);
          return result.type === 'vector' ? (result.samples[0]?.value ?? Number.NaN) : Number.NaN;
        };
        const rise = total - (rises[0] ?? 0);
        expect(value('increase(c[60s])')).toBeGreaterThanOrEqual(rise * (1 - 1e-12));
        expect(value('rate(c[60s]) * 60')).toBeCloseTo(value('increase(c[60s])'), 6);
        expect(value('max_over_time(c[60s]) - min_over_time(c[60s])')).toBe(rise);
      }),
    );
  });

  test('sums by a label add up to the sum of all, and quantiles lie between least and greatest', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, q) => {
        const fresh = createMetricsStore({ clock: manualClock(START_MS) });
        all.forEach((value, index) => {
          fresh.append({ __name__: 'g', pod: String(index), zone: String(index % 3) }, value, START_MS);
        });
        const value = (query: string) => {
          const result = fresh.evaluate(query, START_MS);
          return result.type === 'vector' ? (result.samples[0]?.value ?? Number.NaN) : Number.NaN;
        };
        expect(value('sum(sum by (zone) (g))')).toBe(value('sum(g)'));
        expect(value(`quantile(${q}, g)`)).toBeGreaterThanOrEqual(value('min(g)') - 1e-9);
        expect(value(`quantile(${q}, g)`)).toBeLessThanOrEqual(value('max(g)') + 1e-9);
      }),
    );
  });
});
