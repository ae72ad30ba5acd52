import { keyOf, type Labels, METRIC_NAME, only, showLabels, withLabel, without, withoutName } from '../labels.ts';
import type { Binary, Matching } from './ast.ts';
import { isComparison } from './check.ts';
import { executionError } from './errors.ts';
import type { Sample, Value } from './value.ts';

const ARITHMETIC: Record<string, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': power,
};

const COMPARE: Record<string, (a: number, b: number) => boolean> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

/** As Go's math.Pow, which gives 1 for every power of 1 and for -1 to an infinite power. */
function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY)) return 1;
  return base ** exponent;
}

/** Arithmetic and comparison; sets are {@link combineSets}'s. @returns undefined where a comparison filters the pair out */
function applyOperator({ op, bool }: Binary, left: number, right: number, kept: number): number | undefined {
  const arithmetic = ARITHMETIC[op];
  if (arithmetic !== undefined) return arithmetic(left, right);
  const holds = COMPARE[op]?.(left, right) ?? false;
  if (bool) return Number(holds);
  return holds ? kept : undefined;
}

function dropsName({ op, bool }: Binary): boolean {
  return bool || !isComparison(op);
}

/** @throws PromqlError `execution` where the vectors cannot be matched */
export function evaluateBinary(expr: Binary, left: Value, right: Value): Value {
  if (left.type === 'scalar' && right.type === 'scalar') {
    return { type: 'scalar', value: applyOperator(expr, left.value, right.value, left.value) ?? Number.NaN };
  }
  if (left.type === 'vector' && right.type === 'vector') {
    const isSet = expr.matching.cardinality === 'many-to-many';
    const combine = isSet ? combineSets : matchVectors;
    return { type: 'vector', samples: combine(expr, left.samples, right.samples) };
  }
  if (left.type === 'vector' && right.type === 'scalar') {
    return mapped(expr, left.samples, (value) => applyOperator(expr, value, right.value, value));
  }
  if (left.type === 'scalar' && right.type === 'vector') {
    return mapped(expr, right.samples, (value) => applyOperator(expr, left.value, value, value));
  }
  throw executionError(`binary operator "${expr.op}" between ${left.type} and ${right.type}`);
}

function mapped(expr: Binary, samples: readonly Sample[], change: (value: number) => number | undefined): Value {
  const results: Sample[] = [];
  for (const { labels, value } of samples) {
    const result = change(value);
    if (result !== undefined) results.push({ labels: dropsName(expr) ? withoutName(labels) : labels, value: result });
  }
  return { type: 'vector', samples: results };
}

/** The labels by which two series belong together. */
function matchLabels({ on, labels }: Matching): (of: Labels) => Labels {
  const names = new Set(on ? labels : [...labels, METRIC_NAME]);
  return (of) => (on ? only(of, names) : without(of, names));
}

function combineSets({ op, matching }: Binary, left: readonly Sample[], right: readonly Sample[]): Sample[] {
  const labelsOf = matchLabels(matching);
  const keys = (samples: readonly Sample[]) => new Set(samples.map(({ labels }) => keyOf(labelsOf(labels))));
  if (op === 'or') {
    const inLeft = keys(left);
    return [...left, ...right.filter(({ labels }) => !inLeft.has(keyOf(labelsOf(labels))))];
  }
  const inRight = keys(right);
  return left.filter(({ labels }) => inRight.has(keyOf(labelsOf(labels))) === (op === 'and'));
}

function matchVectors(expr: Binary, left: readonly Sample[], right: readonly Sample[]): Sample[] {
  if (left.length === 0 || right.length === 0) return [];
  const swapped = expr.matching.cardinality === 'one-to-many';
  const [many, one] = swapped ? [right, left] : [left, right];
  const labelsOf = matchLabels(expr.matching);
  const partners = indexOneSide(one, labelsOf, swapped ? 'left' : 'right');
  const taken = new Map<string, Set<string>>();
  const results: Sample[] = [];
  for (const sample of many) {
    const group = keyOf(labelsOf(sample.labels));
    const partner = partners.get(group);
    if (partner === undefined) continue;
    const [a, b] = swapped ? [partner.value, sample.value] : [sample.value, partner.value];
    const value = applyOperator(expr, a, b, a);
    if (value === undefined) continue;
    const labels = resultLabels(expr, sample.labels, partner.labels);
    claim(taken, expr.matching, group, labels);
    results.push({ labels, value });
  }
  return results;
}

function indexOneSide(samples: readonly Sample[], labelsOf: (of: Labels) => Labels, side: string): Map<string, Sample> {
  const index = new Map<string, Sample>();
  for (const sample of samples) {
    const group = labelsOf(sample.labels);
    const key = keyOf(group);
    const other = index.get(key);
    if (other !== undefined) {
      throw executionError(
        `found duplicate series for the match group ${showLabels(group)} on the ${side} hand-side of the operation: ` +
          `[${showLabels(sample.labels)}, ${showLabels(other.labels)}];many-to-many matching not allowed: matching labels must be unique on one side`,
      );
    }
    index.set(key, sample);
  }
  return index;
}

function resultLabels(expr: Binary, many: Labels, one: Labels): Labels {
  const { on, labels, cardinality, include } = expr.matching;
  let result = dropsName(expr) ? withoutName(many) : many;
  if (cardinality === 'one-to-one') {
    const names = new Set(labels);
    return on ? only(result, names) : without(result, names);
  }
  for (const name of include) result = withLabel(result, name, one.get(name) ?? '');
  return result;
}

/** One to one, a group may be met once; grouped, each of its results must differ from the others. */
function claim(taken: Map<string, Set<string>>, matching: Matching, group: string, labels: Labels): void {
  const results = taken.get(group) ?? new Set();
  const oneToOne = matching.cardinality === 'one-to-one';
  const key = oneToOne ? '' : keyOf(labels);
  if (results.has(key)) {
    throw executionError(
      oneToOne
        ? 'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)'
        : 'multiple matches for labels: grouping labels must ensure unique matches',
    );
  }
  taken.set(group, results.add(key));
}
