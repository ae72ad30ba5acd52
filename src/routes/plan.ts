import { digestOf } from '../api/digest.ts';
import type { BackendRef, Route, RouteRule } from '../api/objects.ts';
import { backendKey, leadsTo, redirected, weightOf } from './backend.ts';
import type { BackendId } from './backend.ts';

/** What Gateway API allows for one backendRef. */
const maxWeight = 1_000_000;
/** What Gateway API allows in one rule. */
export const maxBackends = 16;

/** A backendRef as it was when the attempt began. */
export interface PlannedRef {
  /** See {@link backendKey}. */
  backend: string;
  /** Absent where the route named none. */
  weight?: number;
}

/** One managed rule as it was when the attempt began. */
export interface RulePlan {
  /** Position among the route's rules. */
  index: number;
  name?: string;
  /** Digest of the rule's matches: knows a rule without a name again when rules were added or removed before it. */
  matches: string;
  refs: PlannedRef[];
  /** Position of the stable backend in `refs`. */
  stable: number;
  /** Position of the canary in `refs`; absent where the rule did not have it, so that Linnet adds and removes it. */
  canary?: number;
  /** {@link backendKey} of the canary's backendRef. */
  canaryBackend: string;
  /** Weight of stable and canary together. */
  sum: number;
  /** All weights of the rule are multiplied by it while a release runs; 1 where the sum can express every percent. */
  factor: number;
}

/** All that is needed to move a route's weights and to put them back. Plain JSON, kept in a Canary's status during an attempt. */
export interface RoutePlan {
  uid: string;
  stable: BackendId;
  canary: BackendId;
  hadAnnotations: boolean;
  /** How many rules the route had, managed or not. */
  ruleCount: number;
  rules: RulePlan[];
}

export type PlanRefusal =
  | 'RouteHasNoStableBackend'
  | 'CanaryHoldsTraffic'
  | 'WeightsAllZero'
  | 'WeightsNotExpressible'
  | 'TooManyBackends'
  | 'AmbiguousRoute'
  | 'RuleNotFound'
  | 'SessionPersistence';

/** Why a route cannot be managed. `field` is a path in the route. */
export interface Refused {
  ok: false;
  reason: PlanRefusal;
  message: string;
  field: string;
}

/** What is to be managed in a route. */
export interface Selection {
  stable: BackendId;
  canary: BackendId;
  /** Manage these rules; absent or empty: every rule in which the stable backend has weight. */
  ruleNames?: string[];
  /** Manage rules with `sessionPersistence` too, although it keeps users on a side against the weights. */
  acceptSessionPersistence?: boolean;
  /** A canary's backendRef that is there already is a leftover of Linnet's own: it is removed again, and its weight is stable's. */
  ownsCanary?: boolean;
}

/** Finds the rules that a release manages and notes what they are before the first write. */
export function findManagedRules(route: Route, selection: Selection): { ok: true; plan: RoutePlan } | Refused {
  const { stable, canary } = selection;
  const indexes = managedIndexes(route, selection);
  if (!Array.isArray(indexes)) return indexes;
  const rules: RulePlan[] = [];
  for (const index of indexes) {
    const rule = planRule(route, index, selection);
    if ('ok' in rule) return rule;
    rules.push(rule);
  }
  const plan: RoutePlan = {
    uid: route.metadata.uid ?? '',
    stable,
    canary,
    hadAnnotations: route.metadata.annotations !== undefined,
    ruleCount: route.spec.rules?.length ?? 0,
    rules,
  };
  return { ok: true, plan };
}

/** The weights of the pair in a rule at a share. */
export function pairWeights(rule: RulePlan, share: number): { stable: number; canary: number } {
  const total = rule.sum * rule.factor;
  const canary = Math.round((total * share) / 100);
  return { stable: total - canary, canary };
}

/** A short digest that knows a rule's matches again. */
export function matchesDigest(rule: RouteRule): string {
  return digestOf(rule['matches'] ?? []).slice(0, 12);
}

/** How a rule is called in messages: its name, else its place in the route. */
export function ruleLabel(rule: { name?: string }, index: number): string {
  return rule.name ?? `rules[${index}]`;
}

