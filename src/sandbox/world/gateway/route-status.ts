import type { Condition, ParentRef, RouteParentStatus } from '../../../api/objects.ts';
import { canonicalJson } from '../workloads/canonical.ts';
import { withCondition } from '../workloads/conditions.ts';
import type { Attachment } from './attachment.ts';
import { type BackendLookup, firstUnresolved } from './backends.ts';
import { ignoredFilters } from './filters.ts';
import { controllerName, type HttpRoute } from './gateway-api.ts';

type Told = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** What status says of a route on one parent, at the route's generation. */
export function toldOfParent(route: HttpRoute, attachment: Attachment, lookup: BackendLookup): Told[] {
  const ignored = ignoredOf(route);
  const note = ignored.length === 0 ? '' : `; the sandbox takes and ignores: ${ignored.join(', ')}`;
  const accepted: Told = attachment.accepted
    ? { type: 'Accepted', status: 'True', reason: 'Accepted', message: `Route is accepted${note}` }
    : { type: 'Accepted', status: 'False', reason: attachment.reason, message: attachment.message };
  const unresolved = firstUnresolved(route, lookup);
  const resolved: Told = unresolved
    ? { type: 'ResolvedRefs', status: 'False', reason: unresolved.reason, message: unresolved.message }
    : { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'All references are resolved' };
  return [accepted, resolved];
}

function ignoredOf(route: HttpRoute): string[] {
  const names = (route.spec.rules ?? []).flatMap((rule) => [
    ...ignoredFilters(rule.filters),
    ...(rule.backendRefs ?? []).flatMap((ref) => ignoredFilters(ref.filters)),
    ...['retry', 'sessionPersistence'].filter((field) => rule[field] !== undefined),
  ]);
  return [...new Set(names)];
}

/** The route's status entry for a parent as it is now, if it has one. */
export function presentEntry(route: HttpRoute, ref: ParentRef): RouteParentStatus | undefined {
  const wanted = canonicalJson(ref);
  return route.status?.parents?.find(
    (entry) => entry.controllerName === controllerName && canonicalJson(entry.parentRef) === wanted,
  );
}

/** The status entry for a parent; transition times stay where the status stays. */
export function entryOf(route: HttpRoute, ref: ParentRef, told: readonly Told[], nowMs: number): RouteParentStatus {
  const observedGeneration = route.metadata.generation ?? 1;
  const before = presentEntry(route, ref)?.conditions;
  const conditions = told.reduce<Condition[]>(
    (list, condition) => withCondition(list, { ...condition, observedGeneration }, nowMs),
    [...(before ?? [])],
  );
  return { parentRef: ref, controllerName, conditions };
}
