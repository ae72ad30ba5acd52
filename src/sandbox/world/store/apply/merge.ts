import { clone, isObject } from '../json.ts';
import type { Schema } from '../schema/types.ts';
import { emptySet, type FieldSet, isEmpty } from './field-set.ts';
import { assemble, type Part, partsOf, sameShape } from './structure.ts';

/** Lays an applied configuration over the object as it is. @returns a new value that shares nothing with `config` */
export function mergeApplied(schema: Schema | undefined, live: unknown, config: unknown): unknown {
  if (!sameShape(schema, live, config)) return clone(config);
  const old = partsOf(schema, live);
  const wanted = partsOf(schema, config);
  const merged = mergeOrder(old, wanted).map((step): Part => {
    const was = old.get(step);
    const now = wanted.get(step);
    if (now === undefined) return was as Part;
    return { ...now, value: was === undefined ? clone(now.value) : mergeApplied(now.schema, was.value, now.value) };
  });
  return assemble(schema, live, merged);
}

/** The order of the configuration for what it names; the rest stays where it stood among that. */
function mergeOrder(old: Map<string, Part>, wanted: Map<string, Part>): string[] {
  const order: string[] = [];
  const done = new Set<string>();
  const oldSteps = [...old.keys()];
  let next = 0;
  const takeUnnamed = () => {
    for (let step = oldSteps[next]; step !== undefined; step = oldSteps[++next]) {
      if (wanted.has(step) && !done.has(step)) return;
      if (!wanted.has(step)) order.push(step);
    }
  };
  for (const step of wanted.keys()) {
    takeUnnamed();
    order.push(step);
    done.add(step);
    if (oldSteps[next] === step) next++;
  }
  takeUnnamed();
  return order;
}

/**
 * Removes the fields that a manager owned (`last`) and that nobody owns any more (`owned`: the union of all sets, the manager's
 * new one included). @returns undefined when nothing is left
 */
export function removeUnowned(schema: Schema | undefined, value: unknown, last: FieldSet, owned: FieldSet): unknown {
  const kept: Part[] = [];
  let removedAny = false;
  for (const part of partsOf(schema, value).values()) {
    const ours = last.children.get(part.step);
    const others = owned.children.get(part.step) ?? emptySet();
    if (ours === undefined) {
      kept.push(part);
      continue;
    }
    const left = removePart(part, ours, others);
    if (left !== part.value) removedAny = true;
    if (left !== undefined) kept.push({ ...part, value: left });
  }
  return removedAny ? assemble(schema, value, kept) : value;
}

function removePart(part: Part, last: FieldSet, owned: FieldSet): unknown {
  const isOwned = part.isItem ? owned.member : !isEmpty(owned);
  // An item of a list or a key of a map goes with all that is in it, even where others own some of that.
  if (!isOwned && last.member && (part.isItem || last.children.size === 0)) return undefined;
  const left = removeUnowned(part.schema, part.value, last, owned);
  return isHollow(left) && !isOwned && left !== part.value ? undefined : left;
}

const isHollow = (value: unknown) =>
  Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
