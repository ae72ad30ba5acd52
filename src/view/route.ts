import type { CanaryStatus } from '../api/canary-status.ts';
import { fenceAnnotation, fieldManager } from '../api/names.ts';
import type { Route } from '../api/objects.ts';
import type { Problem, RouteView } from '../decide/view.ts';
import { acceptance } from '../routes/acceptance.ts';
import { lastManagerOf } from '../routes/claims.ts';
import { type RoutePlan, type Selection, findManagedRules, ruleLabel } from '../routes/plan.ts';
import { type Share, readShare, routeWrite } from '../routes/share.ts';

/** What a route is looked at for. */
export interface RouteQuestion {
  kind: string;
  name: string;
  selection: Selection;
  canaryUid: string;
  status: CanaryStatus | undefined;
}

/** The plan of the attempt under way for this route. */
function planInStatus(status: CanaryStatus | undefined, name: string): RoutePlan | undefined {
  // Written by Linnet as a RoutePlan; status is Linnet's alone.
  return status?.release?.routes.find((route) => route.name === name)?.plan as RoutePlan | undefined;
}

/** Reads a route; a refusal of its rules comes beside the view. */
export function routeViewOf(route: Route | undefined, question: RouteQuestion): { view: RouteView; problem?: Problem } {
  const { kind, name, status } = question;
  if (route === undefined) {
    const message = `${kind} ${name} is not there; create it or correct spec.routes.`;
    return { view: { kind, name, found: false }, problem: { reason: 'RouteNotFound', message } };
  }
  const found = findManagedRules(route, question.selection);
  const plan = planInStatus(status, name) ?? (found.ok ? found.plan : undefined);
  const view: RouteView = {
    kind,
    name,
    found: true,
    uid: route.metadata.uid ?? '',
    plan: found.ok ? { ...found.plan } : undefined,
    ...present(route, plan, question),
    acceptance: acceptance(route),
    managed: (route.metadata.managedFields ?? []).some((entry) => entry.manager === fieldManager),
  };
  if (!found.ok) return { view, problem: { reason: found.reason, message: found.message } };
  const problem = splitAtStart(found.plan, view.ours, question);
  return problem === undefined ? { view } : { view, problem };
}

/**
 * An attempt begins at 0 and must know how many pods carry everything. Where both backends have traffic already it would take the canary's
 * away at once, and half of the stable pods would count as all of them.
 */
function splitAtStart(plan: RoutePlan, ours: boolean, question: RouteQuestion): Problem | undefined {
  const { kind, name, selection, status } = question;
  if (selection.ownsCanary === true || ours || status?.release !== undefined) return undefined;
  const rule = plan.rules.find(({ canary, refs }) => canary !== undefined && (refs[canary]?.weight ?? 0) > 0);
  const weight = rule?.refs[rule.canary ?? -1]?.weight;
  if (rule === undefined || weight === undefined) return undefined;
  const [canary, stable] = [plan.canary.name, plan.stable.name];
  const message = `${kind} ${name}: ${ruleLabel(rule, rule.index)} gives ${canary} weight ${weight} already; a release begins with everything on ${stable}: when ${stable} has the pods for it, give it the weight of both and ${canary} 0.`;
  return { reason: 'SplitAtStart', message };
}

type Present = Pick<
  Extract<RouteView, { found: true }>,
  'share' | 'fence' | 'blocked' | 'lost' | 'contestedBy' | 'ours'
>;

/** What of ours is in the route now, compared with the intent. */
function present(route: Route, plan: RoutePlan | undefined, { status, canaryUid, selection }: RouteQuestion): Present {
  const fence = route.metadata.annotations?.[fenceAnnotation(canaryUid)];
  const ours = fence !== undefined || (selection.ownsCanary === true && holdsCanary(route, selection.canary.name));
  const nothing = { share: undefined, blocked: undefined, lost: undefined, contestedBy: undefined };
  if (plan === undefined) return { ...nothing, fence, ours };
  const intent = status?.intent;
  if (intent === undefined) return { ...nothing, share: readShare(route, plan, canaryUid).share, fence, ours };
  const expected = { share: intent.weight, fence: intent.fence, canaryUid };
  const { share, foreign } = readShare(route, plan, canaryUid, expected);
  const undone = foreign !== undefined && fence === intent.fence;
  const contestedBy = undone ? (lastManagerOf(route, 'spec.rules') ?? 'Somebody') : undefined;
  return { share, fence, ours, contestedBy, ...writable(route, plan, expected) };
}

/** Whether the wanted share can be written at all. */
function writable(
  route: Route,
  plan: RoutePlan,
  expected: Share,
): { blocked: string | undefined; lost: string | undefined } {
  const nothing = { blocked: undefined, lost: undefined };
  const write = routeWrite(route, plan, expected);
  if ('contested' in write) return { ...nothing, blocked: write.contested };
  return 'lost' in write ? { ...nothing, lost: write.lost } : nothing;
}

function holdsCanary(route: Route, canary: string): boolean {
  return (route.spec.rules ?? []).some((rule) => rule.backendRefs?.some((ref) => ref.name === canary) === true);
}