function managedIndexes(route: Route, selection: Selection): number[] | Refused {
  const rules = route.spec.rules ?? [];
  const names = selection.ruleNames ?? [];
  const missing = names.find((name) => !rules.some((rule) => rule.name === name));
  if (missing !== undefined) {
    const present = rules.map(ruleLabel).join(', ');
    const message = `no rule is named "${missing}" (the route has: ${present || 'no rules'}); name the rule or correct the name`;
    return refused(route, 'RuleNotFound', 'spec.rules', message);
  }
  const asked = rules.flatMap((rule, index) =>
    names.length === 0 || (rule.name !== undefined && names.includes(rule.name)) ? [index] : [],
  );
  const managed = asked.filter((index) => stableWeightIn(route, index, selection) > 0);
  const idle = names.length > 0 ? asked.filter((index) => !managed.includes(index)) : asked;
  return managed.length > 0 && (names.length === 0 || idle.length === 0)
    ? managed
    : whyUnmanaged(route, idle, selection);
}

/** Tells apart a route without the stable backend, one that is promoted already, and one whose weights are all 0. */
function whyUnmanaged(route: Route, indexes: number[], { stable, canary }: Selection): Refused {
  const holding = indexes.find((index) => refsTo(route, index, stable).length > 0);
  const name = stable.port === undefined ? stable.name : `${stable.name}:${stable.port}`;
  if (holding === undefined) {
    const where = indexes.length === 1 ? `spec.rules[${indexes[0]}].backendRefs` : 'spec.rules';
    const message = `no backendRef leads to the stable Service ${name}; add it to the rules that are to be released`;
    return refused(route, 'RouteHasNoStableBackend', where, message);
  }
  const field = `spec.rules[${holding}].backendRefs[${refsTo(route, holding, stable)[0]}].weight`;
  if (indexes.some((index) => weightIn(route, index, canary) > 0)) {
    const message = `the stable Service ${name} has weight 0 and ${canary.name} has all of it; give the stable backend weight, or exchange stable and canary`;
    return refused(route, 'CanaryHoldsTraffic', field, message);
  }
  const message = `the weights of ${name} and ${canary.name} are 0; give the stable backend a weight above 0`;
  return refused(route, 'WeightsAllZero', field, message);
}

function planRule(route: Route, index: number, selection: Selection): RulePlan | Refused {
  const stableAt = refsTo(route, index, selection.stable);
  const canaryAt = refsTo(route, index, selection.canary);
  const unfit = ambiguity(route, index, selection) ?? unfitness(route, index, selection);
  if (unfit !== undefined) return unfit;
  return describeRule(route, index, { stableAt: stableAt[0] ?? 0, canaryAt: canaryAt[0], selection });
}

function ambiguity(route: Route, index: number, { stable, canary }: Selection): Refused | undefined {
  const field = `spec.rules[${index}].backendRefs`;
  const stableAt = refsTo(route, index, stable);
  const canaryAt = refsTo(route, index, canary);
  const twice = stableAt.length > 1 ? stable : canaryAt.length > 1 ? canary : undefined;
  if (twice !== undefined) {
    const message = `${twice.name} is in one rule more than once, so its share cannot be told; merge these backendRefs into one`;
    return refused(route, 'AmbiguousRoute', field, message);
  }
  if (stableAt[0] !== canaryAt[0]) return undefined;
  const message = `one backendRef is both the stable and the canary side (${stable.name}); name two different Services or ports`;
  return refused(route, 'AmbiguousRoute', `${field}[${stableAt[0]}]`, message);
}

function unfitness(route: Route, index: number, selection: Selection): Refused | undefined {
  const rule = route.spec.rules?.[index] ?? {};
  const count = rule.backendRefs?.length ?? 0;
  if (rule['sessionPersistence'] !== undefined && selection.acceptSessionPersistence !== true) {
    const message = `sessions stay where they are whatever the weights say, so a canary keeps its users even at weight 0; remove it or accept that`;
    return refused(route, 'SessionPersistence', `spec.rules[${index}].sessionPersistence`, message);
  }
  if (count < maxBackends || refsTo(route, index, selection.canary).length > 0) return undefined;
  const message = `has ${count} entries and Gateway API allows ${maxBackends}, so the canary's does not fit; remove one`;
  return refused(route, 'TooManyBackends', `spec.rules[${index}].backendRefs`, message);
}

