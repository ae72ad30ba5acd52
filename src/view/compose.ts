import { templateDigest } from '../api/digest.ts';
import { finalizer } from '../api/names.ts';
import type { Problem, RouteView, View } from '../decide/view.ts';
import { carrierOf } from './carrier.ts';
import { commandsOf } from './commands.ts';
import type { Gathered } from './gather.ts';
import { routeViewOf } from './route.ts';
import { backendDigest, workloadsBehind } from './subject.ts';
import { activeTemplate, isOfOneTemplate, stuckOf, targetOf } from './target.ts';

/** What decisions see of what was gathered; not measured yet. */
export function viewOf(gathered: Gathered): View {
  const { canary, status, target, former, replicaSets } = gathered;
  const { metadata, spec } = canary;
  const routes = routesOf(gathered);
  const revisions = revisionsOf(gathered);
  return {
    name: metadata.name,
    namespace: gathered.namespace,
    uid: metadata.uid ?? '',
    generation: metadata.generation ?? 0,
    spec,
    status,
    statusProblem: gathered.statusProblem,
    deleting: metadata.deletionTimestamp !== undefined,
    hasFinalizer: metadata.finalizers?.includes(finalizer) === true,
    namespaceTerminating: gathered.namespaceTerminating,
    wanted: gathered.wanted,
    problems: [...gathered.problems, ...routeProblems(gathered, routes, revisions.revision)],
    target: target && targetOf(target, replicaSets),
    former: former && { ...targetOf(former, replicaSets), name: former.metadata.name },
    mixed: mixedOf(gathered),
    ...madeByUs(gathered),
    ...revisions,
    stable: { ready: gathered.stable.ready, desired: desiredOf(gathered, 'stable') },
    canary: { ready: gathered.canaryPods.ready, desired: desiredOf(gathered, 'canary') },
    fresh: gathered.fresh,
    routes: routes.map(({ view }) => view),
    surroundings: undefined,
    measured: undefined,
    commands: commandsOf(metadata.annotations),
  };
}

/** What could be released and what it would replace: templates in `targetRef` mode, what is behind two Services with `backends`. */
function revisionsOf(gathered: Gathered): Pick<View, 'revision' | 'stableRevision'> {
  const { frozen, target, replicaSets, stableService, canaryService, deployments } = gathered;
  if (frozen === undefined) return { revision: undefined, stableRevision: undefined };
  const { subject } = frozen;
  if (subject.target === undefined) {
    return {
      revision: backendDigest(canaryService, stableService, subject.canary.port, deployments),
      stableRevision: backendDigest(stableService, canaryService, subject.stable.port, deployments),
    };
  }
  const active = target && activeTemplate(target, replicaSets);
  return {
    revision: target && templateDigest(target.spec.template),
    stableRevision: active && templateDigest(active.spec.template),
  };
}

/** While a Deployment replaces its pods, what is behind its Service is not yet what its template says. */
function mixedOf({ canary, canaryService, deployments }: Gathered): string | undefined {
  if (canary.spec?.backends === undefined) return undefined;
  const rolling = workloadsBehind(canaryService, deployments).find((deployment) => !isOfOneTemplate(deployment));
  if (rolling === undefined) return undefined;
  const why = stuckOf(rolling) ?? 'its pods are being replaced';
  return `Deployment ${rolling.metadata.name} behind Service ${canaryService?.metadata.name}: ${why}; a release begins from one version.`;
}

function madeByUs({ frozen, target, carrier, canaryService }: Gathered): Pick<View, 'carrier' | 'hasCanaryService'> {
  if (frozen?.subject.target === undefined) return { carrier: undefined, hasCanaryService: false };
  const hasCanaryService = canaryService !== undefined;
  return { carrier: carrier && carrierOf(carrier, target), hasCanaryService };
}

function routesOf({ canary, status, frozen, routes }: Gathered): { view: RouteView; problem?: Problem }[] {
  if (frozen === undefined) return [];
  const { stable, canary: other, target } = frozen.subject;
  return frozen.subject.routes.map(({ kind, name, rules }) =>
    routeViewOf(routes.get(name), {
      kind,
      name,
      selection: {
        stable,
        canary: other,
        ...(rules === undefined ? {} : { ruleNames: rules }),
        ownsCanary: target !== undefined,
        acceptSessionPersistence: canary.spec?.acceptSessionPersistence === true,
      },
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

/** That the stable backend has no traffic, or not all of it, is as it should be once the other one was promoted. */
function routeProblems(
  { status, canary }: Gathered,
  routes: { problem?: Problem }[],
  revision: string | undefined,
): Problem[] {
  const [last] = status?.history ?? [];
  const promoted = canary.spec?.backends !== undefined && last?.outcome === 'Promoted' && last.digest === revision;
  const expected = ['CanaryHoldsTraffic', 'RouteHasNoStableBackend', 'SplitAtStart'];
  return routes
    .flatMap(({ problem }) => problem ?? [])
    .filter(({ reason }) => !(promoted && expected.includes(reason)));
}
