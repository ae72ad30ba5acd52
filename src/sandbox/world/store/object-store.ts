import type { Kind } from '../../../api/kinds.ts';
import type { KubeObject, ObjectMeta } from '../../../api/objects.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Log } from '../../../ports/log.ts';
import type { Random } from '../../../ports/random.ts';
import type { KindDefinition, ObjectStore, Ref, Selection, StorePatch, WatchEvent, WriteOptions } from '../types.ts';
import { apiVersionOf } from '../../../api/kinds.ts';
import { applyConfig, ownUpdated, type Writer } from './apply/ownership.ts';
import { parseConfig, refuseCreation } from './apply/config.ts';
import type { StoreContext } from './context.ts';
import { deleteObject } from './deletion.ts';
import {
  badRequest,
  expired,
  invalidObject,
  notFound,
  unknownKind,
  unsupportedPatch,
  versionTooLarge,
} from './errors.ts';
import { isBuiltIn } from './built-in.ts';
import { clone } from './json.ts';
import { checkIdentity, parseObject, timestamp } from './meta.ts';
import { firstNamespaces, isNamespace, placeInNamespace } from './namespaces.ts';
import { jsonPatch, mergePatch } from './patch.ts';
import { schemaOf } from './schema/kind-schema.ts';
import { compileSelection } from './selectors.ts';
import { State, type KindTable } from './state.ts';
import { strategicPatch } from './strategic.ts';
import { type Ownership, storeChange, storeNew, type WriteRequest } from './write.ts';

/** What a store is made of. */
export interface ObjectStoreOptions {
  clock: Clock;
  random: Random;
  /** Kinds served from the start. Where Namespace is among them, the namespaces that every cluster has are there too. */
  kinds: KindDefinition[];
  /** Told when a watcher throws; the store goes on. Default: nobody. */
  log?: Log;
}

/** An empty cluster's object store. */
export function createObjectStore({ clock, random, kinds, log }: ObjectStoreOptions): ObjectStore {
  const state = new State((error) => log?.error({ err: error }, 'a watcher of the object store threw'));
  const store = new MemoryObjectStore({ state, clock, random });
  for (const kind of kinds) store.register(kind);
  const namespace = kinds.find(isNamespace);
  if (namespace !== undefined) {
    for (const name of firstNamespaces)
      store.create(namespace, { metadata: { name } }, { fieldManager: 'kube-apiserver' });
  }
  return store;
}

class MemoryObjectStore implements ObjectStore {
  readonly #ctx: StoreContext;

  constructor(ctx: StoreContext) {
    this.#ctx = ctx;
  }

  kinds(): KindDefinition[] {
    return this.#ctx.state.tables().map((table) => table.definition);
  }

  register(definition: KindDefinition): void {
    this.#ctx.state.register(definition);
  }

  get(ref: Ref): KubeObject {
    const { live } = this.#find(ref);
    return clone(live);
  }

