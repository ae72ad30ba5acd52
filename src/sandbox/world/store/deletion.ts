import type { KubeObject } from '../../../api/objects.ts';
import type { KindDefinition, ObjectStore } from '../types.ts';
import type { StoreContext } from './context.ts';
import { definitionOfCrd, isCrd } from './crd.ts';
import { conflict, otherUid } from './errors.ts';
import { clone, equal, fieldOf, objectAt } from './json.ts';
import { metaOf, timestamp } from './meta.ts';
import { isNamespace, namespaceOf } from './namespaces.ts';
import type { KindTable, Located } from './state.ts';

type DeleteOptions = NonNullable<Parameters<ObjectStore['delete']>[1]>;
type Propagation = NonNullable<DeleteOptions['propagationPolicy']>;

const waitForDependents = 'foregroundDeletion';
const leaveDependents = 'orphan';

/** Deletes an object as far as its finalizers, its grace period and its dependents let it go. @returns the object after that, or as it was when it went */
export function deleteObject(
  ctx: StoreContext,
  table: KindTable,
  live: KubeObject,
  options: DeleteOptions = {},
): KubeObject {
  checkPreconditions(table.definition, live, options.preconditions);
  const next = markDeleted(ctx, table, live, options);
  if (options.dryRun === true) return next;
  if (canGo(next) && !hasContents(ctx, next)) {
    removeNow(ctx, table, live);
    return next;
  }
  const stored = equal(live, next) ? live : ctx.state.put(table, next);
  releaseDependents(ctx, { table, object: stored });
  if (isNamespace(table.definition) || isCrd(table.definition)) deleteContents(ctx, table, stored);
  return clone(table.get(stored.metadata.namespace, stored.metadata.name) ?? stored);
}

function releaseDependents(ctx: StoreContext, owner: Located): void {
  const finalizers = owner.object.metadata.finalizers ?? [];
  if (finalizers.includes(leaveDependents)) orphanDependents(ctx, owner);
  else if (finalizers.includes(waitForDependents)) deleteDependentsFirst(ctx, owner);
}

/** Lets an object go whose last finalizer was just taken away. @returns whether it went */
export function finishDeletion(ctx: StoreContext, table: KindTable, live: KubeObject, next: KubeObject): boolean {
  if (next.metadata.deletionTimestamp === undefined || !canGo(next) || hasContents(ctx, next)) return false;
  removeNow(ctx, table, live);
  return true;
}

/** Deletes an object whose owners are all gone; where some are left, takes the gone ones off its list. */
export function collectIfOrphaned(ctx: StoreContext, uid: string): void {
  const located = ctx.state.byUid(uid);
  if (located === undefined) return;
  const { table, object } = located;
  const owners = object.metadata.ownerReferences ?? [];
  const gone = owners.filter((owner) => isGoing(ctx, owner.uid));
  if (gone.length === 0) return;
  if (gone.length === owners.length) {
    const hasDependents = ctx.state.dependentsOf(uid).length > 0;
    const isAwaited = gone.some((owner) => ctx.state.byUid(owner.uid) !== undefined);
    deleteObject(ctx, table, object, {
      propagationPolicy: isAwaited && hasDependents ? 'Foreground' : policyFromFinalizers(object),
    });
    return;
  }
  dropOwners(
    ctx,
    located,
    gone.map((owner) => owner.uid),
  );
}

