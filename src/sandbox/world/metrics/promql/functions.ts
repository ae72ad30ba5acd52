import { NO_LABELS, withoutName } from '../labels.ts';
import type { Expr, ValueType } from './ast.ts';
import { histogramQuantile } from './histogram.ts';
import { absentLabels, labelJoin, labelReplace } from './label-functions.ts';
import { compareNumbers } from './numbers.ts';
import { OVER_TIME, type OverTime, quantileOverTime } from './over-time.ts';
import type { Matrix, Sample, Value, Vector } from './value.ts';

/** What a function may know beside its arguments' values. */
interface CallSite {
  atMs: number;
  args: readonly Expr[];
}

export interface PromqlFunction {
  args: readonly ValueType[];
  /** How many of the last arguments may be left out. */
  optional: number;
  /** Whether the last argument may come again and again. */
  variadic: boolean;
  returns: ValueType;
  /** @param values of the types that `args` says; the parser has checked them */
  call(values: readonly Value[], site: CallSite): Value;
}

/** @returns the function, undefined where this evaluator has none of that name */
export function functionOf(name: string): PromqlFunction | undefined {
  return FUNCTIONS.get(name);
}

const scalarAt = (values: readonly Value[], index: number) => (values[index] as { value: number }).value;
const stringAt = (values: readonly Value[], index: number) => (values[index] as { value: string }).value;
const vectorAt = (values: readonly Value[], index: number) => (values[index] as Vector).samples;
const matrixAt = (values: readonly Value[], index: number) => values[index] as Matrix;
const vector = (samples: readonly Sample[]): Vector => ({ type: 'vector', samples });

function define(
  args: readonly ValueType[],
  call: PromqlFunction['call'],
  more: Partial<PromqlFunction> = {},
): PromqlFunction {
  return { args, optional: 0, variadic: false, returns: 'vector', call, ...more };
}

/** A function of each sample's value, with scalar parameters behind. */
function eachValue(scalars: number, change: (value: number, ...parameters: number[]) => number): PromqlFunction {
  return define(['vector', ...Array<ValueType>(scalars).fill('scalar')], (values) => {
    const parameters = values.slice(1).map((_, index) => scalarAt(values, index + 1));
    return vector(changed(vectorAt(values, 0), (value) => change(value, ...parameters)));
  });
}

function changed(samples: readonly Sample[], change: (value: number) => number): Sample[] {
  return samples.map(({ labels, value }) => ({ labels: withoutName(labels), value: change(value) }));
}

function overTime(matrix: Matrix, reduce: OverTime, keepName: boolean): Vector {
  const samples: Sample[] = [];
  for (const { labels, points } of matrix.series) {
    const value = points.length === 0 ? undefined : reduce(points, matrix);
    if (value !== undefined) samples.push({ labels: keepName ? labels : withoutName(labels), value });
  }
  return vector(samples);
}

function clamp(values: readonly Value[]): Vector {
  const [low, high] = [scalarAt(values, 1), scalarAt(values, 2)];
  if (high < low) return vector([]);
  return vector(changed(vectorAt(values, 0), (value) => Math.max(low, Math.min(high, value))));
}

function round(values: readonly Value[]): Vector {
  const inverse = 1 / (values.length === 2 ? scalarAt(values, 1) : 1);
  return vector(changed(vectorAt(values, 0), (value) => Math.floor(value * inverse + 0.5) / inverse));
}

/** NaN comes last in both directions. */
function sorted(samples: readonly Sample[], direction: 1 | -1): Vector {
  const rank = (a: Sample, b: Sample) => Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value));
  return vector([...samples].sort((a, b) => rank(a, b) || direction * compareNumbers(a.value, b.value)));
}

function absent(empty: boolean, [argument]: readonly Expr[]): Vector {
  return vector(empty ? [{ labels: absentLabels(argument), value: 1 }] : []);
}

/** `timestamp` of a plain selector is the evaluator's: only it knows the samples' own times. */
const FUNCTIONS = new Map<string, PromqlFunction>([
  ['abs', eachValue(0, Math.abs)],
  ['ceil', eachValue(0, Math.ceil)],
  ['floor', eachValue(0, Math.floor)],
  ['exp', eachValue(0, Math.exp)],
  ['ln', eachValue(0, Math.log)],
  ['log2', eachValue(0, Math.log2)],
  ['log10', eachValue(0, Math.log10)],
  ['sqrt', eachValue(0, Math.sqrt)],
  ['sgn', eachValue(0, Math.sign)],
  ['clamp_min', eachValue(1, (value, low = 0) => Math.max(low, value))],
  ['clamp_max', eachValue(1, (value, high = 0) => Math.min(high, value))],
  ['clamp', define(['vector', 'scalar', 'scalar'], clamp)],
  ['round', define(['vector', 'scalar'], round, { optional: 1 })],
  ['sort', define(['vector'], (values) => sorted(vectorAt(values, 0), 1))],
  ['sort_desc', define(['vector'], (values) => sorted(vectorAt(values, 0), -1))],
  ['timestamp', define(['vector'], (values, { atMs }) => vector(changed(vectorAt(values, 0), () => atMs / 1000)))],
  ['time', define([], (_, { atMs }) => ({ type: 'scalar', value: atMs / 1000 }), { returns: 'scalar' })],
  ['vector', define(['scalar'], (values) => vector([{ labels: NO_LABELS, value: scalarAt(values, 0) }]))],
  ['scalar', define(['vector'], toScalar, { returns: 'scalar' })],
  ['absent', define(['vector'], (values, { args }) => absent(vectorAt(values, 0).length === 0, args))],
  ['absent_over_time', define(['matrix'], (values, { args }) => absent(matrixAt(values, 0).series.length === 0, args))],
  ['label_replace', define(['vector', 'string', 'string', 'string', 'string'], replaceLabel)],
  ['label_join', define(['vector', 'string', 'string', 'string'], joinLabels, { optional: 1, variadic: true })],
  [
    'histogram_quantile',
    define(['scalar', 'vector'], (values) => vector(histogramQuantile(scalarAt(values, 0), vectorAt(values, 1)))),
  ],
  [
    'quantile_over_time',
    define(['scalar', 'matrix'], (values) => {
      const q = scalarAt(values, 0);
      return overTime(matrixAt(values, 1), (points) => quantileOverTime(q, points), false);
    }),
  ],
  ...Object.entries(OVER_TIME).map(([name, reduce]): [string, PromqlFunction] => {
    return [name, define(['matrix'], (values) => overTime(matrixAt(values, 0), reduce, name === 'last_over_time'))];
  }),
]);

function toScalar(values: readonly Value[]): Value {
  const samples = vectorAt(values, 0);
  return { type: 'scalar', value: samples.length === 1 ? (samples[0]?.value ?? Number.NaN) : Number.NaN };
}

function replaceLabel(values: readonly Value[]): Vector {
  const [, to = '', replacement = '', from = '', regex = ''] = values.map((_, index) =>
    index === 0 ? '' : stringAt(values, index),
  );
  return vector(labelReplace(vectorAt(values, 0), { to, replacement, from, regex }));
}

function joinLabels(values: readonly Value[]): Vector {
  const [to = '', separator = '', ...from] = values.slice(1).map((_, index) => stringAt(values, index + 1));
  return vector(labelJoin(vectorAt(values, 0), { to, separator, from }));
}
