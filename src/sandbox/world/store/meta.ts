import type { KubeObject, ObjectMeta } from '../../../api/objects.ts';
import { apiVersionOf } from '../../../api/kinds.ts';
import type { KindDefinition } from '../types.ts';
import { isBuiltIn } from './built-in.ts';
import { badRequest, invalidObject, otherUid, staleVersion } from './errors.ts';
import { type FieldError, forbiddenField, invalid, required } from './field-errors.ts';
import { clone, equal, isObject, type JsonObject } from './json.ts';
import { annotationErrors, finalizerErrors, labelErrors, nameErrors, nonStringEntry } from './names.ts';

/** The metadata of stored objects, with the fields that only the store looks at. */
export type StoredMeta = ObjectMeta & { deletionGracePeriodSeconds?: number; generateName?: string };

/** @returns metadata with the fields that only the store looks at */
export function metaOf(object: KubeObject): StoredMeta {
  return object.metadata;
}

/** RFC 3339 in whole seconds, as `metav1.Time` is written. @param nowMs milliseconds since the epoch */
export function timestamp(nowMs: number): string {
  return new Date(Math.floor(nowMs / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

/** Reads a request's body into an object of this kind, copied. Throws 400 when it cannot be one. */
export function parseObject(definition: KindDefinition, body: unknown): KubeObject {
  if (!isObject(body)) throw badRequest(`the object provided is unrecognized (must be of type ${definition.kind})`);
  const object: JsonObject = clone(body);
  checkType(definition, object);
  const metadata = object['metadata'] ?? {};
  if (!isObject(metadata)) throw cannotDecode(definition, 'metadata', metadata);
  const bad = nonStringEntry(metadata);
  if (bad !== undefined) throw cannotDecode(definition, bad, undefined);
  checkLists(definition, metadata);
  for (const [field, value] of Object.entries(metadata)) if (value === null) delete metadata[field];
  const { kind } = definition;
  return { ...object, apiVersion: apiVersionOf(definition), kind, metadata: metadata as unknown as ObjectMeta };
}

/** Custom resources must say what they are; Kubernetes' own kinds are known from the URL. */
function checkType(definition: KindDefinition, object: JsonObject): void {
  const wanted = { kind: definition.kind, apiVersion: apiVersionOf(definition) };
  for (const [field, name] of [
    ['kind', 'Kind'],
    ['apiVersion', 'apiVersion'],
  ] as const) {
    const found = object[field];
    if (found === wanted[field]) continue;
    if (found !== undefined) {
      throw badRequest(
        `the API version in the data (${JSON.stringify(object['apiVersion'])}, Kind=${JSON.stringify(object['kind'])}) does not match the expected API version (${wanted.apiVersion}, Kind=${wanted.kind})`,
      );
    }
    if (!isBuiltIn(definition)) throw badRequest(`Object '${name}' is missing in '${JSON.stringify(object)}'`);
  }
}

function checkLists(definition: KindDefinition, metadata: JsonObject): void {
  for (const field of ['name', 'namespace', 'generateName', 'resourceVersion', 'uid']) {
    const value = metadata[field];
    if (value !== undefined && value !== null && typeof value !== 'string') {
      throw cannotDecode(definition, `metadata.${field}`, value);
    }
  }
  for (const field of ['finalizers', 'ownerReferences', 'managedFields']) {
    const value = metadata[field];
    const isItem = (item: unknown) => (field === 'finalizers' ? typeof item === 'string' : isObject(item));
    if (value === undefined || value === null || (Array.isArray(value) && value.every(isItem))) continue;
    throw cannotDecode(definition, `metadata.${field}`, value);
  }
}

/** 400: a field has a type with which the API server cannot even read the object. */
export function cannotDecode(definition: KindDefinition, field: string, value: unknown): Error {
  const found = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  return badRequest(
    `${definition.kind} in version "${definition.version}" cannot be handled as a ${definition.kind}: json: cannot unmarshal ${found === 'undefined' ? 'value' : found} into Go struct field .${field}`,
  );
}

/** Refuses a request that means another object than the stored one: by name (400), uid or resourceVersion (409). */
export function checkIdentity(definition: KindDefinition, live: KubeObject, next: KubeObject): void {
  const { name, namespace, uid, resourceVersion } = next.metadata;
  if (name !== undefined && name !== live.metadata.name) {
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${String(live.metadata.name)})`,
    );
  }
  if (namespace !== undefined && namespace !== (live.metadata.namespace ?? '')) {
    throw badRequest('the namespace of the object does not match the namespace on the request');
  }
  if (!isEmptyOr(uid, live.metadata.uid)) {
    throw otherUid(definition, live.metadata.name, uid ?? '', live.metadata.uid ?? '');
  }
  if (!isEmptyOr(resourceVersion, live.metadata.resourceVersion)) {
    throw staleVersion(definition, live.metadata.name);
  }
}

const isEmptyOr = (value: string | undefined, wanted: string | undefined) =>
  value === undefined || value === '' || value === wanted;

/** Puts back what no request can change, where a request says otherwise or says nothing. */
export function keepSystemFields(live: KubeObject, next: KubeObject): void {
  const kept = ['name', 'namespace', 'uid', 'creationTimestamp', 'generation', 'generateName', 'resourceVersion'];
  const deletion = ['deletionTimestamp', 'deletionGracePeriodSeconds'];
  const from = live.metadata as unknown as JsonObject;
  const to = next.metadata as unknown as JsonObject;
  delete to['selfLink'];
  for (const field of [...kept, ...deletion]) {
    if (from[field] === undefined) delete to[field];
    else to[field] = from[field];
  }
}

/** Removes what a client cannot choose on a new object. */
export function dropSystemFields(object: KubeObject): void {
  const metadata = object.metadata as unknown as JsonObject;
  for (const field of [
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generation',
    'selfLink',
    'resourceVersion',
  ]) {
    delete metadata[field];
  }
}

/** Whether anything changed that `metadata.generation` counts. */
export function specChanged(definition: KindDefinition, live: KubeObject, next: KubeObject): boolean {
  const uncounted = new Set(['metadata', 'apiVersion', 'kind']);
  // Without a status subresource a custom resource's status is a field like any other.
  if (definition.statusSubresource || isBuiltIn(definition)) uncounted.add('status');
  const fields = new Set([...Object.keys(live), ...Object.keys(next)]);
  return [...fields].some((field) => !uncounted.has(field) && !equal(live[field], next[field]));
}

/** What is wrong with the metadata of an object that is about to be stored. */
export function metadataErrors(definition: KindDefinition, next: KubeObject, live?: KubeObject): FieldError[] {
  const { name, labels, annotations, finalizers = [] } = next.metadata;
  const errors = live === undefined ? nameErrors(definition, name) : [];
  errors.push(...labelErrors(labels), ...annotationErrors(annotations), ...finalizerErrors(finalizers));
  errors.push(...ownerErrors(next));
  const before = live?.metadata.finalizers ?? [];
  const added = finalizers.filter((finalizer) => !before.includes(finalizer));
  if (live?.metadata.deletionTimestamp !== undefined && added.length > 0) {
    const list = added.map((finalizer) => JSON.stringify(finalizer)).join(', ');
    errors.push(
      forbiddenField(
        'metadata.finalizers',
        `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
      ),
    );
  }
  return errors;
}

function ownerErrors(object: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  const owners = object.metadata.ownerReferences ?? [];
  owners.forEach((owner, index) => {
    for (const field of ['apiVersion', 'kind', 'name', 'uid'] as const) {
      if (owner[field] === undefined || owner[field] === '') {
        errors.push(
          invalid(`metadata.ownerReferences[${index}].${field}`, owner[field] ?? '', `${field} must not be empty`),
        );
      }
    }
  });
  const controllers = owners.filter((owner) => owner.controller === true);
  if (controllers.length > 1) {
    errors.push(
      invalid(
        'metadata.ownerReferences',
        owners,
        `Only one reference can have Controller set to true. Found "true" in references for ${controllers.map((owner) => `${owner.kind}/${owner.name}`).join(' and ')}`,
      ),
    );
  }
  return errors;
}

/** Throws 422 when an object without a name also has no `generateName`. */
export function requireName(definition: KindDefinition, object: KubeObject): void {
  if (object.metadata.name !== undefined && object.metadata.name !== '') return;
  throw invalidObject(definition, '', [required('metadata.name', 'name or generateName is required')]);
}