function checkPreconditions(
  definition: KindDefinition,
  live: KubeObject,
  preconditions: DeleteOptions['preconditions'],
): void {
  const { name, uid = '', resourceVersion = '' } = live.metadata;
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    throw otherUid(definition, name, preconditions.uid, uid);
  }
  const wanted = preconditions?.resourceVersion;
  if (wanted !== undefined && wanted !== resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${wanted}, ResourceVersion in object meta: ${resourceVersion}`;
    throw conflict(definition, name, why);
  }
}

/** The object with deletion timestamp, grace period and the finalizer of the propagation policy; times already set stay. */
function markDeleted(ctx: StoreContext, table: KindTable, live: KubeObject, options: DeleteOptions): KubeObject {
  const next = clone(live);
  const meta = metaOf(next);
  setPropagation(next, options.propagationPolicy);
  const graceSeconds = gracePeriod(table.definition, live, options.gracePeriodSeconds);
  if (meta.deletionTimestamp === undefined) {
    if (meta.generation !== undefined) meta.generation += 1;
    if (isNamespace(table.definition)) next['status'] = { ...objectAt(next, 'status'), phase: 'Terminating' };
  } else if (graceSeconds >= (meta.deletionGracePeriodSeconds ?? 0)) {
    return next;
  }
  meta.deletionTimestamp = timestamp(ctx.clock.now() + graceSeconds * 1000);
  meta.deletionGracePeriodSeconds = graceSeconds;
  return next;
}

/** Seconds that a pod on a node gets to stop; all else goes at once. */
function gracePeriod(definition: KindDefinition, live: KubeObject, asked: number | undefined): number {
  if (definition.group !== '' || definition.kind !== 'Pod') return 0;
  const spec = objectAt(live, 'spec');
  const phase = fieldOf(live['status'], 'phase');
  const isRunning = typeof spec['nodeName'] === 'string' && spec['nodeName'] !== '';
  if (!isRunning || phase === 'Succeeded' || phase === 'Failed') return 0;
  const own = spec['terminationGracePeriodSeconds'];
  return asked ?? (typeof own === 'number' ? own : 30);
}

function setPropagation(object: KubeObject, policy: Propagation | undefined): void {
  if (policy === undefined) return;
  const others = (object.metadata.finalizers ?? []).filter(
    (name) => name !== waitForDependents && name !== leaveDependents,
  );
  if (policy === 'Foreground') others.push(waitForDependents);
  if (policy === 'Orphan') others.push(leaveDependents);
  if (others.length === 0) delete object.metadata.finalizers;
  else object.metadata.finalizers = others;
}

function policyFromFinalizers(object: KubeObject): Propagation {
  if (object.metadata.finalizers?.includes(leaveDependents) === true) return 'Orphan';
  return object.metadata.finalizers?.includes(waitForDependents) === true ? 'Foreground' : 'Background';
}

const canGo = (object: KubeObject) =>
  (object.metadata.finalizers ?? []).length === 0 && (metaOf(object).deletionGracePeriodSeconds ?? 0) === 0;

function removeNow(ctx: StoreContext, table: KindTable, live: KubeObject): void {
  const definition = isCrd(table.definition) ? definitionOfCrd(live) : undefined;
  ctx.state.remove(table, live);
  if (definition !== undefined) ctx.state.unregister(definition);
  for (const dependent of ctx.state.dependentsOf(live.metadata.uid ?? '')) {
    collectIfOrphaned(ctx, dependent.object.metadata.uid ?? '');
  }
  for (const owner of live.metadata.ownerReferences ?? []) {
    const located = ctx.state.byUid(owner.uid);
    if (located !== undefined && isWaiting(located.object)) finishForeground(ctx, located);
  }
  finishContainers(ctx, table, live);
}

const isWaiting = (object: KubeObject) =>
  object.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers ?? []).includes(waitForDependents);

/** Whether the owner is gone, or waits for its dependents to go. */
function isGoing(ctx: StoreContext, uid: string): boolean {
  const owner = ctx.state.byUid(uid);
  return owner === undefined || isWaiting(owner.object);
}

function deleteDependentsFirst(ctx: StoreContext, owner: Located): void {
  const uid = owner.object.metadata.uid ?? '';
  for (const dependent of ctx.state.dependentsOf(uid)) {
    if (dependent.object.metadata.deletionTimestamp !== undefined) continue;
    collectIfOrphaned(ctx, dependent.object.metadata.uid ?? '');
  }
  const now = ctx.state.byUid(uid);
  if (now !== undefined) finishForeground(ctx, now);
}

function finishForeground(ctx: StoreContext, owner: Located): void {
  const uid = owner.object.metadata.uid ?? '';
  const blocks = ({ object }: Located) =>
    (object.metadata.ownerReferences ?? []).some(
      (reference) => reference.uid === uid && fieldOf(reference, 'blockOwnerDeletion') === true,
    );
  if (!ctx.state.dependentsOf(uid).some(blocks)) removeFinalizer(ctx, owner, waitForDependents);
}

function orphanDependents(ctx: StoreContext, owner: Located): void {
  const uid = owner.object.metadata.uid ?? '';
  for (const dependent of ctx.state.dependentsOf(uid)) dropOwners(ctx, dependent, [uid]);
  removeFinalizer(ctx, owner, leaveDependents);
}

function dropOwners(ctx: StoreContext, { table, object }: Located, uids: string[]): void {
  const next = clone(object);
  const left = (next.metadata.ownerReferences ?? []).filter((owner) => !uids.includes(owner.uid));
  if (left.length === 0) delete next.metadata.ownerReferences;
  else next.metadata.ownerReferences = left;
  ctx.state.put(table, next);
}

function removeFinalizer(ctx: StoreContext, { table, object }: Located, name: string): void {
  const next = clone(object);
  const left = (next.metadata.finalizers ?? []).filter((finalizer) => finalizer !== name);
  if (left.length === 0) delete next.metadata.finalizers;
  else next.metadata.finalizers = left;
  if (!finishDeletion(ctx, table, object, next)) ctx.state.put(table, next);
}

/** The tables and namespace whose objects must go before a namespace or a definition can. */
function contentsOf(ctx: StoreContext, object: KubeObject): { tables: KindTable[]; namespace?: string } | undefined {
  if (object.kind === 'Namespace' && object.apiVersion === 'v1') {
    const tables = ctx.state.tables().filter((table) => table.definition.namespaced);
    return { tables, namespace: object.metadata.name };
  }
  if (object.kind !== 'CustomResourceDefinition') return undefined;
  const table = ctx.state.table(definitionOfCrd(object));
  return table === undefined ? undefined : { tables: [table] };
}

function hasContents(ctx: StoreContext, object: KubeObject): boolean {
  const contents = contentsOf(ctx, object);
  return contents !== undefined && contents.tables.some((table) => !table.isEmpty(contents.namespace));
}

function deleteContents(ctx: StoreContext, table: KindTable, container: KubeObject): void {
  const contents = contentsOf(ctx, container);
  for (const inner of contents?.tables ?? []) {
    for (const { metadata } of inner.values(contents?.namespace)) {
      const object = inner.get(metadata.namespace, metadata.name);
      if (object !== undefined && object.metadata.deletionTimestamp === undefined) deleteObject(ctx, inner, object);
    }
  }
  const now = table.get(undefined, container.metadata.name);
  if (now !== undefined) finishDeletion(ctx, table, now, now);
}

/** Lets the namespace and the definition of a removed object go, if they wait for it. */
function finishContainers(ctx: StoreContext, table: KindTable, removed: KubeObject): void {
  const namespace = namespaceOf(ctx, removed.metadata.namespace);
  const definitions = ctx.state.table({ group: 'apiextensions.k8s.io', plural: 'customresourcedefinitions' });
  const { plural, group } = table.definition;
  const definition = definitions?.get(undefined, `${plural}.${group}`);
  for (const located of [namespace, definition && definitions && { table: definitions, object: definition }]) {
    if (located !== undefined) finishDeletion(ctx, located.table, located.object, located.object);
  }
}
