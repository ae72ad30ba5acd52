import type { Kind } from '../../../api/kinds.ts';
import type { KubeObject } from '../../../api/objects.ts';
import type { ObjectStore, WatchEvent } from '../types.ts';

/** Called after the cache has taken a change: the object as it is now (or was last, when `deleted`), and as it was before. */
export type OnChange<T extends KubeObject> = (object: T, deleted: boolean, old: T | undefined) => void;

/** All objects of one kind as the store's watch tells them, indexed by owner. What comes out is shared: read it, never change it. */
export interface ObjectCache<T extends KubeObject> {
  get(key: string): T | undefined;
  all(): Iterable<T>;
  inNamespace(namespace: string): Iterable<T>;
  /** Objects whose controlling ownerReference has this uid, oldest first. */
  ownedBy(uid: string): T[];
  onChange(listener: OnChange<T>): void;
  close(): void;
}

/** `namespace/name`, or the name alone for kinds of the cluster's scope. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

export function controllerOf(object: KubeObject): { kind: string; name: string; uid: string } | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

export function createObjectCache<T extends KubeObject>(store: ObjectStore, kind: Kind): ObjectCache<T> {
  const byNamespace = new Map<string, Map<string, T>>();
  const byOwner = new Map<string, Map<string, T>>();
  const listeners: OnChange<T>[] = [];

  const forget = (index: Map<string, Map<string, T>>, at: string, key: string) => {
    const bucket = index.get(at);
    if (bucket?.delete(key) && bucket.size === 0) index.delete(at);
  };
  const put = (index: Map<string, Map<string, T>>, at: string, key: string, object: T) => {
    const bucket = index.get(at);
    if (bucket) bucket.set(key, object);
    else index.set(at, new Map([[key, object]]));
  };
  const remove = (object: T, key: string) => {
    const owner = controllerOf(object)?.uid;
    if (owner !== undefined) forget(byOwner, owner, key);
    forget(byNamespace, object.metadata.namespace ?? '', key);
  };
  const keep = (object: T, key: string, old: T | undefined) => {
    const owner = controllerOf(object)?.uid;
    const oldOwner = old && controllerOf(old)?.uid;
    if (oldOwner !== undefined && oldOwner !== owner) forget(byOwner, oldOwner, key);
    if (owner !== undefined) put(byOwner, owner, key, object);
    put(byNamespace, object.metadata.namespace ?? '', key, object);
  };
  const take = (event: WatchEvent) => {
    if (event.type === 'BOOKMARK' || event.type === 'ERROR') return;
    const object = event.object as T;
    const key = keyOf(object);
    const old = byNamespace.get(object.metadata.namespace ?? '')?.get(key);
    const deleted = event.type === 'DELETED';
    if (deleted) remove(old ?? object, key);
    else keep(object, key, old);
    for (const listener of listeners) listener(object, deleted, old);
  };
  const stop = store.watch(kind, {}, take);

  return {
    get: (key) => byNamespace.get(key.includes('/') ? splitKey(key).namespace : '')?.get(key),
    *all() {
      for (const bucket of byNamespace.values()) yield* bucket.values();
    },
    inNamespace: (namespace) => byNamespace.get(namespace)?.values() ?? [],
    ownedBy: (uid) => [...(byOwner.get(uid)?.values() ?? [])].toSorted(byAge),
    onChange(listener) {
      listeners.push(listener);
      for (const object of this.all()) listener(object, false, undefined);
    },
    close: stop,
  };
}

/** Oldest first. Sorting is stable, so objects of the same second stay in the order in which they were made. */
function byAge(a: KubeObject, b: KubeObject): number {
  const [ageA, ageB] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (ageA === ageB) return 0;
  return ageA < ageB ? -1 : 1;
}
