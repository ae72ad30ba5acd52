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
  /** Whether the weights of others are as Linnet multiplied them; else as they were found, or as someone put them back. */
  scaled: boolean;
  /** The backendRefs of others with such a weight. Every other one is new, or was changed meanwhile, and is left alone. */
  others: { plan: PlannedRef; at: number }[];
}

/**
 * Finds the managed rules again after foreign edits: rules inserted, removed, moved, renamed or changed. Rules that are gone
 * are left out.
 */
export function locateRules(route: Route, plan: RoutePlan): LocatedRule[] {
  const candidates = (route.spec.rules ?? []).map((rule, index) => describe(route, plan, rule, index));
  const found = bestPairs(plan.rules, candidates);
  return plan.rules.flatMap((rule) => {
    const candidate = found.get(rule);
    return candidate === undefined ? [] : [located(route, plan, rule, candidate)];
  });
}

/** Exchanges partners as long as that makes the whole better; every exchange does, so it ends. */
function bestPairs(rules: RulePlan[], candidates: Candidate[]): Map<RulePlan, Candidate> {
  const found = new Map<RulePlan, Candidate>();
  const worth = (rule: RulePlan | undefined, candidate: Candidate | undefined) =>
    rule === undefined || candidate === undefined ? 0 : likeness(rule, candidate);
  const improve = (rule: RulePlan, candidate: Candidate): boolean => {
    const mine = found.get(rule);
    const holder = rules.find((one) => found.get(one) === candidate);
    const gain = worth(rule, candidate) - worth(rule, mine) + worth(holder, mine) - worth(holder, candidate);
    if (likeness(rule, candidate) === 0 || gain <= 0) return false;
    found.set(rule, candidate);
    if (holder === undefined) return true;
    if (mine === undefined || likeness(holder, mine) === 0) found.delete(holder);
    else found.set(holder, mine);
    return true;
  };
  const pass = () => rules.map((rule) => candidates.map((candidate) => improve(rule, candidate)));
  while (pass().flat().includes(true));
  return found;
}

/**
 * How much a rule looks like the one that was planned; 0: it is not that one. Surer signs outweigh all weaker ones together.
 * Among equals the squared distance keeps the order of the rules, whatever was inserted before them.
 */
function likeness(plan: RulePlan, present: Candidate): number {
  const bothNamed = plan.name !== undefined && present.rule.name !== undefined;
  const sameName = bothNamed && plan.name === present.rule.name;
  // The canary's backendRef is there and only Linnet can have put it there.
  const marked = plan.canary === undefined && present.holdsCanary;
  const sameMatches = plan.matches === present.matches;
  const samePlace = present.sameCount && plan.index === present.index;
  const unnamedTwin = !bothNamed && present.carries && (sameMatches || samePlace);
  if (!present.concerned || !(sameName || marked || unnamedTwin)) return 0;
  const signs =
    64 * Number(sameName) + 16 * Number(marked) + 4 * Number(sameMatches) + Number(sameBackends(plan, present));
  return (1 + signs) * 10_000 - (plan.index - present.index) ** 2;
}

function sameBackends(plan: RulePlan, present: Candidate): boolean {
  const planned = plan.refs.flatMap((ref, at) => (at === plan.canary ? [] : [ref.backend]));
  return planned.toSorted().join() === present.keys.toSorted().join();
}

interface Candidate {
  rule: RouteRule;
  index: number;
  keys: string[];
  /** Holds the stable backend or the canary. */
  concerned: boolean;
  holdsCanary: boolean;
  /** Stable or canary has weight; Linnet never leaves a rule without. */
  carries: boolean;
  matches: string;
  sameCount: boolean;
}

function describe(route: Route, plan: RoutePlan, rule: RouteRule, index: number): Candidate {
  const namespace = namespaceOf(route);
  const refs = rule.backendRefs ?? [];
  const holdsCanary = refs.some((ref) => leadsTo(ref, plan.canary, namespace));
  const pair = refs.filter((ref) => leadsTo(ref, plan.stable, namespace) || leadsTo(ref, plan.canary, namespace));
  return {
    rule,
    index,
    keys: refs.filter((ref) => !leadsTo(ref, plan.canary, namespace)).map((ref) => backendKey(ref, namespace)),
    concerned: pair.length > 0,
    holdsCanary,
    carries: pair.some((ref) => weightOf(ref) > 0),
    matches: matchesDigest(rule),
    sameCount: route.spec.rules?.length === plan.ruleCount,
  };
}

function located(route: Route, plan: RoutePlan, rule: RulePlan, candidate: Candidate): LocatedRule {
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
    ...findOthers(rule, refs, new Set([...stable, ...canary]), namespace),
  };
}

/** By the exact backend; where that is gone, by the Service alone: somebody may have changed the port. */
function positions(refs: BackendRef[], key: string, id: BackendId, namespace: string): number[] {
  const exact = refs.flatMap((ref, at) => (backendKey(ref, namespace) === key ? [at] : []));
  if (exact.length > 0) return exact;
  return refs.flatMap((ref, at) => (leadsTo(ref, id, namespace) ? [at] : []));
}

/** A rule is multiplied as a whole, so the state in which more of its weights fit is the one it is in. */
function findOthers(
  rule: RulePlan,
  refs: BackendRef[],
  pair: Set<number>,
  namespace: string,
): Pick<LocatedRule, 'scaled' | 'others'> {
  const others = refs
    .map((ref, at) => ({ ref, at, key: backendKey(ref, namespace) }))
    .filter(({ at }) => !pair.has(at));
  const asLeft = fitting(rule, others, rule.factor);
  const asFound = fitting(rule, others, 1);
  const pairSum = [...pair].reduce((sum, at) => sum + weightOf(refs[at] ?? {}), 0);
  const scaled = asLeft.length === asFound.length ? pairSum === rule.sum * rule.factor : asLeft.length > asFound.length;
  return { scaled, others: scaled ? asLeft : asFound };
}

interface Other {
  ref: BackendRef;
  at: number;
  key: string;
}

/**
 * Pairs planned with present backendRefs of the right weight. Equal backends in one rule go by their order while none came or
 * went; else by the weight, at last with another port.
 */
function fitting(rule: RulePlan, present: Other[], factor: number): LocatedRule['others'] {
  const free = new Set(present);
  const found = new Map<PlannedRef, Other>();
  const planned = rule.refs.filter((_ref, at) => at !== rule.stable && at !== rule.canary);
  const take = (known: PlannedRef, candidates: (Other | undefined)[]) => {
    const isRight = (other: Other | undefined): other is Other =>
      other !== undefined && free.has(other) && weightOf(other.ref) === weightOf(known) * factor;
    const other = found.has(known) ? undefined : candidates.find(isRight);
    if (other === undefined) return;
    free.delete(other);
    found.set(known, other);
  };
  const equals = (known: PlannedRef) => present.filter((other) => other.key === known.backend);
  for (const known of planned) {
    const before = planned.filter((one) => one.backend === known.backend);
    const now = equals(known);
    if (before.length === now.length) take(known, [now[before.indexOf(known)]]);
  }
  for (const known of planned) take(known, equals(known));
  const service = (key: string) => key.replace(/:\d+$/, '');
  for (const known of planned) {
    take(
      known,
      present.filter((other) => service(other.key) === service(known.backend)),
    );
  }
  return [...found].map(([plan, { at }]) => ({ plan, at }));
}
