import { type Kind, kinds } from '../../src/api/kinds.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import type { ObjectStore } from '../../src/sandbox/world/types.ts';
import type { Schedule } from './schedule.ts';

/** The kinds that the engine watches. */
export const watchedKinds: Kind[] = [
  kinds.canary,
  kinds.metricTemplate,
  kinds.deployment,
  kinds.replicaSet,
  kinds.service,
  kinds.endpointSlice,
  kinds.httpRoute,
];

/** Who stored a version: the engine, with the moment at which the request was sent, or anybody else. */
export type Writer = { engine: true; replica: string; sentAtMs: number } | { engine: false };

/** One stored version of one object; frozen, since replicas and checks share it. */
export interface Stored {
  kind: Kind;
  type: 'put' | 'removed';
  object: KubeObject;
  atMs: number;
  writer: Writer;
}

/** Every stored version of the watched kinds, in order: what watches tell, late, and what is checked, at once. */
export class History {
  readonly #byKind = new Map<Kind, Stored[]>(watchedKinds.map((kind) => [kind, []]));
  readonly #listeners: ((stored: Stored) => void)[] = [];
  /** Set by the port for the time of one write. */
  writer: Writer = { engine: false };

  constructor(store: ObjectStore, schedule: Schedule) {
    for (const kind of watchedKinds) {
      store.watch(kind, {}, (event) => {
        if (event.type === 'BOOKMARK' || event.type === 'ERROR') return;
        const object = deepFreeze(event.object as KubeObject);
        const type = event.type === 'DELETED' ? 'removed' : 'put';
        schedule.note(`${type} ${kind.kind} ${object.metadata.name} ${object.metadata.resourceVersion}`);
        if (kind === kinds.canary) schedule.note(JSON.stringify(object['status'] ?? null));
        const stored: Stored = { kind, type, object, atMs: schedule.nowMs, writer: this.writer };
        this.of(kind).push(stored);
        for (const listener of this.#listeners) listener(stored);
      });
    }
  }

  of(kind: Kind): Stored[] {
    const found = this.#byKind.get(kind);
    if (found === undefined) throw new Error(`${kind.kind} is not watched`);
    return found;
  }

  onStored(listener: (stored: Stored) => void): void {
    this.#listeners.push(listener);
  }

  /** How many versions of a kind had been stored at a moment. */
  countAt(kind: Kind, atMs: number): number {
    const all = this.of(kind);
    let count = all.length;
    while (count > 0 && (all[count - 1]?.atMs ?? 0) > atMs) count--;
    return count;
  }

  /** What a list answers that knows the first `count` versions only. */
  listing(kind: Kind, count: number): { items: KubeObject[]; resourceVersion: string } {
    const present = new Map<string, KubeObject>();
    let resourceVersion = '1';
    for (const { type, object } of this.of(kind).slice(0, count)) {
      const key = `${object.metadata.namespace}/${object.metadata.name}`;
      if (type === 'put') present.set(key, object);
      else present.delete(key);
      resourceVersion = object.metadata.resourceVersion ?? resourceVersion;
    }
    return { items: [...present.values()], resourceVersion };
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}
