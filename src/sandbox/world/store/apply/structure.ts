import { canonicalJson, isObject, type JsonObject } from '../json.ts';
import { fieldSchema, isDeclared, type Schema } from '../schema/types.ts';

/** One part of a value that can be owned and merged by itself. */
export interface Part {
  /** Step of the path, as in managedFields. */
  step: string;
  value: unknown;
  schema: Schema | undefined;
  /** Whether the step alone is a member of a field set: items of lists and keys of maps are, declared fields are not. */
  isItem: boolean;
}

/**
 * How a value is merged and owned: `leaf` as a whole; `fields` by field; `items` by the keys of a list's items; `values` by the
 * values of a set. Lists whose schema says nothing are atomic, that is leaves; objects are not.
 */
export type Shape = 'leaf' | 'fields' | 'items' | 'values';

export function shapeOf(schema: Schema | undefined, value: unknown): Shape {
  if (Array.isArray(value)) {
    const listType = schema?.['x-kubernetes-list-type'];
    if (listType === 'map' && value.every(isObject) && keysOf(schema).length > 0) return 'items';
    return listType === 'set' ? 'values' : 'leaf';
  }
  if (!isObject(value)) return 'leaf';
  return schema?.['x-kubernetes-map-type'] === 'atomic' ? 'leaf' : 'fields';
}

const keysOf = (schema: Schema | undefined): string[] => schema?.['x-kubernetes-list-map-keys'] ?? [];

/** The parts of a value, in its order; none of a leaf. Of items with equal keys the last counts. */
export function partsOf(schema: Schema | undefined, value: unknown): Map<string, Part> {
  const parts = new Map<string, Part>();
  const add = (part: Part) => parts.set(part.step, part);
  switch (shapeOf(schema, value)) {
    case 'leaf':
      return parts;
    case 'fields':
      for (const [name, item] of Object.entries(value as JsonObject)) {
        const isItem = !isDeclared(schema, name);
        add({ step: `f:${name}`, value: item, schema: fieldSchema(schema, name), isItem });
      }
      return parts;
    case 'items':
      for (const item of value as JsonObject[]) {
        add({ step: `k:${itemKey(schema, item)}`, value: item, schema: schema?.items, isItem: true });
      }
      return parts;
    case 'values':
      for (const item of value as unknown[]) {
        add({ step: `v:${canonicalJson(item)}`, value: item, schema: schema?.items, isItem: true });
      }
      return parts;
  }
}

function itemKey(schema: Schema | undefined, item: JsonObject): string {
  const keys: JsonObject = {};
  for (const name of keysOf(schema)) {
    const value = item[name] ?? schema?.items?.properties?.[name]?.default;
    if (value !== undefined) keys[name] = value;
  }
  return canonicalJson(keys);
}

/** Whether two values are merged part by part. */
export function sameShape(schema: Schema | undefined, a: unknown, b: unknown): boolean {
  const shape = shapeOf(schema, a);
  return shape !== 'leaf' && shape === shapeOf(schema, b);
}

/** Puts parts together again, as a value of the shape of `like`. */
export function assemble(schema: Schema | undefined, like: unknown, parts: Iterable<Part>): unknown {
  const shape = shapeOf(schema, like);
  if (shape !== 'fields') return Array.from(parts, (part) => part.value);
  return Object.fromEntries(Array.from(parts, (part) => [part.step.slice(2), part.value]));
}
