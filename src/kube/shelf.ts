import type { Kind } from '../api/kinds.ts';
import type { KubeObject } from '../api/objects.ts';
import type { Listing } from './list.ts';
import { isNewer, newerOf, versionOf } from './resource-version.ts';

/** What happened to one object, as far as the cache knows. */
export interface Change {
  kind: Kind;
  type: 'put' | 'removed';
  /** As it is now, or as it was last seen. */
  object: KubeObject;
  /** As it was before a `put`, where it was there. */
  old?: KubeObject;
}

/** Takes from an object what nobody will ask the cache for. It may change what it is given. */
export type Trim = (object: KubeObject) => KubeObject;

/**
 * The objects of one watch. News may come late, twice, and from several sources (events, lists, our own writes): whatever
 * the order, nothing older ever replaces or resurrects anything newer.
 */
export class Shelf {
  readonly #kind: Kind;
  readonly #trim: Trim;
  readonly #tell: (change: Change) => void;
  readonly #namespaces = new Map<string, Map<string, KubeObject>>();
  /** Versions at which objects went, since the last list. */
  readonly #graves = new Map<string, string>();
  /** Version of the last list: what it did not hold was not there then. */
  #listedAt = '0';
  #newest = '0';

  /** @param tell must not throw */
  constructor(kind: Kind, trim: Trim, tell: (change: Change) => void) {
    this.#kind = kind;
    this.#trim = trim;
    this.#tell = tell;
  }

  /** The newest resourceVersion seen in anything. */
  get newest(): string {
    return this.#newest;
  }

  get empty(): boolean {
    return this.#namespaces.size === 0;
  }

  get(namespace: string, name: string): KubeObject | undefined {
    return this.#namespaces.get(namespace)?.get(name);
  }

  /** All objects, or those of one namespace. */
  list(namespace?: string): KubeObject[] {
    if (namespace !== undefined) return [...(this.#namespaces.get(namespace)?.values() ?? [])];
    return [...this.#namespaces.values()].flatMap((it) => [...it.values()]);
  }

  /** The object is there, or was at its version. Takes the object over. */
  put(object: KubeObject): void {
    const version = versionOf(object);
    this.#newest = newerOf(version, this.#newest);
    const [namespace, name] = placeOf(object);
    const old = this.get(namespace, name);
    const known = old === undefined ? this.#goneAt(namespace, name) : versionOf(old);
    if (!isNewer(version, known)) return;
    const kept = this.#trim(object);
    const same = old !== undefined && old.metadata.uid === kept.metadata.uid;
    if (old !== undefined && !same) this.#drop(old, known);
    this.#keep(namespace, name, kept);
    this.#tell({ kind: this.#kind, type: 'put', object: kept, ...(same ? { old } : {}) });
  }

  /** The object went. @param object as the event says: its version is that of the deletion */
  remove(object: KubeObject): void {
    const version = versionOf(object);
    this.#newest = newerOf(version, this.#newest);
    const [namespace, name] = placeOf(object);
    const old = this.get(namespace, name);
    if (old === undefined) this.#bury(namespace, name, version);
    else if (!isNewer(versionOf(old), version)) this.#drop(old, version);
  }

  /** The server has said that the object with this uid is gone; the event tells its version later. */
  forget(namespace: string, name: string, uid: string): void {
    const old = this.get(namespace, name);
    if (old !== undefined && old.metadata.uid === uid) this.#drop(old, versionOf(old));
  }

  /** What the list holds is there; what it does not hold is gone, unless it is newer than the list. */
  replace(listing: Listing): void {
    // Before anything is changed: throws when an item's version cannot be compared.
    for (const object of listing.items) versionOf(object);
    const listed = new Set(listing.items.map((it) => placeOf(it).join('/')));
    const gone = this.list().filter(
      (it) => !listed.has(placeOf(it).join('/')) && !isNewer(versionOf(it), listing.resourceVersion),
    );
    for (const [place, version] of this.#graves) {
      if (!isNewer(version, listing.resourceVersion)) this.#graves.delete(place);
    }
    // The list overrules the one before it, but not what was seen to go after it.
    this.#listedAt = '0';
    for (const object of gone) this.#drop(object, listing.resourceVersion);
    for (const object of listing.items) this.put(object);
    for (const [place, version] of this.#graves) {
      if (!isNewer(version, listing.resourceVersion)) this.#graves.delete(place);
    }
    this.#listedAt = listing.resourceVersion;
    this.#newest = newerOf(listing.resourceVersion, this.#newest);
  }

  #goneAt(namespace: string, name: string): string {
    return newerOf(this.#graves.get(`${namespace}/${name}`) ?? '0', this.#listedAt);
  }

  #keep(namespace: string, name: string, object: KubeObject): void {
    let names = this.#namespaces.get(namespace);
    if (names === undefined) {
      names = new Map();
      this.#namespaces.set(namespace, names);
    }
    names.set(name, object);
    this.#graves.delete(`${namespace}/${name}`);
  }

  #drop(object: KubeObject, version: string): void {
    const [namespace, name] = placeOf(object);
    const names = this.#namespaces.get(namespace);
    names?.delete(name);
    if (names?.size === 0) this.#namespaces.delete(namespace);
    this.#bury(namespace, name, version);
    this.#tell({ kind: this.#kind, type: 'removed', object });
  }

  #bury(namespace: string, name: string, version: string): void {
    this.#graves.set(`${namespace}/${name}`, newerOf(version, this.#goneAt(namespace, name)));
  }
}

function placeOf(object: KubeObject): [namespace: string, name: string] {
  return [object.metadata.namespace ?? '', object.metadata.name];
}
