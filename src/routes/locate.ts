import type { BackendRef, Route, RouteRule } from '../api/objects.ts';
import { backendKey, leadsTo, weightOf } from './backend.ts';
import type { BackendId } from './backend.ts';
import { matchesDigest, namespaceOf, ruleLabel } from './plan.ts';
import type { PlannedRef, RoutePlan, RulePlan } from './plan.ts';

/** A managed rule found again in the route as it is now. */
export interface LocatedRule {
  plan: RulePlan;
  /** Position among the route's rules now. */
  index: number;
  label: string;
  refs: BackendRef[];
  /** Positions in `refs`; one each unless somebody removed or doubled it. */
  stable: number[];
  canary: number[];
  /** The backendRefs of others that were there at the attempt's start and still are. */
  others: { plan: PlannedRef; at: number }[];
}

/**
 * Finds the managed rules again after foreign edits: rules inserted, removed, moved, renamed or changed. Rules that are gone
 * are left out. Surest signs first, each rule at most once, in the plan's order.
 */
export function locateRules(route: Route, plan: RoutePlan): LocatedRule[] {
  const present = (route.spec.rules ?? []).map((rule, index) => describe(route, plan, rule, index));
  const found = new Map<RulePlan, Candidate>();
  const taken = new Set<Candidate>();
  for (const sign of signs) {
    for (const rule of plan.rules) {
      if (found.has(rule)) continue;
      const match = present.find((candidate) => !taken.has(candidate) && candidate.concerned && sign(rule, candidate));
      if (match === undefined) continue;
      found.set(rule, match);
      taken.add(match);
    }
  }
  return plan.rules.flatMap((rule) => {
    const candidate = found.get(rule);
    return candidate === undefined ? [] : [open(route, plan, rule, candidate)];
  });
}

interface Candidate {
  rule: RouteRule;
  index: number;
  keys: string[];
  /** Holds the stable backend or the canary. */
  concerned: boolean;
  holdsCanary: boolean;
  matches: string;
  sameCount: boolean;
}

function describe(route: Route, plan: RoutePlan, rule: RouteRule, index: number): Candidate {
  const namespace = namespaceOf(route);
  const refs = rule.backendRefs ?? [];
  const holdsCanary = refs.some((ref) => leadsTo(ref, plan.canary, namespace));
  return {
    rule,
    index,
    keys: refs.filter((ref) => !leadsTo(ref, plan.canary, namespace)).map((ref) => backendKey(ref, namespace)),
    concerned: holdsCanary || refs.some((ref) => leadsTo(ref, plan.stable, namespace)),
    holdsCanary,
    matches: matchesDigest(rule),
    sameCount: route.spec.rules?.length === plan.ruleCount,
  };
}

type Sign = (plan: RulePlan, present: Candidate) => boolean;

/** The canary's backendRef is there and only Linnet can have put it there. */
const marked: Sign = (plan, present) => plan.canary === undefined && present.holdsCanary;
const sameName: Sign = (plan, present) => plan.name !== undefined && plan.name === present.rule.name;
const nameless: Sign = (plan, present) => plan.name === undefined || present.rule.name === undefined;
const sameMatches: Sign = (plan, present) => plan.matches === present.matches;
const sameBackends: Sign = (plan, present) => {
  const planned = plan.refs.flatMap((ref, at) => (at === plan.canary ? [] : [ref.backend]));
  return planned.toSorted().join() === present.keys.toSorted().join();
};
/** Weak, so only where nothing was inserted or removed. */
const samePlace: Sign = (plan, present) => present.sameCount && plan.index === present.index;

function all(...parts: Sign[]): Sign {
  return (plan, present) => parts.every((part) => part(plan, present));
}

const signs: Sign[] = [
  sameName,
  all(marked, sameMatches, sameBackends),
  all(marked, sameMatches),
  all(marked, sameBackends),
  marked,
  all(nameless, sameMatches, sameBackends),
  all(nameless, sameMatches),
  all(nameless, samePlace),
];

function open(route: Route, plan: RoutePlan, rule: RulePlan, candidate: Candidate): LocatedRule {
  const namespace = namespaceOf(route);
  const refs = candidate.rule.backendRefs ?? [];
  const stable = positions(refs, rule.refs[rule.stable]?.backend ?? '', plan.stable, namespace);
  const canary = positions(refs, rule.canaryBackend, plan.canary, namespace);
  return {
    plan: rule,
    index: candidate.index,
    label: ruleLabel(candidate.rule, candidate.index),
    refs,
    stable,
    canary,
    others: findOthers(rule, refs, new Set([...stable, ...canary]), namespace),
  };
}

/** By the exact backend; where that is gone, by the Service alone: somebody may have changed the port. */
function positions(refs: BackendRef[], key: string, id: BackendId, namespace: string): number[] {
  const exact = refs.flatMap((ref, at) => (backendKey(ref, namespace) === key ? [at] : []));
  if (exact.length > 0) return exact;
  return refs.flatMap((ref, at) => (leadsTo(ref, id, namespace) ? [at] : []));
}

/** Of equal backends in one rule the one whose weight is as Linnet left it or found it is taken first. */
function findOthers(rule: RulePlan, refs: BackendRef[], used: Set<number>, namespace: string): LocatedRule['others'] {
  const others: LocatedRule['others'] = [];
  const planned = rule.refs.filter((_ref, at) => at !== rule.stable && at !== rule.canary);
  const take = (known: PlannedRef, fits: (ref: BackendRef) => boolean): boolean => {
    const at = refs.findIndex(
      (ref, position) => !used.has(position) && backendKey(ref, namespace) === known.backend && fits(ref),
    );
    if (at === -1) return false;
    used.add(at);
    others.push({ plan: known, at });
    return true;
  };
  const changed = planned.filter(
    (known) =>
      !take(known, (ref) => weightOf(ref) === weightOf(known) * rule.factor) &&
      !take(known, (ref) => weightOf(ref) === weightOf(known)),
  );
  for (const known of changed) take(known, () => true);
  return others;
}
