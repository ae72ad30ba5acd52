import { type Kind, apiVersionOf } from '../../src/api/kinds.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import { type Change, Shelf } from '../../src/kube/shelf.ts';
import type { KubeCache, ObjectRef } from '../../src/ports/kube.ts';
import { type History, watchedKinds } from './history.ts';

/** The watches of one replica's life: the engine's own shelves, told of every stored version after a lag, never out of order. */
export class WatchCache implements KubeCache {
  readonly #history: History;
  readonly #shelves = new Map<Kind, { shelf: Shelf; seen: number; frozenUntilMs: number }>();

  /** @param listedAtMs the moment that the first lists show; may lie in the past, as a lagging API server's do */
  constructor(history: History, listedAtMs: number, tell: (change: Change) => void) {
    this.#history = history;
    for (const kind of watchedKinds) {
      const shelf = new Shelf(kind, (object) => object, tell);
      this.#shelves.set(kind, { shelf, seen: 0, frozenUntilMs: 0 });
      this.relist(kind, listedAtMs);
    }
  }

  get<T extends KubeObject>({ kind, namespace, name }: ObjectRef): T | undefined {
    return this.#at(kind).shelf.get(namespace ?? '', name) as T | undefined;
  }

  list<T extends KubeObject>(kind: Kind, namespace?: string): T[] {
    return this.#at(kind).shelf.list(namespace) as T[];
  }

  /** Takes in the first `upTo` versions of a kind; those that it has seen already are left out. */
  deliver(kind: Kind, upTo: number): void {
    const at = this.#at(kind);
    const news = this.#history.of(kind).slice(at.seen, upTo);
    at.seen = Math.max(at.seen, upTo);
    for (const { type, object } of news) {
      if (type === 'put') at.shelf.put(object);
      else at.shelf.remove(object);
    }
  }

  /** The watch broke and begins anew with a list, which may show the past. */
  relist(kind: Kind, atMs: number): void {
    const at = this.#at(kind);
    const count = this.#history.countAt(kind, atMs);
    at.shelf.replace(this.#history.listing(kind, count));
    at.seen = count;
  }

  /** From when on events of the kind come again. */
  frozenUntilMs(kind: Kind): number {
    return this.#at(kind).frozenUntilMs;
  }

  freeze(kind: Kind, untilMs: number): void {
    this.#at(kind).frozenUntilMs = untilMs;
  }

  /** The answer to a write of our own. */
  noteWrite(object: KubeObject): void {
    const { deletionTimestamp, finalizers } = object.metadata;
    if (deletionTimestamp !== undefined && (finalizers ?? []).length === 0) return;
    const kind = watchedKinds.find((one) => one.kind === object.kind && apiVersionOf(one) === object.apiVersion);
    if (kind !== undefined) this.#at(kind).shelf.put(object);
  }

  #at(kind: Kind): { shelf: Shelf; seen: number; frozenUntilMs: number } {
    const found = this.#shelves.get(kind);
    if (found === undefined) throw new Error(`${kind.kind} is not watched`);
    return found;
  }
}
