import { fenceAnnotation, fieldManager } from '../api/names.ts';
import type { JsonPatchOp } from '../api/json-patch.ts';
import type { Route } from '../api/objects.ts';
import { redirected, weightOf } from './backend.ts';
import { insertCanary, patchOf, pointer, readAt, removeFence, removeRefs, replaceRef, setWeight } from './edit.ts';
import type { Edit } from './edit.ts';
import { isNewer } from './fence.ts';
import { locateRules } from './locate.ts';
import type { LocatedRule } from './locate.ts';
import { namespaceOf } from './plan.ts';
import type { RoutePlan } from './plan.ts';

/** How a route is to be left. */
export interface Restore {
  /**
   * `original`: the weights of the attempt's start · `stable`: the same, but all of the pair's weight with stable ·
   * `canary`: all of it with the canary, whose backendRef stays.
   */
  keep: 'stable' | 'canary' | 'original';
  /** With `canary`: the stable backendRef goes. Default false. */
  removeStable?: boolean;
  canaryUid: string;
  /** The newest fence of the one who asks; a later one on the route means that this decision is old. */
  fence: string;
}

export type RouteRestored = { patch: JsonPatchOp[] } | { already: true } | { superseded: string };

/**
 * The inverse edit, on the route as it is now: what Linnet changed goes back, what others changed stays. Asked again after it
 * was done it gives `already`. Also for a route that was created anew from a copy with our edits in it.
 */
export function routeRestore(route: Route, plan: RoutePlan, restore: Restore): RouteRestored {
  const fence = route.metadata.annotations?.[fenceAnnotation(restore.canaryUid)];
  if (fence !== undefined && isNewer(fence, restore.fence)) return { superseded: fence };
  const rules = locateRules(route, plan).filter((rule) => fence !== undefined || isOurs(rule));
  const edits = [
    ...rules.flatMap((rule) => ruleEdits(route, plan, rule, restore)),
    ...removeFence(route, restore.canaryUid, plan.hadAnnotations),
  ];
  return edits.length === 0 ? { already: true } : { patch: patchOf(route, edits) };
}

/**
 * The patch that takes Linnet's entries out of the route's managedFields, so that nobody's server-side apply meets a conflict
 * with them. Changes nothing else.
 */
export function stripManager(route: Route): { patch: JsonPatchOp[] } | { already: true } {
  const entries = route.metadata.managedFields ?? [];
  const ours = entries.flatMap((entry, at) => (entry.manager === fieldManager ? [at] : [])).toReversed();
  if (ours.length === 0) return { already: true };
  const path = (at: number, ...more: string[]) => pointer('metadata', 'managedFields', at, ...more);
  const tests = ours.map((at): JsonPatchOp => ({ op: 'test', path: path(at, 'manager'), value: fieldManager }));
  // An empty list counts as not given; a list with one empty entry is how the API server is told to drop the last one.
  const all: JsonPatchOp = { op: 'replace', path: pointer('metadata', 'managedFields'), value: [{}] };
  const removals = ours.map((at): JsonPatchOp => ({ op: 'remove', path: path(at) }));
  return { patch: [...readAt(route), ...tests, ...(ours.length === entries.length ? [all] : removals)] };
}

/**
 * Without the fence a rule counts as left by us when the canary that we added is in it, or when the pair has the sum that we
 * write: rather put a weight back once too often than leave users on a version that was taken back.
 */
function isOurs(rule: LocatedRule): boolean {
  const { plan } = rule;
  if (plan.canary === undefined) return rule.canary.length > 0;
  const [stable, canary] = [rule.stable[0], rule.canary[0]].map((at) => (at === undefined ? undefined : rule.refs[at]));
  if (stable === undefined || canary === undefined) return false;
  return weightOf(stable) + weightOf(canary) === plan.sum * plan.factor;
}

/** Weights first, then what is added, then what is removed: so every position is still true when it is used. */
function ruleEdits(route: Route, plan: RoutePlan, rule: LocatedRule, restore: Restore): Edit[] {
  const divide = rule.scaled && rule.plan.factor !== 1;
  const others = divide ? rule.others.flatMap(({ plan: known, at }) => setWeight(rule, at, known.weight)) : [];
  const pair = restore.keep === 'canary' ? promoted(route, plan, rule, restore) : returned(route, plan, rule, restore);
  return [...others, ...pair];
}

function returned(route: Route, plan: RoutePlan, rule: LocatedRule, { keep }: Restore): Edit[] {
  const [stable] = rule.stable;
  const { plan: planned } = rule;
  const original = planned.refs[planned.stable];
  const whole = weightOf(original ?? {}) === planned.sum || keep === 'original';
  const weight = whole ? original?.weight : planned.sum;
  if (stable === undefined) return withoutStable(route, plan, rule, weight);
  const stableEdits = setWeight(rule, stable, weight);
  if (planned.canary === undefined) return [...stableEdits, ...removeRefs(rule, rule.canary)];
  const [canary] = rule.canary;
  const idle = weightOf(planned.refs[planned.canary] ?? {}) === 0 || keep === 'original';
  const canaryWeight = idle ? planned.refs[planned.canary]?.weight : 0;
  return [...stableEdits, ...(canary === undefined ? [] : setWeight(rule, canary, canaryWeight))];
}

/** Somebody took stable out. Our canary goes too; where it is the last backend it becomes the stable one, for the traffic's sake. */
function withoutStable(route: Route, plan: RoutePlan, rule: LocatedRule, weight: number | undefined): Edit[] {
  if (rule.plan.canary !== undefined) return [];
  const [canary, ...doubles] = rule.canary;
  const ref = canary === undefined ? undefined : rule.refs[canary];
  if (canary === undefined || ref === undefined) return [];
  if (rule.refs.length > rule.canary.length) return removeRefs(rule, rule.canary);
  const value = redirected(ref, plan.stable, namespaceOf(route), weight);
  return [...replaceRef(rule, canary, value), ...removeRefs(rule, doubles)];
}

function promoted(route: Route, plan: RoutePlan, rule: LocatedRule, { removeStable }: Restore): Edit[] {
  const [canary] = rule.canary;
  const hasCanary = canary !== undefined;
  const canaryEdits = hasCanary
    ? setWeight(rule, canary, rule.plan.sum)
    : insertCanary(route, rule, plan.canary, rule.plan.sum);
  if (removeStable === true) return [...canaryEdits, ...removeRefs(rule, rule.stable)];
  return [...rule.stable.flatMap((at) => setWeight(rule, at, 0)), ...canaryEdits];
}
