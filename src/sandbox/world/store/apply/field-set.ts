import { isObject, type JsonObject, setField } from '../json.ts';

/**
 * A set of field paths, as a tree. Each step of a path is written as in managedFields: `f:<name>` for a field,
 * `k:<json>` for an item of a list by its keys, `v:<json>` for an item of a set by its value. Sets are not changed once made,
 * but for {@link insert}.
 */
export interface FieldSet {
  /** Whether the path that leads here is in the set. */
  member: boolean;
  readonly children: Map<string, FieldSet>;
}

export function emptySet(): FieldSet {
  return { member: false, children: new Map() };
}

export function isEmpty(set: FieldSet): boolean {
  if (set.member) return false;
  for (const child of set.children.values()) if (!isEmpty(child)) return false;
  return true;
}

/** Adds a path to a set that the caller has made. */
export function insert(set: FieldSet, path: readonly string[]): void {
  let at = set;
  for (const step of path) {
    let child = at.children.get(step);
    if (child === undefined) {
      child = emptySet();
      at.children.set(step, child);
    }
    at = child;
  }
  at.member = true;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, (inA, inB) => inA || inB);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, (inA, inB) => inA && inB);
}

export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, (inA, inB) => inA && !inB);
}

const nothing = emptySet();

function combine(a: FieldSet, b: FieldSet, keep: (inA: boolean, inB: boolean) => boolean): FieldSet {
  const result: FieldSet = { member: keep(a.member, b.member), children: new Map() };
  for (const step of new Set([...a.children.keys(), ...b.children.keys()])) {
    const child = combine(a.children.get(step) ?? nothing, b.children.get(step) ?? nothing, keep);
    if (child.member || child.children.size > 0) result.children.set(step, child);
  }
  return result;
}

/** Without a path and everything below it. */
export function without(set: FieldSet, path: readonly string[]): FieldSet {
  const [step, ...rest] = path;
  const child = step === undefined ? undefined : set.children.get(step);
  if (step === undefined || child === undefined) return set;
  const children = new Map(set.children);
  const left = rest.length === 0 ? emptySet() : without(child, rest);
  if (isEmpty(left)) children.delete(step);
  else children.set(step, left);
  return { member: set.member, children };
}

/** All paths of a set, in the order of their text. */
export function pathsOf(set: FieldSet, prefix: readonly string[] = []): string[][] {
  const own = set.member ? [[...prefix]] : [];
  const children = [...set.children].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [...own, ...children.flatMap(([step, child]) => pathsOf(child, [...prefix, step]))];
}

/** `fieldsV1` of a managedFields entry. */
export function toFieldsV1(set: FieldSet): JsonObject {
  const result: JsonObject = {};
  if (set.member && set.children.size > 0) result['.'] = {};
  for (const step of [...set.children.keys()].toSorted()) {
    const child = set.children.get(step);
    if (child !== undefined) setField(result, step, toFieldsV1(child));
  }
  return result;
}

/** Reads `fieldsV1`. @returns undefined when it is malformed */
export function fromFieldsV1(value: unknown): FieldSet | undefined {
  const set = readNode(value);
  // The root itself is no path, however empty the document.
  return set === undefined ? undefined : { ...set, member: false };
}

function readNode(value: unknown): FieldSet | undefined {
  if (!isObject(value)) return undefined;
  const children = new Map<string, FieldSet>();
  for (const [step, below] of Object.entries(value)) {
    if (step === '.') continue;
    if (!/^[fkvi]:/.test(step)) return undefined;
    const child = readNode(below);
    if (child === undefined) return undefined;
    children.set(step, child);
  }
  return { member: children.size === 0 || Object.hasOwn(value, '.'), children };
}

/** A path as messages print it: `.spec.containers[name="app"].image`. */
export function printPath(path: readonly string[]): string {
  return path.map(printStep).join('');
}

function printStep(step: string): string {
  const text = step.slice(2);
  if (step.startsWith('f:')) return `.${text}`;
  if (step.startsWith('v:')) return `[=${text}]`;
  if (step.startsWith('i:')) return `[${text}]`;
  const keys = JSON.parse(text) as JsonObject;
  const parts = Object.entries(keys).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return `[${parts.join(',')}]`;
}
