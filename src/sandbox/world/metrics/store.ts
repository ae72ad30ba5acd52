import type { Clock } from '../../../ports/clock.ts';
import { type Labels, labelsFrom } from './labels.ts';
import type { Matcher } from './matcher.ts';
import { checkRangeQuery } from './promql/check.ts';
import { parseError, PromqlError } from './promql/errors.ts';
import { evaluateExpr, SeriesCollector } from './promql/evaluate.ts';
import { parsePromql } from './promql/parse.ts';
import type { Value } from './promql/value.ts';
import { Scraper, type Sink, type Target, type TargetState } from './scraper.ts';
import type { Point } from './series.ts';
import { SeriesIndex } from './series-index.ts';
import { createTicker } from './ticker.ts';

export type { Target, TargetState } from './scraper.ts';
export { PromqlError } from './promql/errors.ts';

/** The answer to a query, with numbers as numbers and times in epoch ms. */
export type QueryResult =
  | { type: 'scalar'; atMs: number; value: number }
  | { type: 'string'; atMs: number; value: string }
  | { type: 'vector'; samples: { labels: Labels; atMs: number; value: number }[] }
  | { type: 'matrix'; series: { labels: Labels; points: readonly Point[] }[] };

export interface MetricsStoreOptions {
  clock: Clock;
  /** @defaultValue 1000 */
  scrapeIntervalMs?: number;
  /** How long samples are kept at least. @defaultValue 15 minutes */
  retentionMs?: number;
}

/** A Prometheus in memory: scrapes targets on the clock, answers PromQL. All calls are synchronous. */
export interface MetricsStore {
  /** Scraped with the next tick and each interval from then on. @returns a function that takes the target away and ends its series */
  addTarget(target: Target): () => void;
  /** Adds a sample to a synthetic series; `labels` with `__name__`. @returns false when the series has a newer one already */
  append(labels: Readonly<Record<string, string>>, value: number, atMs: number): boolean;
  /** @param atMs default: now. @throws PromqlError */
  evaluate(query: string, atMs?: number): QueryResult;
  /** @returns a matrix. @throws PromqlError */
  evaluateRange(
    query: string,
    range: { startMs: number; endMs: number; stepMs: number },
  ): QueryResult & { type: 'matrix' };
  /** The label sets that have samples in the time given and meet one of the selectors (all, when there is none). @throws PromqlError */
  findSeries(selectors: readonly string[], fromMs: number, toMs: number): Labels[];
  targets(): TargetState[];
  /** Stops scraping for good; what is stored can still be asked for. */
  stop(): void;
}

const DEFAULT_INTERVAL_MS = 1000;
const DEFAULT_RETENTION_MS = 15 * 60_000;
/** How often series that are out of retention are looked for. */
const SWEEP_MS = 60_000;
const MAX_RANGE_POINTS = 11_000;

export function createMetricsStore(options: MetricsStoreOptions): MetricsStore {
  const { clock, scrapeIntervalMs = DEFAULT_INTERVAL_MS, retentionMs = DEFAULT_RETENTION_MS } = options;
  const index = new SeriesIndex();
  const scrapers = new Set<Scraper>();
  const keepFromMs = () => clock.now() - retentionMs;
  const sink: Sink = {
    obtain: (labels) => index.obtain(labels),
    append: (series, atMs, value) => series.append(atMs, value, keepFromMs()),
    end: (series, atMs) => series.end(atMs, keepFromMs()),
  };
  let sweptMs = clock.now();
  const ticker = createTicker(clock, scrapeIntervalMs, () => {
    for (const scraper of scrapers) void scraper.run();
    if (clock.now() - sweptMs >= SWEEP_MS) {
      sweptMs = clock.now();
      index.dropOlder(keepFromMs());
    }
    return scrapers.size > 0;
  });
  const select = (matchers: readonly Matcher[]) => index.select(matchers);

  return {
    addTarget(target) {
      const scraper = new Scraper(target, { clock, sink, timeoutMs: scrapeIntervalMs });
      scrapers.add(scraper);
      ticker.wake();
      return () => {
        scraper.end();
        scrapers.delete(scraper);
      };
    },
    append: (labels, value, atMs) => index.obtain(labelsFrom(Object.entries(labels))).append(atMs, value, keepFromMs()),
    evaluate(query, atMs = clock.now()) {
      const expr = parsePromql(query);
      return toResult(evaluateExpr({ select, startMs: atMs, endMs: atMs }, expr, atMs), atMs);
    },
    evaluateRange(query, { startMs, endMs, stepMs }) {
      const expr = parsePromql(query);
      checkRangeQuery(expr);
      checkResolution(startMs, endMs, stepMs);
      const collected = new SeriesCollector();
      for (let atMs = startMs; atMs <= endMs; atMs += stepMs) {
        collected.add(atMs, evaluateExpr({ select, startMs, endMs }, expr, atMs));
      }
      return { type: 'matrix', series: collected.sorted() };
    },
    findSeries(selectors, fromMs, toMs) {
      const found =
        selectors.length === 0 ? [...index] : selectors.flatMap((selector) => select(parseSelector(selector)));
      return [...new Set(found)].filter((series) => series.touches(fromMs, toMs)).map(({ labels }) => labels);
    },
    targets: () => [...scrapers].map(({ state }) => state),
    stop() {
      ticker.stop();
      for (const scraper of scrapers) scraper.end();
    },
  };
}

function toResult(value: Value, atMs: number): QueryResult {
  switch (value.type) {
    case 'scalar':
      return { type: 'scalar', atMs, value: value.value };
    case 'string':
      return { type: 'string', atMs, value: value.value };
    case 'vector':
      return { type: 'vector', samples: value.samples.map((sample) => ({ ...sample, atMs })) };
    case 'matrix':
      return { type: 'matrix', series: [...value.series] };
  }
}

function parseSelector(text: string): readonly Matcher[] {
  const expr = parsePromql(text);
  if (expr.kind === 'selector' && expr.rangeMs === undefined) return expr.matchers;
  throw parseError(text, 0, 'expected type instant vector selector');
}

function checkResolution(startMs: number, endMs: number, stepMs: number): void {
  if (endMs < startMs) throw new PromqlError('bad_data', 'end timestamp must not be before start time');
  if (!(stepMs > 0))
    throw new PromqlError(
      'bad_data',
      'zero or negative query resolution step widths are not accepted. Try a positive integer',
    );
  if ((endMs - startMs) / stepMs > MAX_RANGE_POINTS) {
    const problem =
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)';
    throw new PromqlError('bad_data', problem);
  }
}