  list(kind: Kind, selection: Selection = {}): { items: KubeObject[]; resourceVersion: string } {
    const table = this.#table(kind);
    const matches = compileSelection(table.definition, selection);
    const items = table.values(selection.namespace).filter(matches);
    return { items: items.map(clone), resourceVersion: String(this.#ctx.state.version) };
  }

  create(kind: Kind, object: unknown, options: WriteOptions & { namespace?: string }): KubeObject {
    const table = this.#table(kind);
    const parsed = parseObject(table.definition, object);
    placeInNamespace(table.definition, parsed, options.namespace);
    const ownership = this.#updates(table, options);
    return storeNew(this.#ctx, table, parsed, { options, ownership, verb: 'write' });
  }

  update(ref: Ref, object: unknown, options: WriteOptions): KubeObject {
    const { table, live } = this.#find(ref);
    const next = parseObject(table.definition, object);
    if ((next.metadata.resourceVersion ?? '') === '' && !isBuiltIn(table.definition)) {
      const message = 'Invalid value: 0x0: must be specified for an update';
      const error = { reason: 'FieldValueInvalid', field: 'metadata.resourceVersion', message };
      throw invalidObject(table.definition, ref.name, [error]);
    }
    const ownership = this.#updates(table, options);
    return storeChange(this.#ctx, table, live, { next, options, ownership, verb: 'write' });
  }

  patch(ref: Ref, patch: StorePatch, options: WriteOptions): { object: KubeObject; created: boolean } {
    if (patch.type === 'apply') return this.#apply(ref, patch.body, options);
    const { table, live } = this.#find(ref);
    const next = parseObject(table.definition, patched(table.definition, live, patch));
    const ownership = this.#updates(table, options);
    const object = storeChange(this.#ctx, table, live, { next, options, ownership, verb: 'patch' });
    return { object, created: false };
  }

  #apply(ref: Ref, body: unknown, options: WriteOptions): { object: KubeObject; created: boolean } {
    const table = this.#table(ref.kind);
    const { definition } = table;
    const live = table.get(definition.namespaced ? ref.namespace : undefined, ref.name);
    const config = parseConfig(definition, ref, body, options);
    if (live === undefined && options.subresource !== undefined) throw notFound(definition, ref.name);
    if (live === undefined) refuseCreation(definition, config);
    else checkIdentity(definition, live, config);
    const written = { definition, schema: schemaOf(definition), live };
    const { next, managed } = applyConfig(written, config, this.#writer(options), options.force === true);
    const request: WriteRequest = { options, ownership: () => managed, verb: 'patch' };
    if (live === undefined) return { object: storeNew(this.#ctx, table, next, request), created: true };
    return { object: storeChange(this.#ctx, table, live, { ...request, next: clone(next) }), created: false };
  }

  delete(ref: Ref, options: Parameters<ObjectStore['delete']>[1] = {}): KubeObject {
    const { table, live } = this.#find(ref);
    return deleteObject(this.#ctx, table, live, options);
  }

  watch(
    kind: Kind,
    selection: Selection & { resourceVersion?: string; bookmarks?: boolean },
    onEvent: (event: WatchEvent) => void,
  ): () => void {
    const table = this.#table(kind);
    const matches = compileSelection(table.definition, selection);
    const asked = parseVersion(selection.resourceVersion);
    const { version } = this.#ctx.state;
    if (asked > version) throw versionTooLarge(asked, version);
    if (asked !== 0 && asked < table.history.forgottenUpTo) throw expired(asked, table.history.forgottenUpTo);
    const first = asked === 0 ? table.values(selection.namespace).filter(matches) : [];
    const watcher = { matches, bookmarks: selection.bookmarks === true, onEvent };
    return table.history.open(watcher, first, asked === 0 ? version : asked);
  }

  bookmark(): void {
    const resourceVersion = String(this.#ctx.state.version);
    for (const { definition, history } of this.#ctx.state.tables()) {
      const { kind } = definition;
      const metadata = { resourceVersion } as ObjectMeta;
      history.bookmark({ kind, apiVersion: apiVersionOf(definition), metadata });
    }
  }

  compact(): void {
    for (const { history } of this.#ctx.state.tables()) history.forget(this.#ctx.state.version);
  }

  #table(kind: Kind): KindTable {
    const table = this.#ctx.state.table(kind);
    if (table === undefined || table.definition.version !== kind.version) throw unknownKind();
    return table;
  }

  #writer({ fieldManager, subresource }: WriteOptions): Writer {
    const time = timestamp(this.#ctx.clock.now());
    return { manager: fieldManager, time, ...(subresource === undefined ? {} : { subresource }) };
  }

  #updates({ definition }: KindTable, options: WriteOptions): Ownership {
    const writer = this.#writer(options);
    return (live, next) => ownUpdated({ definition, schema: schemaOf(definition), live }, next, writer);
  }

  #find(ref: Ref): { table: KindTable; live: KubeObject } {
    const table = this.#table(ref.kind);
    const live = table.get(table.definition.namespaced ? ref.namespace : undefined, ref.name);
    if (live === undefined) throw notFound(table.definition, ref.name);
    return { table, live };
  }
}

function patched(definition: KindDefinition, live: KubeObject, patch: Exclude<StorePatch, { type: 'apply' }>): unknown {
  switch (patch.type) {
    case 'json':
      return jsonPatch(live, patch.ops);
    case 'merge':
      return mergePatch(live, patch.body);
    case 'strategic':
      if (!isBuiltIn(definition)) throw unsupportedPatch(customPatches);
      return strategicPatch(schemaOf(definition), live, patch.body);
  }
}

const customPatches = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/apply-patch+yaml',
  'application/apply-patch+cbor',
];

function parseVersion(text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  if (!/^[0-9]+$/.test(text))
    throw badRequest(`resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`);
  return Number(text);
}
