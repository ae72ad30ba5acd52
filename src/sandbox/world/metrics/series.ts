import type { Labels } from './labels.ts';

/** One measurement: epoch milliseconds and value. */
export interface Point {
  atMs: number;
  value: number;
}

/** The bits with which Prometheus itself marks "this series ended here"; a NaN, but not the ordinary one. */
const STALE_BITS = 0x7ff0000000000002n;
const FIRST_CAPACITY = 16;

/**
 * The samples of one series in a ring that grows until its oldest sample is out of retention. Times only go forward.
 */
export class Series {
  readonly labels: Labels;
  readonly key: string;
  /** Set when the index has dropped it for age: samples must then go to a new one. */
  forgotten = false;
  #times = new Float64Array(FIRST_CAPACITY);
  #values = new Float64Array(FIRST_CAPACITY);
  #bits = new BigUint64Array(this.#values.buffer);
  #start = 0;
  #length = 0;

  constructor(labels: Labels, key: string) {
    this.labels = labels;
    this.key = key;
  }

  /** Epoch ms of the newest sample or stale marker; -Infinity when there is none. */
  get newestMs(): number {
    return this.#length === 0 ? Number.NEGATIVE_INFINITY : this.#timeAt(this.#length - 1);
  }

  /** @returns false, having done nothing, unless `atMs` is newer than all there is */
  append(atMs: number, value: number, keepFromMs: number): boolean {
    if (!(atMs > this.newestMs)) return false;
    // Before the array is looked at: making room may replace it.
    const slot = this.#slot(atMs, keepFromMs);
    this.#values[slot] = value;
    return true;
  }

  /** Says that the series has ended: at and after `atMs` it has no value, until the next sample. */
  end(atMs: number, keepFromMs: number): void {
    if (!(atMs > this.newestMs) || this.#length === 0) return;
    const slot = this.#slot(atMs, keepFromMs);
    this.#bits[slot] = STALE_BITS;
  }

  /** @returns the newest sample in (atMs - lookbackMs, atMs], unless the series had ended by then */
  at(atMs: number, lookbackMs: number): Point | undefined {
    const index = this.#countUpTo(atMs) - 1;
    if (index < 0 || this.#timeAt(index) <= atMs - lookbackMs || this.#isStale(index)) return undefined;
    return this.#pointAt(index);
  }

  /** @returns the samples in (fromMs, toMs], oldest first, stale markers left out */
  between(fromMs: number, toMs: number): Point[] {
    const points: Point[] = [];
    const end = this.#countUpTo(toMs);
    for (let index = this.#countUpTo(fromMs); index < end; index++) {
      if (!this.#isStale(index)) points.push(this.#pointAt(index));
    }
    return points;
  }

  /** Whether a sample or stale marker lies in [fromMs, toMs]. */
  touches(fromMs: number, toMs: number): boolean {
    return this.#length > 0 && this.#timeAt(0) <= toMs && this.newestMs >= fromMs;
  }

  #pointAt(index: number): Point {
    const slot = this.#index(index);
    return { atMs: this.#times[slot] as number, value: this.#values[slot] as number };
  }

  #timeAt(index: number): number {
    return this.#times[this.#index(index)] as number;
  }

  #isStale(index: number): boolean {
    const slot = this.#index(index);
    return Number.isNaN(this.#values[slot]) && this.#bits[slot] === STALE_BITS;
  }

  #index(index: number): number {
    return (this.#start + index) & (this.#times.length - 1);
  }

  /** How many samples lie at or before `atMs`. */
  #countUpTo(atMs: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#timeAt(middle) <= atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #slot(atMs: number, keepFromMs: number): number {
    if (this.#length === this.#times.length) {
      if (this.#timeAt(0) < keepFromMs) this.#dropOldest();
      else this.#grow();
    }
    const slot = this.#index(this.#length);
    this.#times[slot] = atMs;
    this.#length += 1;
    return slot;
  }

  #dropOldest(): void {
    this.#start = this.#index(1);
    this.#length -= 1;
  }

  /** Capacities stay powers of two. Copying between arrays of one type keeps the bits of stale markers. */
  #grow(): void {
    const times = new Float64Array(this.#times.length * 2);
    const bits = new BigUint64Array(times.length);
    times.set(this.#times.subarray(this.#start));
    times.set(this.#times.subarray(0, this.#start), this.#times.length - this.#start);
    bits.set(this.#bits.subarray(this.#start));
    bits.set(this.#bits.subarray(0, this.#start), this.#bits.length - this.#start);
    this.#times = times;
    this.#bits = bits;
    this.#values = new Float64Array(bits.buffer);
    this.#start = 0;
  }
}
