import { childPath } from '../field-errors.ts';
import { clone, fieldOf, isObject, setField } from '../json.ts';
import { fieldSchema, metadataSchema, type Schema } from './types.ts';

/** Whether fields that the schema does not name are kept. */
const keepsUnknown = (schema: Schema): boolean =>
  schema['x-kubernetes-preserve-unknown-fields'] === true ||
  schema.additionalProperties === true ||
  // A schema that says nothing of an object's fields, as those of RawExtension and JSON.
  (schema.properties === undefined && schema.additionalProperties === undefined && schema.type !== 'object');

/** Removes the fields that the schema does not name, in place. @returns their paths, e.g. `spec.stepWeigth` */
export function prune(schema: Schema, value: unknown): string[] {
  const removed: string[] = [];
  pruneAt(schema, value, '', removed);
  return removed;
}

function pruneAt(schema: Schema, value: unknown, path: string, removed: string[]): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items !== undefined) value.forEach((item, index) => pruneAt(items, item, `${path}[${index}]`, removed));
    return;
  }
  if (!isObject(value)) return;
  for (const [name, item] of Object.entries(value)) {
    const here = childPath(path, name);
    const inner = innerSchema(schema, name);
    if (inner !== undefined) pruneAt(inner, item, here, removed);
    else if (!keepsUnknown(schema)) {
      delete value[name];
      removed.push(here);
    }
  }
}

function innerSchema(schema: Schema, name: string): Schema | undefined {
  const found = fieldSchema(schema, name);
  if (schema['x-kubernetes-embedded-resource'] !== true) return found;
  if (name === 'metadata') return metadataSchema;
  return name === 'apiVersion' || name === 'kind' ? { type: 'string' } : found;
}

/** Sets the defaults of the schema where fields are absent, or null without being nullable, in place. */
export function setDefaults(schema: Schema, value: unknown): void {
  if (Array.isArray(value)) {
    if (schema.items !== undefined) for (const item of value) setDefaults(schema.items, item);
    return;
  }
  if (!isObject(value)) return;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (property.default !== undefined && isAbsent(property, fieldOf(value, name))) {
      setField(value, name, clone(property.default));
    }
  }
  for (const [name, item] of Object.entries(value)) {
    const inner = fieldSchema(schema, name);
    if (inner !== undefined) setDefaults(inner, item);
  }
}

const isAbsent = (schema: Schema, value: unknown) =>
  value === undefined || (value === null && schema.nullable !== true);

/** Removes null fields that are not nullable, in place: to the API server they are not there. */
export function dropNulls(schema: Schema | undefined, value: unknown): void {
  if (Array.isArray(value)) {
    for (const item of value) dropNulls(schema?.items, item);
    return;
  }
  if (!isObject(value)) return;
  for (const [name, item] of Object.entries(value)) {
    const inner = schema === undefined ? undefined : fieldSchema(schema, name);
    const isUnknown = inner === undefined || Object.keys(inner).length === 0;
    if (item !== null) dropNulls(inner, item);
    else if (!isUnknown && inner?.nullable !== true) delete value[name];
  }
}