function describeRule(
  route: Route,
  index: number,
  found: { stableAt: number; canaryAt: number | undefined; selection: Selection },
): RulePlan | Refused {
  const rule = route.spec.rules?.[index] ?? {};
  const namespace = namespaceOf(route);
  const { stable, canary } = found.selection;
  const { refs, stableAt, canaryAt } = asPlanned(rule.backendRefs ?? [], found);
  const stableRef: BackendRef = refs[stableAt] ?? { name: stable.name };
  const canaryRef = canaryAt === undefined ? undefined : refs[canaryAt];
  const sum = weightOf(stableRef) + (canaryRef === undefined ? 0 : weightOf(canaryRef));
  const factor = factorFor(sum, refs.map(weightOf));
  if (factor === undefined) {
    const message = `weights from ${sum} for the pair up to ${Math.max(...refs.map(weightOf))} leave no room for single percents under Gateway API's limit of ${maxWeight}; use smaller or more even weights`;
    return refused(route, 'WeightsNotExpressible', `spec.rules[${index}].backendRefs`, message);
  }
  return {
    index,
    ...(rule.name === undefined ? {} : { name: rule.name }),
    matches: matchesDigest(rule),
    refs: refs.map((ref) => ({
      backend: backendKey(ref, namespace),
      ...(ref.weight === undefined ? {} : { weight: ref.weight }),
    })),
    stable: stableAt,
    ...(canaryAt === undefined ? {} : { canary: canaryAt }),
    canaryBackend: backendKey(canaryRef ?? redirected(stableRef, canary, namespace, 0), namespace),
    sum,
    factor,
  };
}

/** The backendRefs to which the rule is restored: a leftover canary of ours is not among them, and stable has what the pair has. */
function asPlanned(
  present: BackendRef[],
  { stableAt, canaryAt, selection }: { stableAt: number; canaryAt: number | undefined; selection: Selection },
): { refs: BackendRef[]; stableAt: number; canaryAt: number | undefined } {
  const [stable, canary] = [present[stableAt], canaryAt === undefined ? undefined : present[canaryAt]];
  if (selection.ownsCanary !== true || stable === undefined || canary === undefined) {
    return { refs: present, stableAt, canaryAt };
  }
  const whole = { ...stable, weight: weightOf(stable) + weightOf(canary) };
  const refs = present.map((ref) => (ref === stable ? whole : ref)).filter((ref) => ref !== canary);
  return { refs, stableAt: refs.indexOf(whole), canaryAt: undefined };
}

/**
 * The smallest factor with which the pair's sum expresses every percent, else the largest that keeps all weights allowed.
 * Undefined when even that one leaves steps coarser than a percent.
 */
function factorFor(sum: number, weights: number[]): number | undefined {
  const exact = 100 / greatestCommonDivisor(100, sum);
  const largest = Math.floor(maxWeight / Math.max(sum, ...weights));
  const factor = Math.min(exact, largest);
  return factor >= 1 && sum * factor >= 100 ? factor : undefined;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** Positions of the backendRefs of a rule that lead to a Service. */
function refsTo(route: Route, index: number, id: BackendId): number[] {
  const refs = route.spec.rules?.[index]?.backendRefs ?? [];
  return refs.flatMap((ref, at) => (leadsTo(ref, id, namespaceOf(route)) ? [at] : []));
}

function weightIn(route: Route, index: number, id: BackendId): number {
  const refs = route.spec.rules?.[index]?.backendRefs ?? [];
  return refsTo(route, index, id).reduce((sum, at) => sum + weightOf(refs[at] ?? {}), 0);
}

/** What stable has, and what a leftover canary of ours has taken from it. */
function stableWeightIn(route: Route, index: number, { stable, canary, ownsCanary }: Selection): number {
  if (refsTo(route, index, stable).length === 0) return 0;
  return weightIn(route, index, stable) + (ownsCanary === true ? weightIn(route, index, canary) : 0);
}

/** A route's namespace; the API server always sets it. */
export function namespaceOf(route: Route): string {
  return route.metadata.namespace ?? 'default';
}

function refused(route: Route, reason: PlanRefusal, field: string, message: string): Refused {
  const name = `${route.kind} ${namespaceOf(route)}/${route.metadata.name}`;
  return { ok: false, reason, message: `${name}, ${field}: ${message}`, field };
}
