import { keyOf, type Labels, withoutName } from '../labels.ts';
import type { Matcher } from '../matcher.ts';
import type { Point, Series } from '../series.ts';
import { aggregate } from './aggregate.ts';
import type { Aggregation, Call, Expr, Selector, Subquery, TimeShift } from './ast.ts';
import { evaluateBinary } from './binary.ts';
import { executionError } from './errors.ts';
import { functionOf } from './functions.ts';
import type { Matrix, RangeSeries, Sample, Value, Vector } from './value.ts';

/** How long a sample counts where no stale marker ends it. */
const LOOKBACK_MS = 5 * 60_000;
/** Prometheus' default evaluation interval, in which subqueries without a step are evaluated. */
const DEFAULT_SUBQUERY_STEP_MS = 60_000;
const MAX_SUBQUERY_STEPS = 100_000;

/** What a query sees: the data, and the ends of the query for `@ start()` and `@ end()`. */
export interface Scope {
  /** @returns the series that meet all matchers, in the order of their labels */
  select(matchers: readonly Matcher[]): readonly Series[];
  startMs: number;
  endMs: number;
}

/** @throws PromqlError `execution` */
export function evaluateExpr(scope: Scope, expr: Expr, atMs: number): Value {
  switch (expr.kind) {
    case 'number':
      return { type: 'scalar', value: expr.value };
    case 'string':
      return { type: 'string', value: expr.value };
    case 'selector':
      return evaluateSelector(scope, expr, atMs);
    case 'subquery':
      return evaluateSubquery(scope, expr, atMs);
    case 'negation':
      return negated(evaluateExpr(scope, expr.expr, atMs));
    case 'call':
      return unique(evaluateCall(scope, expr, atMs));
    case 'aggregation':
      return evaluateAggregation(scope, expr, atMs);
    case 'binary':
      return unique(evaluateBinary(expr, evaluateExpr(scope, expr.left, atMs), evaluateExpr(scope, expr.right, atMs)));
  }
}

function shiftedTime(scope: Scope, { offsetMs, at }: TimeShift, atMs: number): number {
  const base = at === undefined ? atMs : at === 'start' ? scope.startMs : at === 'end' ? scope.endMs : at;
  return base - offsetMs;
}

function evaluateSelector(scope: Scope, selector: Selector, atMs: number): Value {
  const toMs = shiftedTime(scope, selector, atMs);
  const { rangeMs } = selector;
  if (rangeMs === undefined) return { type: 'vector', samples: newest(scope, selector, atMs, ({ value }) => value) };
  const fromMs = toMs - rangeMs;
  const series: RangeSeries[] = [];
  for (const one of scope.select(selector.matchers)) {
    const points = one.between(fromMs, toMs);
    if (points.length > 0) series.push({ labels: one.labels, points });
  }
  return { type: 'matrix', fromMs, toMs, series };
}

function newest(scope: Scope, selector: Selector, atMs: number, pick: (point: Point) => number): Sample[] {
  const toMs = shiftedTime(scope, selector, atMs);
  const samples: Sample[] = [];
  for (const series of scope.select(selector.matchers)) {
    const point = series.at(toMs, LOOKBACK_MS);
    if (point !== undefined) samples.push({ labels: series.labels, value: pick(point) });
  }
  return samples;
}

/** The inner expression at multiples of the step since the epoch, so that neighbouring evaluations see the same moments. */
function evaluateSubquery(scope: Scope, subquery: Subquery, atMs: number): Matrix {
  const toMs = shiftedTime(scope, subquery, atMs);
  const fromMs = toMs - subquery.rangeMs;
  const stepMs = subquery.stepMs ?? DEFAULT_SUBQUERY_STEP_MS;
  if (subquery.rangeMs / stepMs > MAX_SUBQUERY_STEPS) {
    throw executionError(
      `subquery of ${subquery.rangeMs} ms in steps of ${stepMs} ms has more than ${MAX_SUBQUERY_STEPS} steps`,
    );
  }
  const collected = new SeriesCollector();
  for (let moment = (Math.floor(fromMs / stepMs) + 1) * stepMs; moment <= toMs; moment += stepMs) {
    collected.add(moment, evaluateExpr(scope, subquery.expr, moment));
  }
  return { type: 'matrix', fromMs, toMs, series: collected.sorted() };
}

/** Puts the vectors of successive moments together to series. */
export class SeriesCollector {
  readonly #series = new Map<string, { labels: Labels; points: Point[] }>();

  add(atMs: number, value: Value): void {
    if (value.type === 'scalar') this.#push(new Map(), { atMs, value: value.value });
    if (value.type !== 'vector') return;
    for (const sample of value.samples) this.#push(sample.labels, { atMs, value: sample.value });
  }

  #push(labels: Labels, point: Point): void {
    const key = keyOf(labels);
    const series = this.#series.get(key);
    if (series === undefined) this.#series.set(key, { labels, points: [point] });
    else series.points.push(point);
  }

  /** In the order of their labels. */
  sorted(): { labels: Labels; points: Point[] }[] {
    return [...this.#series].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, series]) => series);
  }
}

function negated(value: Value): Value {
  if (value.type === 'scalar') return { type: 'scalar', value: -value.value };
  const { samples } = value as Vector;
  return unique({
    type: 'vector',
    samples: samples.map(({ labels, value: of }) => ({ labels: withoutName(labels), value: -of })),
  });
}

function evaluateCall(scope: Scope, call: Call, atMs: number): Value {
  const [argument] = call.args;
  if (call.name === 'timestamp' && argument?.kind === 'selector') {
    const samples = newest(scope, argument, atMs, (point) => point.atMs / 1000);
    return { type: 'vector', samples: samples.map(({ labels, value }) => ({ labels: withoutName(labels), value })) };
  }
  const known = functionOf(call.name);
  if (known === undefined) throw executionError(`unknown function with name "${call.name}"`);
  const values = call.args.map((of) => evaluateExpr(scope, of, atMs));
  return known.call(values, { atMs, args: call.args });
}

function evaluateAggregation(scope: Scope, aggregation: Aggregation, atMs: number): Value {
  const { samples } = evaluateExpr(scope, aggregation.expr, atMs) as Vector;
  const param = aggregation.param === undefined ? undefined : evaluateExpr(scope, aggregation.param, atMs);
  return {
    type: 'vector',
    samples: aggregate(aggregation, samples, param?.type === 'scalar' ? param.value : undefined),
  };
}

/** Dropping names and changing labels can make two series one; Prometheus refuses that. */
function unique(value: Value): Value {
  if (value.type !== 'vector' || value.samples.length < 2) return value;
  const keys = new Set(value.samples.map(({ labels }) => keyOf(labels)));
  if (keys.size === value.samples.length) return value;
  throw executionError('vector cannot contain metrics with the same labelset');
}
