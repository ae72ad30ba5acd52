import type { Clock } from '../../src/ports/clock.ts';

interface Event {
  atMs: number;
  order: number;
  label: string;
  run: (() => void) | undefined;
  /** Promises may go on because of it. */
  wakes: boolean;
}

/** The epoch moment at which every simulation begins. */
export const epochMs = Date.parse('2026-01-01T00:00:00Z');

/**
 * The one schedule of a simulation. Events run one after the other, those of one moment in the order in which they were planned; after
 * each, every promise that can go on does.
 */
export class Schedule {
  readonly #heap: Event[] = [];
  #nowMs = 0;
  #orders = 0;
  #hash = 0x811c9dc5;
  #hash2 = 0x1234567;
  /** Events that have run. */
  events = 0;
  /** Told of each event before it runs. */
  onEvent: ((atMs: number, label: string) => void) | undefined;

  /** Milliseconds since the beginning. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** A digest of everything that happened so far. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0') + (this.#hash2 >>> 0).toString(16).padStart(8, '0');
  }

  /** Adds something that happened to the digest. */
  note(text: string): void {
    for (let i = 0; i < text.length; i++) {
      this.#hash = Math.imul(this.#hash ^ text.charCodeAt(i), 0x01000193);
    }
    this.#hash2 = Math.imul(this.#hash2 ^ this.#hash, 0x5bd1e995) ^ (this.#hash2 >>> 13);
  }

  /** Plans an event. @returns a function that takes it back */
  at(delayMs: number, label: string, run: () => void, wakes = true): () => void {
    const event: Event = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#orders++, label, run, wakes };
    this.#push(event);
    return () => {
      event.run = undefined;
    };
  }

  /** The schedule as a {@link Clock}. `wakes`: whether its timers can let promises go on. */
  clock(label: string, wakes = true): Clock {
    return {
      now: () => epochMs + Math.floor(this.#nowMs),
      monotonic: () => this.#nowMs,
      after: (delayMs, fn) => this.at(delayMs, label, fn, wakes),
    };
  }

  /** Lets time pass up to `untilMs`, or until `stop` says so. */
  async run(untilMs: number, stop: () => boolean): Promise<void> {
    await settled();
    while (!stop()) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#pop();
      const { run } = next;
      if (run === undefined) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.events++;
      this.note(`${Math.round(next.atMs * 1000)} ${next.label}`);
      this.onEvent?.(this.#nowMs, next.label);
      run();
      if (next.wakes) await settled();
    }
    if (!stop()) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && before(heap[right]!, heap[left]!) ? right : left;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Event, b: Event): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}

/** All promises that can go on have gone on: the queue of microtasks is empty before the next turn of the machine's own loop. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
