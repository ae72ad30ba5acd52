import type { KubeObject, ManagedFieldsEntry } from '../../../api/objects.ts';
import type { WriteOptions } from '../types.ts';
import type { StoreContext } from './context.ts';
import { crdErrors, definitionOfCrd, establishCrd, isCrd, schemasOfCrd } from './crd.ts';
import { collectIfOrphaned, finishDeletion } from './deletion.ts';
import { alreadyExists, invalidObject, unclassified } from './errors.ts';
import { clone, equal, objectAt } from './json.ts';
import {
  checkIdentity,
  dropSystemFields,
  keepSystemFields,
  metadataErrors,
  metaOf,
  requireName,
  specChanged,
  timestamp,
} from './meta.ts';
import { generatedName } from './names.ts';
import { isNamespace, prepareNamespace, requireNamespace } from './namespaces.ts';
import { ruleErrors } from './schema/cel.ts';
import { admitFields, schemaErrors } from './schema/kind-schema.ts';
import { structuralErrors } from './schema/structural.ts';
import { workloadErrors } from './workload-rules.ts';
import type { KindTable } from './state.ts';

/** Computes who owns which field after a write. `live` is absent on creation; `next` has the fields as they will be stored. */
export type Ownership = (live: KubeObject | undefined, next: KubeObject) => ManagedFieldsEntry[];

/** What a write asks for. `verb` tells how unknown fields are refused. */
export interface WriteRequest {
  options: WriteOptions;
  ownership: Ownership;
  verb: 'write' | 'patch';
}

/** Stores a new object. `object` belongs to the callee. */
export function storeNew(
  ctx: StoreContext,
  table: KindTable,
  object: KubeObject,
  { options, ownership, verb }: WriteRequest,
): KubeObject {
  const { definition } = table;
  if ((object.metadata.resourceVersion ?? '') !== '') {
    throw unclassified('resourceVersion should not be set on objects to be created');
  }
  nameNew(ctx, table, object);
  requireNamespace(ctx, definition, object);
  dropSystemFields(object);
  if (definition.statusSubresource && definition.kind !== 'Node') delete object['status'];
  admitFields(definition, object, undefined, { options, verb });
  prepareNew(ctx, table, object);
  setManaged(object, ownership(undefined, object));
  if (isCrd(definition)) establishCrd(object, timestamp(ctx.clock.now()));
  checkObject(table, object, undefined);
  const { namespace, name } = object.metadata;
  if (table.get(namespace, name) !== undefined) throw alreadyExists(definition, name);
  if (options.dryRun === true) return object;
  if (isCrd(definition)) ctx.state.register(definitionOfCrd(object));
  const stored = ctx.state.put(table, object);
  collectLater(ctx, stored);
  return clone(stored);
}

function nameNew(ctx: StoreContext, table: KindTable, object: KubeObject): void {
  const { name, namespace } = object.metadata;
  const { generateName } = metaOf(object);
  if ((name === undefined || name === '') && generateName !== undefined && generateName !== '') {
    // As many tries as the API server makes.
    for (let attempt = 0; attempt < 8; attempt++) {
      object.metadata.name = generatedName(generateName, () => ctx.random.next());
      if (table.get(namespace, object.metadata.name) === undefined) break;
    }
  }
  requireName(table.definition, object);
}

function prepareNew(ctx: StoreContext, { definition }: KindTable, object: KubeObject): void {
  const now = timestamp(ctx.clock.now());
  if (isNamespace(definition)) prepareNamespace(object);
  object.metadata.uid = ctx.random.uuid();
  object.metadata.creationTimestamp = now;
  if (definition.generation) object.metadata.generation = 1;
}

/** An owner that is not there cannot be waited for: the collector looks at the new object once, a moment later. */
function collectLater(ctx: StoreContext, object: KubeObject): void {
  const { uid, ownerReferences = [] } = object.metadata;
  if (uid === undefined || ownerReferences.every((owner) => ctx.state.byUid(owner.uid) !== undefined)) return;
  ctx.clock.after(0, () => collectIfOrphaned(ctx, uid));
}

/**
 * Stores a change of an object. `next` belongs to the callee: the object as the request wants it, with all fields.
 * A write that changes nothing keeps the resourceVersion.
 */
export function storeChange(
  ctx: StoreContext,
  table: KindTable,
  live: KubeObject,
  request: WriteRequest & { next: KubeObject },
): KubeObject {
  const { definition } = table;
  const { options, ownership, verb } = request;
  checkIdentity(definition, live, request.next);
  const next = withinSubresource(table, live, request.next, options);
  keepSystemFields(live, next);
  admitFields(definition, next, live, { options, verb });
  setManaged(next, ownership(live, next));
  if (isCrd(definition)) establishCrd(next, timestamp(ctx.clock.now()));
  if (definition.generation && specChanged(definition, live, next)) {
    next.metadata.generation = (live.metadata.generation ?? 0) + 1;
  }
  checkObject(table, next, live);
  if (equalButTimes(live, next)) return clone(live);
  if (options.dryRun === true || finishDeletion(ctx, table, live, next)) return next;
  if (isCrd(definition)) ctx.state.register(definitionOfCrd(next));
  const stored = ctx.state.put(table, next);
  if (!equal(live.metadata.ownerReferences, stored.metadata.ownerReferences)) collectLater(ctx, stored);
  return clone(stored);
}

function setManaged(object: KubeObject, managed: ManagedFieldsEntry[]): void {
  if (managed.length === 0) delete object.metadata.managedFields;
  else object.metadata.managedFields = managed;
}

/** Throws 422 with everything that is wrong with an object that is about to be stored. */
function checkObject({ definition }: KindTable, next: KubeObject, live: KubeObject | undefined): void {
  const errors = [...metadataErrors(definition, next, live), ...schemaErrors(definition, next, live)];
  errors.push(...workloadErrors(definition, next, live));
  if (isCrd(definition)) {
    errors.push(...crdErrors(next));
    for (const { schema, path } of schemasOfCrd(next)) {
      const structural = structuralErrors(schema, path);
      errors.push(...(structural.length > 0 ? structural : ruleErrors(schema, path)));
    }
  }
  if (errors.length > 0) throw invalidObject(definition, next.metadata.name, errors);
}

/** Takes from the request what its subresource can change, and the rest from the object as it is. */
function withinSubresource(
  { definition }: KindTable,
  live: KubeObject,
  next: KubeObject,
  options: WriteOptions,
): KubeObject {
  if (options.subresource === 'status') {
    const result = clone(live);
    if (next['status'] === undefined) delete result['status'];
    else result['status'] = next['status'];
    return result;
  }
  if (options.subresource === 'scale') {
    const result = clone(live);
    result['spec'] = { ...objectAt(live, 'spec'), replicas: objectAt(next, 'spec')['replicas'] };
    return result;
  }
  if (!definition.statusSubresource) return next;
  if (live['status'] === undefined) delete next['status'];
  else next['status'] = clone(live['status']);
  return next;
}

/** Whether nothing changed; new times alone in managedFields are not a change. */
function equalButTimes(live: KubeObject, next: KubeObject): boolean {
  if (!equal(withoutManaged(live), withoutManaged(next))) return false;
  const entries = (object: KubeObject) => (object.metadata.managedFields ?? []).map(({ time: _, ...entry }) => entry);
  return equal(entries(live), entries(next));
}

const withoutManaged = (object: KubeObject) => ({
  ...object,
  metadata: { ...object.metadata, managedFields: undefined },
});
