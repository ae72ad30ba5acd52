import type { Condition, ParentRef, Route, RouteParentStatus } from '../api/objects.ts';
import { namespaceOf } from './plan.ts';

/** Where a route hangs, with the reference's defaults filled in. */
export interface Parent {
  /** `Gateway`, `Service`, or what else somebody's controller takes. */
  kind: string;
  namespace: string;
  name: string;
  /** A Gateway's listener. */
  sectionName?: string;
  port?: number;
  /** The controller that accepted the route for this parent, else the first that reported on it; absent while none has. */
  controllerName?: string;
}

/** Whether all parents have taken the route as it is now. Names are `Gateway ns/name` or, with a listener, `Gateway ns/name/listener`. */
export type Acceptance =
  | { state: 'accepted' }
  | { state: 'pending'; waitingFor: string[] }
  | { state: 'refused'; reason: string; message: string };

/** The parents of a route, in its order. */
export function parentsOf(route: Route): Parent[] {
  return (route.spec.parentRefs ?? []).map((ref) => {
    const { group: _group, ...parent } = resolve(ref, route);
    const reports = reportsOn(route, ref);
    const report = reports.find((one) => verdictOf(one, route.metadata.generation) === 'accepted') ?? reports[0];
    return report === undefined ? parent : { ...parent, controllerName: report.controllerName };
  });
}

/**
 * Whether every parentRef has `Accepted` and `ResolvedRefs` true at the route's present generation. All parentRefs of a route
 * carry all of its rules, so there is none that a managed rule does not need.
 *
 * Where several controllers report on one parentRef, one that accepts is enough and one that refuses *this* generation is
 * too much; reports on older generations count for nothing, as a controller that was removed leaves its last one behind.
 *
 * @param generation the one that must have been seen; default: the route's present one
 */
export function acceptance(route: Route, generation = route.metadata.generation): Acceptance {
  const refs = route.spec.parentRefs ?? [];
  if (refs.length === 0) {
    return {
      state: 'refused',
      reason: 'NoParents',
      message: 'spec.parentRefs is empty, so nothing serves the route; name a parent',
    };
  }
  const waitingFor: string[] = [];
  for (const ref of refs) {
    const label = labelOf(resolve(ref, route));
    const verdicts = reportsOn(route, ref).map((report) => verdictOf(report, generation));
    const refusal = verdicts.find((verdict) => typeof verdict === 'object');
    if (refusal !== undefined) {
      const message = `${label}: ${refusal.type} is ${refusal.status}: ${refusal.message}`;
      return { state: 'refused', reason: refusal.reason, message };
    }
    if (!verdicts.includes('accepted')) waitingFor.push(label);
  }
  return waitingFor.length === 0 ? { state: 'accepted' } : { state: 'pending', waitingFor };
}

type Resolved = Required<Pick<ParentRef, 'group' | 'kind' | 'namespace' | 'name'>> &
  Pick<ParentRef, 'sectionName' | 'port'>;

function resolve(ref: ParentRef, route: Route): Resolved {
  const group = ref.group ?? 'gateway.networking.k8s.io';
  return {
    group: group === 'core' ? '' : group,
    kind: ref.kind ?? 'Gateway',
    namespace: ref.namespace ?? namespaceOf(route),
    name: ref.name,
    ...(ref.sectionName === undefined ? {} : { sectionName: ref.sectionName }),
    ...(ref.port === undefined ? {} : { port: ref.port }),
  };
}

function labelOf(parent: Resolved): string {
  const section = parent.sectionName === undefined ? '' : `/${parent.sectionName}`;
  const port = parent.port === undefined ? '' : `:${parent.port}`;
  return `${parent.kind} ${parent.namespace}/${parent.name}${section}${port}`;
}

function reportsOn(route: Route, ref: ParentRef): RouteParentStatus[] {
  const wanted = identity(resolve(ref, route));
  return (route.status?.parents ?? []).filter((report) => identity(resolve(report.parentRef, route)) === wanted);
}

function identity(parent: Resolved): string {
  return JSON.stringify([parent.group, parent.kind, parent.namespace, parent.name, parent.sectionName, parent.port]);
}

/** What one controller says of a generation; the condition that is against it, where it refuses. */
function verdictOf(report: RouteParentStatus, generation: number | undefined): 'accepted' | 'unknown' | Condition {
  const current = (report.conditions ?? []).filter((condition) => condition.observedGeneration === generation);
  const of = (type: string) => current.find((condition) => condition.type === type);
  const needed = [of('Accepted'), of('ResolvedRefs')];
  // Gateway API: a route that is taken only in part has some rules dropped or left as they were before.
  const partial = of('PartiallyInvalid');
  if (partial?.status === 'True') return partial;
  return (
    needed.find((condition) => condition?.status === 'False') ??
    (needed.every((condition) => condition?.status === 'True') ? 'accepted' : 'unknown')
  );
}
