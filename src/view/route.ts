import type { CanaryStatus } from '../api/canary-status.ts';
import { fenceAnnotation, fieldManager } from '../api/names.ts';
import type { Route } from '../api/objects.ts';
import type { RouteView } from '../decide/view.ts';
import { acceptance } from '../routes/acceptance.ts';
import { lastManagerOf } from '../routes/claims.ts';
import { type RoutePlan, type Selection, findManagedRules } from '../routes/plan.ts';
import { type Share, readShare, routeWrite } from '../routes/share.ts';

/** What a route is looked at for. */
export interface RouteQuestion {
  kind: string;
  name: string;
  selection: Selection;
  /** `targetRef` mode: the canary's backendRef can only be ours. */
  ownsCanary: boolean;
  canaryUid: string;
  status: CanaryStatus | undefined;
}

/** The plan of the attempt under way for this route. */
export function planInStatus(status: CanaryStatus | undefined, name: string): RoutePlan | undefined {
  // Written by Linnet as a RoutePlan; status is Linnet's alone.
  return status?.release?.routes.find((route) => route.name === name)?.plan as RoutePlan | undefined;
}

/** Reads a route; a refusal of its rules comes beside the view. */
export function routeViewOf(
  route: Route | undefined,
  question: RouteQuestion,
): { view: RouteView; problem?: { reason: string; message: string } } {
  const { kind, name, status, canaryUid } = question;
  if (route === undefined) {
    return {
      view: { kind, name, found: false },
      problem: { reason: 'RouteNotFound', message: `${kind} ${name} is not there; create it or correct spec.routes.` },
    };
  }
  const found = findManagedRules(route, question.selection);
  const plan = planInStatus(status, name) ?? (found.ok ? found.plan : undefined);
  const { intent } = status ?? {};
  const expected = intent === undefined ? undefined : { share: intent.weight, fence: intent.fence, canaryUid };
  const read = plan === undefined ? undefined : readShare(route, plan, canaryUid, expected);
  const fence = route.metadata.annotations?.[fenceAnnotation(canaryUid)];
  const undone = read?.foreign !== undefined && fence === intent?.fence;
  return {
    view: {
      kind,
      name,
      found: true,
      uid: route.metadata.uid ?? '',
      plan: found.ok ? { ...found.plan } : undefined,
      share: read?.share,
      fence,
      ...writable(route, plan, expected),
      contestedBy: undone ? (lastManagerOf(route, 'spec.rules') ?? 'Somebody') : undefined,
      acceptance: acceptance(route),
      ours: fence !== undefined || (question.ownsCanary && holdsCanary(route, question.selection.canary.name)),
      managed: (route.metadata.managedFields ?? []).some((entry) => entry.manager === fieldManager),
    },
    ...(found.ok ? {} : { problem: { reason: found.reason, message: found.message } }),
  };
}

/** Whether the wanted share can be written at all. */
function writable(
  route: Route,
  plan: RoutePlan | undefined,
  expected: Share | undefined,
): { blocked: string | undefined; lost: string | undefined } {
  const nothing = { blocked: undefined, lost: undefined };
  if (plan === undefined || expected === undefined) return nothing;
  const write = routeWrite(route, plan, expected);
  if ('contested' in write) return { ...nothing, blocked: write.contested };
  return 'lost' in write ? { ...nothing, lost: write.lost } : nothing;
}

function holdsCanary(route: Route, canary: string): boolean {
  return (route.spec.rules ?? []).some((rule) => rule.backendRefs?.some((ref) => ref.name === canary) === true);
}
