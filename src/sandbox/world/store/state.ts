import { isBuiltIn } from './built-in.ts';
import type { Kind } from '../../../api/kinds.ts';
import type { KubeObject } from '../../../api/objects.ts';
import type { KindDefinition } from '../types.ts';
import { deepFreeze, sorted } from './json.ts';
import { type Change, WatchHistory } from './watch-history.ts';

/** One kind: its definition, its objects (frozen) and their latest changes. */
export class KindTable {
  definition: KindDefinition;
  readonly history: WatchHistory;
  readonly #namespaces = new Map<string, Map<string, KubeObject>>();

  constructor(definition: KindDefinition, history: WatchHistory) {
    this.definition = definition;
    this.history = history;
  }

  get(namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#namespaces.get(namespace ?? '')?.get(name);
  }

  /** The objects of one namespace, or all, in the API server's order: by namespace, then name. */
  values(namespace?: string): KubeObject[] {
    const namespaces =
      namespace === undefined || namespace === '' ? [...this.#namespaces.keys()].toSorted() : [namespace];
    return namespaces.flatMap((key) => {
      const objects = [...(this.#namespaces.get(key)?.values() ?? [])];
      return objects.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    });
  }

  isEmpty(namespace?: string): boolean {
    return namespace === undefined ? this.#namespaces.size === 0 : !this.#namespaces.has(namespace);
  }

  put(object: KubeObject): void {
    const key = object.metadata.namespace ?? '';
    let objects = this.#namespaces.get(key);
    if (objects === undefined) this.#namespaces.set(key, (objects = new Map<string, KubeObject>()));
    objects.set(object.metadata.name, object);
  }

  remove(object: KubeObject): void {
    const key = object.metadata.namespace ?? '';
    const objects = this.#namespaces.get(key);
    objects?.delete(object.metadata.name);
    if (objects?.size === 0) this.#namespaces.delete(key);
  }
}

/** An object and the kind that it is of. */
export interface Located {
  table: KindTable;
  object: KubeObject;
}

const keyOf = (kind: Pick<Kind, 'group' | 'plural'>) => `${kind.group}/${kind.plural}`;

/** All objects, with the indexes that keep a write's cost independent of their number. Knows nothing of Kubernetes' rules. */
export class State {
  readonly #tables = new Map<string, KindTable>();
  readonly #byUid = new Map<string, Located>();
  readonly #dependents = new Map<string, Set<string>>();
  readonly #undelivered: { table: KindTable; change: Change }[] = [];
  readonly #onWatcherError: (error: unknown) => void;
  #delivering = false;
  #version = 1;

  constructor(onWatcherError: (error: unknown) => void) {
    this.#onWatcherError = onWatcherError;
  }

  /** The resourceVersion of the latest write. */
  get version(): number {
    return this.#version;
  }

  register(definition: KindDefinition): void {
    const table = this.#tables.get(keyOf(definition));
    if (table === undefined) {
      const history = new WatchHistory(this.#version, this.#onWatcherError);
      this.#tables.set(keyOf(definition), new KindTable(definition, history));
    } else {
      table.definition = definition;
    }
  }

  unregister(kind: Pick<Kind, 'group' | 'plural'>): void {
    this.#tables.delete(keyOf(kind));
  }

  tables(): KindTable[] {
    return [...this.#tables.values()];
  }

  table(kind: Pick<Kind, 'group' | 'plural'>): KindTable | undefined {
    return this.#tables.get(keyOf(kind));
  }

  byUid(uid: string): Located | undefined {
    return this.#byUid.get(uid);
  }

  /** The objects with an ownerReference to `uid`. */
  dependentsOf(uid: string): Located[] {
    const uids = [...(this.#dependents.get(uid) ?? [])];
    return uids.map((dependent) => this.#byUid.get(dependent)).filter((located) => located !== undefined);
  }

  /** Stores an object under a new resourceVersion and tells the watchers. @returns the stored, frozen object */
  put(table: KindTable, object: KubeObject): KubeObject {
    const { namespace, name } = object.metadata;
    const before = table.get(namespace, name);
    object.metadata.resourceVersion = String(++this.#version);
    const after = deepFreeze(isBuiltIn(table.definition) ? object : sorted(object));
    table.put(after);
    this.#unlink(before);
    this.#link(table, after);
    this.#publish(table, { version: this.#version, ...(before === undefined ? {} : { before }), after });
    return after;
  }

  /** Removes an object and tells the watchers. */
  remove(table: KindTable, before: KubeObject): void {
    table.remove(before);
    this.#unlink(before);
    this.#publish(table, { version: ++this.#version, before });
  }

  #link(table: KindTable, object: KubeObject): void {
    const { uid, ownerReferences } = object.metadata;
    if (uid === undefined) return;
    this.#byUid.set(uid, { table, object });
    for (const owner of ownerReferences ?? []) {
      const dependents = this.#dependents.get(owner.uid);
      if (dependents === undefined) this.#dependents.set(owner.uid, new Set([uid]));
      else dependents.add(uid);
    }
  }

  #unlink(object: KubeObject | undefined): void {
    const uid = object?.metadata.uid;
    if (object === undefined || uid === undefined) return;
    this.#byUid.delete(uid);
    for (const owner of object.metadata.ownerReferences ?? []) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(uid);
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
  }

  /** A watcher may write: what it writes is delivered after the present change, so that all see changes in order. */
  #publish(table: KindTable, change: Change): void {
    table.history.add(change);
    this.#undelivered.push({ table, change });
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (let next = this.#undelivered.shift(); next !== undefined; next = this.#undelivered.shift()) {
        next.table.history.deliver(next.change);
      }
    } finally {
      this.#delivering = false;
    }
  }
}
