import { apiVersionOf, type Kind } from '../api/kinds.ts';
import type { KubeObject } from '../api/objects.ts';
import type { KubeCache, ObjectRef } from '../ports/kube.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import type { Wire } from './exchange.ts';
import { defaultTimes, type Reflector, startReflector, type WatchHealth, type WatchTimes } from './reflector.ts';
import { type Change, Shelf, type Trim } from './shelf.ts';

export interface CacheOptions {
  wire: Wire;
  random: Random;
  log: Log;
  /** What to watch. `trim` drops what nobody asks the cache for; default: managedFields. */
  kinds: { kind: Kind; trim?: Trim }[];
  /** Watch only these namespaces; none means all. Kinds of the cluster's scope are watched whole. */
  namespaces: string[];
  /** Told of each change once. What it throws is logged and does no harm. */
  onChange: (change: Change) => void;
  times?: Partial<WatchTimes>;
}

/** {@link KubeCache} with what its owner needs. Objects that it gives are shared: never change them. */
export interface SupervisedCache extends KubeCache {
  /** Resolves when every watch has listed its objects once. */
  synced: Promise<void>;
  /** Takes in the server's answer to a write of ours, so that it is seen before its event comes. */
  noteWrite(object: KubeObject): void;
  /** Takes in the server's word that an object with this uid is gone, before its event comes. */
  noteGone(ref: ObjectRef, uid: string): void;
  health(): WatchHealth[];
  /** One sentence for each watch that has nothing yet, or has heard nothing for a minute; empty when all is well. */
  problems(): string[];
  stop(): Promise<void>;
}

/** A live stream ends at least every half minute, so two of them in a row have been lost. */
const longestLagMs = 60_000;

/** Starts one watch per kind and namespace. */
export function startCache(options: CacheOptions): SupervisedCache {
  const shelves = new Map<string, { kind: Kind; byNamespace: Map<string, Shelf> }>();
  const reflectors: Reflector[] = [];

  function tell(change: Change): void {
    try {
      options.onChange(change);
    } catch (error) {
      const { namespace, name } = change.object.metadata;
      options.log.error({ err: error, kind: change.kind.kind, namespace, name }, 'a change could not be handled');
    }
  }

  for (const { kind, trim } of options.kinds) {
    const wanted = kind.namespaced && options.namespaces.length > 0 ? options.namespaces : [undefined];
    const byNamespace = new Map<string, Shelf>();
    shelves.set(keyOf(apiVersionOf(kind), kind.kind), { kind, byNamespace });
    for (const namespace of wanted) {
      const shelf = new Shelf(kind, trim ?? withoutManagedFields, tell);
      byNamespace.set(namespace ?? '', shelf);
      const { wire, random, log } = options;
      const times = { ...defaultTimes, ...options.times };
      reflectors.push(startReflector({ wire, random, log, kind, namespace, shelf, times }));
    }
  }

  /** The shelf that holds a namespace's objects; the kind's only one where all namespaces are watched. */
  function shelfOf(apiVersion: string, kind: string, namespace: string | undefined): Shelf | undefined {
    const byNamespace = shelves.get(keyOf(apiVersion, kind))?.byNamespace;
    return byNamespace?.get(namespace ?? '') ?? byNamespace?.get('');
  }

  function shelvesOf(kind: Kind): Map<string, Shelf> {
    const known = shelves.get(keyOf(apiVersionOf(kind), kind.kind));
    if (known === undefined) throw new Error(`${kind.kind} is not watched; add it to the kinds of the cache`);
    return known.byNamespace;
  }

  function get<T extends KubeObject>({ kind, namespace, name }: ObjectRef): T | undefined {
    shelvesOf(kind);
    return shelfOf(apiVersionOf(kind), kind.kind, namespace)?.get(namespace ?? '', name) as T | undefined;
  }

  function list<T extends KubeObject>(kind: Kind, namespace?: string): T[] {
    const all = shelvesOf(kind);
    if (namespace === undefined) return [...all.values()].flatMap((it) => it.list()) as T[];
    return (shelfOf(apiVersionOf(kind), kind.kind, namespace)?.list(namespace) ?? []) as T[];
  }

  function noteWrite(object: KubeObject): void {
    const { deletionTimestamp, finalizers, namespace } = object.metadata;
    // Our write took its last finalizer: it is gone, though the answer shows it once more.
    if (deletionTimestamp !== undefined && (finalizers ?? []).length === 0) return;
    try {
      // A copy: the caller goes on using its own, and what is kept is trimmed.
      shelfOf(object.apiVersion, object.kind, namespace)?.put(structuredClone(object));
    } catch (error) {
      options.log.error({ err: error }, 'an answer to a write could not be kept; its event will bring it');
    }
  }

  function noteGone({ kind, namespace, name }: ObjectRef, uid: string): void {
    shelfOf(apiVersionOf(kind), kind.kind, namespace)?.forget(namespace ?? '', name, uid);
  }

  return {
    get,
    list,
    synced: Promise.all(reflectors.map((it) => it.synced)).then(() => undefined),
    noteWrite,
    noteGone,
    health: () => reflectors.map((it) => it.health()),
    problems: () => reflectors.map((it) => describe(it.health())).filter((it) => it !== undefined),
    stop: async () => void (await Promise.all(reflectors.map((it) => it.stop()))),
  };
}

function describe({ kind, namespace, state, lagMs, problem }: WatchHealth): string | undefined {
  if (state !== 'starting' && lagMs <= longestLagMs) return undefined;
  const where = namespace === undefined ? kind : `${kind} in ${namespace}`;
  const why = problem === undefined ? '' : ` (${problem})`;
  if (state === 'starting') return `${where}: not listed yet${why}`;
  return `${where}: nothing heard for ${Math.round(lagMs / 1000)} s${why}`;
}

function keyOf(apiVersion: string, kind: string): string {
  return `${apiVersion}/${kind}`;
}

function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
