import type { Clock } from '../../../ports/clock.ts';
import { parseExposition, parseSeries } from './exposition.ts';
import { type Labels, labelsFrom } from './labels.ts';
import type { Series } from './series.ts';

/** Something that exposes metrics. */
export interface Target {
  /** Added to each of its series, as a rule `job` and `instance`. A label of the same name in the metrics becomes `exported_<name>`. */
  labels: Readonly<Record<string, string>>;
  /** @returns Prometheus' text format 0.0.4; rejects when the target cannot be reached. `signal` ends at the timeout. */
  scrape(signal: AbortSignal): Promise<string> | string;
}

/** Where scraped samples go. */
export interface Sink {
  obtain(labels: Labels): Series;
  append(series: Series, atMs: number, value: number): void;
  end(series: Series, atMs: number): void;
}

/** How the last scrape of a target went. */
export interface TargetState {
  labels: Readonly<Record<string, string>>;
  health: 'unknown' | 'up' | 'down';
  /** Epoch ms at which the last scrape began. */
  lastScrapeMs: number | undefined;
  lastError: string;
}

const MAX_TEXT_LENGTH = 16 * 1024 * 1024;
const MAX_SAMPLES = 200_000;

/**
 * Scrapes one target when told to, and keeps what Prometheus keeps of it: `up`, and stale markers for series that were in the last scrape
 * and are not in this one.
 */
export class Scraper {
  readonly #target: Target;
  readonly #clock: Clock;
  readonly #sink: Sink;
  readonly #timeoutMs: number;
  #up: Series;
  /** Series by their text in the exposition, so that a known line costs one look-up. */
  readonly #known = new Map<string, Series>();
  /** The series without timestamps of their own that the last scrape had. */
  #present = new Set<Series>();
  #running: AbortController | undefined;
  #ended = false;
  readonly state: TargetState;

  constructor(target: Target, { clock, sink, timeoutMs }: { clock: Clock; sink: Sink; timeoutMs: number }) {
    this.#target = target;
    this.#clock = clock;
    this.#sink = sink;
    this.#timeoutMs = timeoutMs;
    this.#up = this.#obtainUp();
    this.state = { labels: target.labels, health: 'unknown', lastScrapeMs: undefined, lastError: '' };
  }

  #obtainUp(): Series {
    return this.#sink.obtain(labelsFrom([...Object.entries(this.#target.labels), ['__name__', 'up']]));
  }

  /** Scrapes once; at once over when the scrape before is still under way. Never rejects. */
  async run(): Promise<void> {
    if (this.#running !== undefined || this.#ended) return;
    const atMs = this.#clock.now();
    const outcome = await this.#scrape(atMs).then(
      () => '',
      (error: unknown) => (error instanceof Error ? error.message : String(error)) || 'scrape failed',
    );
    this.#running = undefined;
    if (this.#ended) return;
    if (outcome !== '') this.#replacePresent(new Set(), atMs);
    if (this.#up.forgotten) this.#up = this.#obtainUp();
    this.#sink.append(this.#up, atMs, outcome === '' ? 1 : 0);
    Object.assign(this.state, { health: outcome === '' ? 'up' : 'down', lastScrapeMs: atMs, lastError: outcome });
  }

  /** Ends all series of the target at once; what a scrape under way still brings is dropped. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#running?.abort();
    const atMs = this.#clock.now();
    this.#replacePresent(new Set(), atMs);
    this.#sink.end(this.#up, atMs);
  }

  async #scrape(atMs: number): Promise<void> {
    const text = await this.#withTimeout();
    if (this.#ended) return;
    if (text.length > MAX_TEXT_LENGTH) throw new Error(`body of ${text.length} characters, limit ${MAX_TEXT_LENGTH}`);
    this.#store(text, atMs);
  }

  #withTimeout(): Promise<string> {
    const abort = new AbortController();
    this.#running = abort;
    return new Promise((resolve, reject) => {
      abort.signal.addEventListener('abort', () => reject(new Error(`no answer within ${this.#timeoutMs} ms`)));
      const scrape = async () => this.#target.scrape(abort.signal);
      const cancel = this.#clock.after(this.#timeoutMs, () => abort.abort());
      scrape().then(resolve, reject).finally(cancel);
    });
  }

  /** All of the text or nothing: what cannot be parsed leaves no sample behind. */
  #store(body: string, atMs: number): void {
    const samples = parseExposition(body);
    if (samples.length > MAX_SAMPLES) throw new Error(`${samples.length} samples, limit ${MAX_SAMPLES}`);
    if (this.#known.size > 2 * samples.length) this.#known.clear();
    for (const { series: text, line } of samples) {
      const series = this.#known.get(text);
      if (series === undefined || series.forgotten) this.#known.set(text, this.#obtain(text, line));
    }
    const present = new Set<Series>();
    for (const { series: text, value, timestampMs } of samples) {
      const series = this.#known.get(text) as Series;
      this.#sink.append(series, timestampMs ?? atMs, value);
      if (timestampMs === undefined) present.add(series);
    }
    this.#replacePresent(present, atMs);
  }

  #obtain(text: string, line: number): Series {
    const own = this.#target.labels;
    const labels = new Map(Object.entries(own));
    for (const [name, value] of parseSeries(text, line))
      labels.set(Object.hasOwn(own, name) ? `exported_${name}` : name, value);
    return this.#sink.obtain(labelsFrom(labels));
  }

  #replacePresent(present: Set<Series>, atMs: number): void {
    for (const series of this.#present) if (!present.has(series)) this.#sink.end(series, atMs);
    this.#present = present;
  }
}
