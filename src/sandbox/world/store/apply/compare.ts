import { equal, isObject } from '../json.ts';
import type { Schema } from '../schema/types.ts';
import { emptySet, type FieldSet, insert } from './field-set.ts';
import { type Part, partsOf, sameShape, shapeOf } from './structure.ts';

/** What a write did to an object's fields. */
export interface Comparison {
  added: FieldSet;
  removed: FieldSet;
  modified: FieldSet;
}

/** Compares two objects field by field, as far as their schema lets fields be told apart. */
export function compare(schema: Schema | undefined, before: unknown, after: unknown): Comparison {
  const result: Comparison = { added: emptySet(), removed: emptySet(), modified: emptySet() };
  compareAt({ schema, before, after }, [], result);
  return result;
}

interface Change {
  schema: Schema | undefined;
  before: unknown;
  after: unknown;
}

function compareAt({ schema, before, after }: Change, path: string[], result: Comparison): void {
  if (equal(before, after)) return;
  if (!sameShape(schema, before, after)) {
    insert(result.modified, path);
    return;
  }
  const old = partsOf(schema, before);
  const now = partsOf(schema, after);
  for (const part of old.values()) {
    if (!now.has(part.step)) insertAll(result.removed, part, path);
  }
  for (const part of now.values()) {
    const was = old.get(part.step);
    if (was === undefined) insertAll(result.added, part, path);
    else compareAt({ schema: part.schema, before: was.value, after: part.value }, [...path, part.step], result);
  }
}

/** A part that came or went, with everything in it. */
function insertAll(set: FieldSet, part: Part, path: string[]): void {
  const here = [...path, part.step];
  insert(set, here);
  for (const inner of partsOf(part.schema, part.value).values()) insertAll(set, inner, here);
}

/** The fields that an applied object names. */
export function fieldSetOf(schema: Schema | undefined, value: unknown): FieldSet {
  const set = emptySet();
  for (const part of partsOf(schema, value).values()) addNamed(set, part, []);
  return set;
}

function addNamed(set: FieldSet, part: Part, path: string[]): void {
  const here = [...path, part.step];
  const isLeaf = shapeOf(part.schema, part.value) === 'leaf';
  const isEmptyObject = isObject(part.value) && Object.keys(part.value).length === 0;
  if (isLeaf || isEmptyObject || part.isItem) insert(set, here);
  for (const inner of partsOf(part.schema, part.value).values()) addNamed(set, inner, here);
}
