import { type Matcher, matchesAll } from './matcher.ts';
import type { Series } from './series.ts';

/** The series of one metric, found by their labels. */
export class MetricSeries {
  /** Set by the index with each series that comes or goes. */
  generation = 0;
  readonly #byKey = new Map<string, Series>();
  /** Label → value → series, for the labels that a query has asked for with `=`. */
  readonly #byLabel = new Map<string, Map<string, Set<Series>>>();

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): Series | undefined {
    return this.#byKey.get(key);
  }

  add(series: Series): void {
    this.#byKey.set(series.key, series);
    for (const [label, byValue] of this.#byLabel) file(byValue, series.labels.get(label), series);
  }

  forget(series: Series): void {
    this.#byKey.delete(series.key);
    series.forgotten = true;
    for (const [label, byValue] of this.#byLabel) {
      const value = series.labels.get(label) ?? '';
      const filed = byValue.get(value);
      filed?.delete(series);
      if (filed?.size === 0) byValue.delete(value);
    }
  }

  search(matchers: readonly Matcher[]): Series[] {
    let candidates: Iterable<Series> = this.#byKey.values();
    let fewest = Number.POSITIVE_INFINITY;
    for (const { name, op, value } of matchers) {
      if (op !== '=' || value === '' || name === '__name__') continue;
      const found = this.#filedBy(name).get(value);
      if (found === undefined) return [];
      if (found.size < fewest) [candidates, fewest] = [found, found.size];
    }
    return [...candidates].filter(({ labels }) => matchesAll(matchers, labels));
  }

  #filedBy(label: string): Map<string, Set<Series>> {
    const known = this.#byLabel.get(label);
    if (known !== undefined) return known;
    const byValue = new Map<string, Set<Series>>();
    for (const series of this) file(byValue, series.labels.get(label), series);
    this.#byLabel.set(label, byValue);
    return byValue;
  }

  [Symbol.iterator](): IterableIterator<Series> {
    return this.#byKey.values();
  }
}

function file(byValue: Map<string, Set<Series>>, value: string | undefined, series: Series): void {
  if (value === undefined) return;
  const filed = byValue.get(value);
  if (filed === undefined) byValue.set(value, new Set([series]));
  else filed.add(series);
}
