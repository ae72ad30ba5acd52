import { fenceAnnotation } from '../api/names.ts';
import type { JsonPatchOp } from '../api/json-patch.ts';
import type { Route } from '../api/objects.ts';
import { weightOf } from './backend.ts';
import { insertCanary, patchOf, setFence, setWeight } from './edit.ts';
import type { Edit } from './edit.ts';
import { isNewer } from './fence.ts';
import { locateRules } from './locate.ts';
import type { LocatedRule } from './locate.ts';
import { maxBackends, pairWeights } from './plan.ts';
import type { RoutePlan } from './plan.ts';

/** A share to write or that was written. */
export interface Share {
  /** The canary's part of the pair, whole percents 0..100. */
  share: number;
  /** `<attempt>.<n>` */
  fence: string;
  canaryUid: string;
}

/**
 * `patch` brings every managed rule to the share · `already`: it is there, fence included · `superseded`: a newer write of ours
 * is on the route, so the decision behind this one is old · `contested`: somebody changed the backends such that the share
 * cannot be written · `lost`: the route is another one or no managed rule is left in it.
 */
export type RouteWrite =
  | { patch: JsonPatchOp[] }
  | { already: true }
  | { superseded: string }
  | { contested: string }
  | { lost: string };

/** The patch that brings every managed rule that is still there to a share, on the route as it is now. */
export function routeWrite(route: Route, plan: RoutePlan, want: Share): RouteWrite {
  if (!Number.isInteger(want.share) || want.share < 0 || want.share > 100) {
    throw new RangeError(`share of ${route.metadata.name} is ${want.share}, wanted a whole number from 0 to 100`);
  }
  if ((route.metadata.uid ?? '') !== plan.uid) return { lost: 'the route was deleted and created anew' };
  const present = route.metadata.annotations?.[fenceAnnotation(want.canaryUid)];
  if (present !== undefined && isNewer(present, want.fence)) return { superseded: present };
  const rules = locateRules(route, plan);
  if (rules.length === 0) return { lost: 'no rule of the route holds the stable backend any more' };
  const contested = rules.map(obstacle).find((found) => found !== undefined);
  if (contested !== undefined) return { contested };
  const edits = editsTo(route, plan, rules, want);
  return edits.length === 0 ? { already: true } : { patch: patchOf(route, edits) };
}

/** What a route says now. */
export interface ReadShare {
  /** The canary's percents of the pair; undefined where rules disagree, a side is missing or both weigh 0. */
  share: number | undefined;
  /** Both sides are in every managed rule that is left, and one is left. */
  attached: boolean;
  fence: string | undefined;
  /** What somebody changed of ours, in words: what would be written to be back at `expected`. */
  foreign: string | undefined;
}

/**
 * Reads the share back.
 * @param expected the last write that was stored; absent before the first one, and then nothing counts as foreign
 */
export function readShare(route: Route, plan: RoutePlan, canaryUid: string, expected?: Share): ReadShare {
  const rules = locateRules(route, plan);
  const shares = new Set(rules.map(shareOf));
  const foreign = expected === undefined ? [] : foreignChanges(route, plan, rules, expected);
  return {
    share: shares.size === 1 ? [...shares][0] : undefined,
    attached: rules.length > 0 && rules.every((rule) => rule.stable.length === 1 && rule.canary.length === 1),
    fence: route.metadata.annotations?.[fenceAnnotation(canaryUid)],
    foreign: foreign.length === 0 ? undefined : foreign.join('; '),
  };
}

function foreignChanges(route: Route, plan: RoutePlan, rules: LocatedRule[], expected: Share): string[] {
  if (rules.length === 0) return ['no rule of the route holds the stable backend any more'];
  const obstacles = rules.map(obstacle).filter((found) => found !== undefined);
  return [...obstacles, ...editsTo(route, plan, rules, expected).map((edit) => edit.text)];
}

function editsTo(route: Route, plan: RoutePlan, rules: LocatedRule[], want: Share): Edit[] {
  return [
    ...rules.flatMap((rule) => ruleEdits(route, plan, rule, want.share)),
    ...setFence(route, want.canaryUid, want.fence),
  ];
}

/** Weights first and the insertion last: an insertion moves what stands behind it. */
function ruleEdits(route: Route, plan: RoutePlan, rule: LocatedRule, share: number): Edit[] {
  const weights = pairWeights(rule.plan, share);
  const [stable] = rule.stable;
  const [canary] = rule.canary;
  return [
    ...(stable === undefined ? [] : setWeight(rule, stable, weights.stable)),
    ...(canary === undefined ? [] : setWeight(rule, canary, weights.canary)),
    ...(rule.scaled ? [] : rule.others.flatMap(({ plan: known, at }) => multiply(rule, at, weightOf(known)))),
    ...(canary === undefined ? insertCanary(route, rule, plan.canary, weights.canary) : []),
  ];
}

function multiply(rule: LocatedRule, at: number, original: number): Edit[] {
  return rule.plan.factor === 1 ? [] : setWeight(rule, at, original * rule.plan.factor);
}

/** Why a rule cannot be written, if so. */
function obstacle(rule: LocatedRule): string | undefined {
  const stable = rule.plan.refs[rule.plan.stable]?.backend;
  if (rule.stable.length === 0) return `${rule.label}: the stable backend ${stable} is gone`;
  if (rule.stable.length > 1) return `${rule.label}: the stable backend ${stable} is there ${rule.stable.length} times`;
  if (rule.canary.length > 1) {
    return `${rule.label}: the canary ${rule.plan.canaryBackend} is there ${rule.canary.length} times`;
  }
  if (rule.canary.length === 0 && rule.refs.length >= maxBackends) {
    return `${rule.label}: has ${rule.refs.length} backends, so there is no room for ${rule.plan.canaryBackend}`;
  }
  return undefined;
}

function shareOf(rule: LocatedRule): number | undefined {
  const [stable] = rule.stable.map((at) => rule.refs[at]);
  const [canary] = rule.canary.map((at) => rule.refs[at]);
  if (stable === undefined || canary === undefined) return undefined;
  const sum = weightOf(stable) + weightOf(canary);
  if (sum === 0) return undefined;
  const percents = (weightOf(canary) / sum) * 100;
  const whole = Math.round(percents);
  const written = pairWeights(rule.plan, whole);
  const exact = weightOf(canary) === written.canary && weightOf(stable) === written.stable;
  return exact ? whole : Math.round(percents * 100) / 100;
}
