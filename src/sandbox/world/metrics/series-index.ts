import { keyOf, type Labels, METRIC_NAME } from './labels.ts';
import type { Matcher } from './matcher.ts';
import { MetricSeries } from './metric-series.ts';
import { Series } from './series.ts';

interface Selection {
  generation: number;
  series: readonly Series[];
}

/** All series, by metric name. */
export class SeriesIndex {
  readonly #metrics = new Map<string, MetricSeries>();
  /** Over all metrics; for selectors that name none. */
  #generation = 0;
  /** What a parsed selector found; parsed queries live on in their cache, and few series come or go between two looks. */
  readonly #selections = new WeakMap<readonly Matcher[], Selection>();

  /** @returns the series with exactly these labels, made now if need be */
  obtain(labels: Labels): Series {
    const name = labels.get(METRIC_NAME) ?? '';
    const metric = this.#metrics.get(name) ?? new MetricSeries();
    const key = keyOf(labels);
    const known = metric.get(key);
    if (known !== undefined) return known;
    const series = new Series(labels, key);
    metric.add(series);
    this.#metrics.set(name, metric);
    this.#changed(metric);
    return series;
  }

  /** @returns the series that meet all matchers, in the order of their labels */
  select(matchers: readonly Matcher[]): readonly Series[] {
    const exact = matchers.find(({ name, op }) => name === METRIC_NAME && op === '=');
    const metric = exact === undefined ? undefined : this.#metrics.get(exact.value);
    if (exact !== undefined && metric === undefined) return [];
    const generation = metric?.generation ?? this.#generation;
    const known = this.#selections.get(matchers);
    if (known?.generation === generation) return known.series;
    const series = metric === undefined ? this.#search(matchers) : metric.search(matchers);
    series.sort((a, b) => (a.key < b.key ? -1 : 1));
    this.#selections.set(matchers, { generation, series });
    return series;
  }

  #search(matchers: readonly Matcher[]): Series[] {
    const names = matchers.filter(({ name }) => name === METRIC_NAME);
    return [...this.#metrics]
      .filter(([name]) => names.every((matcher) => matcher.matches(name)))
      .flatMap(([, metric]) => metric.search(matchers));
  }

  /** Forgets the series without a sample at or after `keepFromMs`. */
  dropOlder(keepFromMs: number): void {
    for (const [name, metric] of this.#metrics) {
      const old = [...metric].filter((series) => series.newestMs < keepFromMs);
      for (const series of old) metric.forget(series);
      if (old.length > 0) this.#changed(metric);
      if (metric.size === 0) this.#metrics.delete(name);
    }
  }

  /** One counter for all, so that a metric that went and came back never shows an old generation again. */
  #changed(metric: MetricSeries): void {
    this.#generation += 1;
    metric.generation = this.#generation;
  }

  *[Symbol.iterator](): IterableIterator<Series> {
    for (const metric of this.#metrics.values()) yield* metric;
  }
}
