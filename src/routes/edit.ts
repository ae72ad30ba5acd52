import { fenceAnnotation } from '../api/names.ts';
import type { JsonPatchOp } from '../api/json-patch.ts';
import type { BackendRef, Route } from '../api/objects.ts';
import { redirected, weightOf } from './backend.ts';
import type { BackendId } from './backend.ts';
import type { LocatedRule } from './locate.ts';
import { namespaceOf } from './plan.ts';

/** One edit of a route, with what it changes in words. */
export interface Edit {
  ops: JsonPatchOp[];
  text: string;
}

/** A JSON pointer; `/` and `~` in a segment are escaped (RFC 6901). */
export function pointer(...segments: (string | number)[]): string {
  return segments.map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** @param want undefined: the field is absent */
export function setWeight(rule: LocatedRule, at: number, want: number | undefined): Edit[] {
  const ref = rule.refs[at];
  if (ref === undefined || ref.weight === want) return [];
  const path = pointer('spec', 'rules', rule.index, 'backendRefs', at, 'weight');
  const op: JsonPatchOp =
    want === undefined
      ? { op: 'remove', path }
      : { op: ref.weight === undefined ? 'add' : 'replace', path, value: want };
  const text = `${rule.label}: weight of ${ref.name} is ${weightOf(ref)}, wanted ${want ?? 'none'}`;
  return [{ ops: [named(rule, at), op], text }];
}

/** Puts the canary's backendRef right after the stable one, as a copy of it. */
export function insertCanary(route: Route, rule: LocatedRule, canary: BackendId, weight: number): Edit[] {
  const at = rule.stable[0];
  const ref = at === undefined ? undefined : rule.refs[at];
  if (at === undefined || ref === undefined) return [];
  const path = pointer('spec', 'rules', rule.index, 'backendRefs', at + 1);
  const value = redirected(ref, canary, namespaceOf(route), weight);
  return [{ ops: [named(rule, at), { op: 'add', path, value }], text: `${rule.label}: ${canary.name} is missing` }];
}

/** Last first, so that the positions of those still to go stay true. */
export function removeRefs(rule: LocatedRule, positions: number[]): Edit[] {
  return positions
    .toSorted((a, b) => b - a)
    .map((at) => ({
      ops: [named(rule, at), { op: 'remove', path: pointer('spec', 'rules', rule.index, 'backendRefs', at) }],
      text: `${rule.label}: ${rule.refs[at]?.name} is still there`,
    }));
}

/** Exchanges a whole backendRef. */
export function replaceRef(rule: LocatedRule, at: number, value: BackendRef): Edit[] {
  const path = pointer('spec', 'rules', rule.index, 'backendRefs', at);
  return [{ ops: [named(rule, at), { op: 'replace', path, value }], text: `${rule.label}: ${value.name} is missing` }];
}

export function setFence(route: Route, canaryUid: string, fence: string): Edit[] {
  const key = fenceAnnotation(canaryUid);
  const annotations = route.metadata.annotations;
  if (annotations?.[key] === fence) return [];
  const op: JsonPatchOp =
    annotations === undefined
      ? { op: 'add', path: '/metadata/annotations', value: { [key]: fence } }
      : { op: 'add', path: pointer('metadata', 'annotations', key), value: fence };
  return [{ ops: [op], text: `annotation ${key} is ${annotations?.[key] ?? 'missing'}, wanted ${fence}` }];
}

/** @param hadAnnotations false: the map came with the fence and goes with it, unless others have put something in */
export function removeFence(route: Route, canaryUid: string, hadAnnotations: boolean): Edit[] {
  const key = fenceAnnotation(canaryUid);
  const annotations = route.metadata.annotations;
  if (annotations?.[key] === undefined) return [];
  const alone = !hadAnnotations && Object.keys(annotations).length === 1;
  const path = alone ? '/metadata/annotations' : pointer('metadata', 'annotations', key);
  return [{ ops: [{ op: 'remove', path }], text: `annotation ${key} is still there` }];
}

/**
 * The patch of some edits: the resourceVersion first, so that a route that has changed since it was read answers 409; then the
 * names that the positions rely on; then the changes.
 */
export function patchOf(route: Route, edits: Edit[]): JsonPatchOp[] {
  const ops = edits.flatMap((edit) => edit.ops);
  const tests = new Map(ops.filter((op) => op.op === 'test').map((op) => [op.path, op]));
  return [...readAt(route), ...tests.values(), ...ops.filter((op) => op.op !== 'test')];
}

/** The precondition that the route is still the one that was read. */
export function readAt(route: Route): JsonPatchOp[] {
  const value = route.metadata.resourceVersion;
  return value === undefined ? [] : [{ op: 'replace', path: '/metadata/resourceVersion', value }];
}

function named(rule: LocatedRule, at: number): JsonPatchOp {
  const path = pointer('spec', 'rules', rule.index, 'backendRefs', at, 'name');
  return { op: 'test', path, value: rule.refs[at]?.name };
}
