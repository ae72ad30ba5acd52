interface Entry {
  key: string;
  /** Monotonic milliseconds. */
  dueAt: number;
  order: number;
}

/** Keys by the moment they are due, each at most once: a binary heap that knows where each key stands. */
export class Timetable {
  readonly #heap: Entry[] = [];
  readonly #position = new Map<string, number>();
  #orders = 0;

  /** Plans a key, or plans it anew. Keys due at the same moment keep the order in which they were planned. */
  set(key: string, dueAt: number): void {
    this.delete(key);
    this.#heap.push({ key, dueAt, order: this.#orders++ });
    this.#position.set(key, this.#heap.length - 1);
    this.#rise(this.#heap.length - 1);
  }

  dueAt(key: string): number | undefined {
    const at = this.#position.get(key);
    return at === undefined ? undefined : this.#heap[at]?.dueAt;
  }

  first(): { key: string; dueAt: number } | undefined {
    return this.#heap[0];
  }

  delete(key: string): void {
    const at = this.#position.get(key);
    if (at === undefined) return;
    this.#position.delete(key);
    const last = this.#heap.pop();
    if (last === undefined || at === this.#heap.length) return;
    this.#place(last, at);
    this.#rise(at);
    this.#sink(this.#position.get(last.key) ?? at);
  }

  clear(): void {
    this.#heap.length = 0;
    this.#position.clear();
  }

  #place(entry: Entry, at: number): void {
    this.#heap[at] = entry;
    this.#position.set(entry.key, at);
  }

  #swap(a: number, b: number): void {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (x === undefined || y === undefined) return;
    this.#place(x, b);
    this.#place(y, a);
  }

  #before(a: number, b: number): boolean {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (x === undefined || y === undefined) return false;
    return x.dueAt === y.dueAt ? x.order < y.order : x.dueAt < y.dueAt;
  }

  #rise(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(from: number): void {
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      const child = this.#before(left + 1, left) ? left + 1 : left;
      if (!this.#before(child, at)) return;
      this.#swap(child, at);
      at = child;
    }
  }
}
