import type { Labels } from '../../world/metrics/labels.ts';
import type { QueryResult } from '../../world/metrics/store.ts';

/** What stands under `data` in an answer to a query. */
interface QueryData {
  resultType: 'scalar' | 'string' | 'vector' | 'matrix';
  result: unknown;
}

/** A number as Prometheus writes it: `NaN`, `+Inf`, `1e-07`, `-0`. */
function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  if (Object.is(value, -0)) return '-0';
  // Both switch to exponents at the same magnitudes; Go writes at least two digits of them.
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}

/** @returns labels as a JSON object; `__proto__` too is an ordinary key of it */
export function formatLabels(labels: Labels): Record<string, string> {
  return Object.fromEntries(labels);
}

export function formatResult(result: QueryResult): QueryData {
  switch (result.type) {
    case 'scalar':
      return { resultType: 'scalar', result: [result.atMs / 1000, formatValue(result.value)] };
    case 'string':
      return { resultType: 'string', result: [result.atMs / 1000, result.value] };
    case 'vector':
      return {
        resultType: 'vector',
        result: result.samples.map(({ labels, atMs, value }) => ({
          metric: formatLabels(labels),
          value: [atMs / 1000, formatValue(value)],
        })),
      };
    case 'matrix':
      return {
        resultType: 'matrix',
        result: result.series.map(({ labels, points }) => ({
          metric: formatLabels(labels),
          values: points.map(({ atMs, value }) => [atMs / 1000, formatValue(value)]),
        })),
      };
  }
}
