import { keyOf, type Labels, METRIC_NAME, only, without } from '../labels.ts';
import type { Aggregation } from './ast.ts';
import { executionError } from './errors.ts';
import { compareNumbers, maxOf, meanOf, minOf, quantileOf, sumOf, varianceOf } from './numbers.ts';
import type { Sample } from './value.ts';

const REDUCERS: Record<string, (values: readonly number[]) => number> = {
  sum: sumOf,
  avg: meanOf,
  min: minOf,
  max: maxOf,
  count: (values) => values.length,
  group: () => 1,
  stddev: (values) => Math.sqrt(varianceOf(values)),
  stdvar: varianceOf,
};

interface Group {
  labels: Labels;
  samples: Sample[];
}

/** @param param the value of the aggregation's parameter, where it has one */
export function aggregate(
  { op, grouping, without: leaveOut }: Aggregation,
  samples: readonly Sample[],
  param: number | undefined,
): Sample[] {
  const groups = [...grouped(samples, grouping, leaveOut)];
  if (op === 'topk' || op === 'bottomk') {
    const size = groupSize(param);
    return groups.flatMap((group) => extremes(group.samples, size, op === 'topk' ? -1 : 1));
  }
  const reduce = REDUCERS[op] ?? ((values: readonly number[]) => quantileOf(param ?? Number.NaN, values));
  return groups.map(({ labels, samples: members }) => ({ labels, value: reduce(members.map(({ value }) => value)) }));
}

function grouped(samples: readonly Sample[], grouping: readonly string[], leaveOut: boolean): Iterable<Group> {
  const names = new Set(leaveOut ? [...grouping, METRIC_NAME] : grouping);
  const groups = new Map<string, Group>();
  for (const sample of samples) {
    const labels = leaveOut ? without(sample.labels, names) : only(sample.labels, names);
    const key = keyOf(labels);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { labels, samples: [sample] });
    else group.samples.push(sample);
  }
  return groups.values();
}

function groupSize(param: number | undefined): number {
  if (param === undefined || Number.isNaN(param)) throw executionError(`Parameter value is NaN`);
  if (Math.abs(param) >= 2 ** 63) throw executionError(`Scalar value ${param} overflows int64`);
  return Math.max(0, Math.trunc(param));
}

/** The first `size` in the direction; NaN only where nothing else is left. */
function extremes(samples: readonly Sample[], size: number, direction: 1 | -1): Sample[] {
  const rank = (a: Sample, b: Sample) => Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value));
  return [...samples].sort((a, b) => rank(a, b) || direction * compareNumbers(a.value, b.value)).slice(0, size);
}
