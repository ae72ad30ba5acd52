import { templateDigest } from '../api/digest.ts';
import { finalizer } from '../api/names.ts';
import type { Problem, RouteView, View } from '../decide/view.ts';
import { commandsOf } from './commands.ts';
import type { Gathered } from './gather.ts';
import { routeViewOf } from './route.ts';
import { backendDigest, workloadsBehind } from './subject.ts';
import { activeTemplate, targetOf } from './target.ts';

/** What decisions see of what was gathered; not measured yet. */
export function viewOf(gathered: Gathered): View {
  const routes = routesOf(gathered);
  const { canary, status, namespace, frozen, target, replicaSets, carrier, stableService, canaryService } = gathered;
  const { metadata, spec } = canary;
  const inPlace = frozen?.subject.target !== undefined;
  const targetView = target === undefined ? undefined : targetOf(target, replicaSets);
  const revision = inPlace
    ? targetView?.specDigest
    : backendDigest(canaryService, stableService, frozen?.subject.canary.port, gathered.deployments);
  const active = target === undefined ? undefined : activeTemplate(target, replicaSets);
  return {
    name: metadata.name,
    namespace,
    uid: metadata.uid ?? '',
    generation: metadata.generation ?? 0,
    spec,
    status,
    statusProblem: gathered.statusProblem,
    deleting: metadata.deletionTimestamp !== undefined,
    hasFinalizer: metadata.finalizers?.includes(finalizer) === true,
    namespaceTerminating: gathered.namespaceTerminating,
    wanted: gathered.wanted,
    problems: [...gathered.problems, ...routeProblems(gathered, routes, revision)],
    target: targetView,
    carrier:
      carrier === undefined
        ? undefined
        : { replicas: carrier.spec.replicas ?? 1, digest: templateDigest(carrier.spec.template) },
    hasCanaryService: inPlace && canaryService !== undefined,
    revision,
    stableRevision: inPlace
      ? active && templateDigest(active.spec.template)
      : backendDigest(stableService, canaryService, frozen?.subject.stable.port, gathered.deployments),
    stable: { ready: gathered.stable.ready, desired: desiredOf(gathered, 'stable') },
    canary: { ready: gathered.canaryPods.ready, desired: desiredOf(gathered, 'canary') },
    fresh: gathered.fresh,
    routes: routes.map(({ view }) => view),
    measured: undefined,
    commands: commandsOf(metadata.annotations),
  };
}

function routesOf({ canary, status, frozen, routes }: Gathered): { view: RouteView; problem?: Problem }[] {
  if (frozen === undefined) return [];
  const { stable, canary: other, target } = frozen.subject;
  return frozen.subject.routes.map(({ kind, name, rules }) =>
    routeViewOf(routes.get(name), {
      kind,
      name,
      selection: { stable, canary: other, ...(rules === undefined ? {} : { ruleNames: rules }) },
      ownsCanary: target !== undefined,
      canaryUid: canary.metadata.uid ?? '',
      status,
    }),
  );
}

function desiredOf(gathered: Gathered, side: 'stable' | 'canary'): number {
  const own = side === 'stable' ? gathered.target : gathered.carrier;
  if (gathered.frozen?.subject.target !== undefined) return own?.spec.replicas ?? 0;
  const service = side === 'stable' ? gathered.stableService : gathered.canaryService;
  const behind = workloadsBehind(service, gathered.deployments);
  const ready = side === 'stable' ? gathered.stable.ready : gathered.canaryPods.ready;
  return behind.length === 0 ? ready : behind.reduce((sum, { spec }) => sum + (spec.replicas ?? 1), 0);
}

/** That the stable backend has no traffic is as it should be once the other one was promoted. */
function routeProblems(
  { status, canary }: Gathered,
  routes: { problem?: Problem }[],
  revision: string | undefined,
): Problem[] {
  const [last] = status?.history ?? [];
  const promoted = canary.spec?.backends !== undefined && last?.outcome === 'Promoted' && last.digest === revision;
  const expected = ['CanaryHoldsTraffic', 'RouteHasNoStableBackend'];
  return routes
    .flatMap(({ problem }) => problem ?? [])
    .filter(({ reason }) => !(promoted && expected.includes(reason)));
}
