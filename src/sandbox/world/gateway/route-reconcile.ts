import { kinds } from '../../../api/kinds.ts';
import type { KubeObject, ParentRef, RouteParentStatus } from '../../../api/objects.ts';
import { canonicalJson } from '../workloads/canonical.ts';
import { behaviourOfParent } from './annotations.ts';
import { attach, type Attachment } from './attachment.ts';
import { controllerName, type HttpRoute, parentKey } from './gateway-api.ts';
import { gatewayManager, type GatewayWorld, isServed } from './gateway-world.ts';
import type { Accepted } from './route-attachments.ts';
import { entryOf, presentEntry, toldOfParent } from './route-status.ts';

/** What one parentRef came to: its entry in status, and the route as the parent's data plane shall serve it. */
interface Outcome {
  plane: string;
  entry: RouteParentStatus | undefined;
  accepted: Accepted | undefined;
  againInMs?: number;
}

/** Accepts a route on its parents, or says why not, and hands it to their data planes. @returns when to look again (ms) */
export function reconcileRoute(
  world: GatewayWorld,
  key: string,
  planeChanged: (plane: string) => void,
): number | undefined {
  const route = world.routes.get(key);
  const outcomes = route && !route.metadata.deletionTimestamp ? outcomesOf(world, route) : [];
  if (route) writeStatus(world, route, outcomes);
  for (const plane of new Set([...world.attachments.planesOf(key), ...outcomes.map((outcome) => outcome.plane)])) {
    const accepted = outcomes.flatMap((outcome) => (outcome.plane === plane ? (outcome.accepted ?? []) : []));
    if (accepted.length > 0) ensureMesh(world, plane);
    if (!world.attachments.set(plane, key, accepted)) continue;
    world.planes.refresh(plane);
    planeChanged(plane);
  }
  const waits = outcomes.flatMap(({ againInMs }) => againInMs ?? []);
  return waits.length > 0 ? Math.min(...waits) : undefined;
}

function ensureMesh(world: GatewayWorld, plane: string): void {
  if (!plane.startsWith('mesh:')) return;
  const [namespace = '', name = ''] = plane.slice('mesh:'.length).split('/');
  world.planes.ensure('mesh', namespace, name);
}

function outcomesOf(world: GatewayWorld, route: HttpRoute): Outcome[] {
  const sinceMs = seenSince(world, route);
  return (route.spec.parentRefs ?? []).flatMap((ref) => {
    const parent = parentOf(world, route, ref);
    if (!parent) return [];
    const { plane, attachment } = parent;
    const { acceptAfterMs } = behaviourOfParent(parent.object);
    const waitMs = sinceMs + acceptAfterMs - world.clock.monotonic();
    if (waitMs > 0) {
      const again = Number.isFinite(waitMs) ? { againInMs: waitMs } : {};
      return [{ plane, entry: presentEntry(route, ref), accepted: acceptedBefore(world, route, plane, ref), ...again }];
    }
    const told = toldOfParent(route, attachment, world.planes.backends);
    const entry = entryOf(route, ref, told, world.clock.now());
    const accepted = attachment.accepted ? { route, ref, listeners: attachment.listeners } : undefined;
    return [{ plane, entry, accepted }];
  });
}

/** A parent that holds its acceptance back serves the route as it accepted it before. */
function acceptedBefore(world: GatewayWorld, route: HttpRoute, plane: string, ref: ParentRef): Accepted | undefined {
  return world.attachments
    .of(plane)
    .find(
      (entry) => entry.route.metadata.uid === route.metadata.uid && canonicalJson(entry.ref) === canonicalJson(ref),
    );
}

function seenSince(world: GatewayWorld, route: HttpRoute): number {
  const { uid = '', generation = 1 } = route.metadata;
  const known = world.firstSeen.get(uid);
  if (known?.generation === generation) return known.atMs;
  world.firstSeen.set(uid, { generation, atMs: world.clock.monotonic() });
  return world.clock.monotonic();
}

/** @returns undefined for a parent that is not the sandbox's to answer for */
function parentOf(
  world: GatewayWorld,
  route: HttpRoute,
  ref: ParentRef,
): { plane: string; object: KubeObject | undefined; attachment: Attachment } | undefined {
  const key = parentKey(ref, route.metadata.namespace ?? '');
  if (key?.startsWith('gateway:')) {
    const gateway = world.gateways.get(key.slice('gateway:'.length));
    if (!gateway || !isServed(world, gateway)) return undefined;
    const labels = (namespace: string) => world.namespaces.get(namespace)?.metadata.labels ?? {};
    return { plane: key, object: gateway, attachment: attach(route, ref, gateway, labels) };
  }
  if (!key?.startsWith('service:')) return undefined;
  const at = key.slice('service:'.length);
  const service = world.services.get(at);
  return { plane: `mesh:${at}`, object: service, attachment: attachToService(at, service, ref) };
}

function attachToService(at: string, service: KubeObject | undefined, ref: ParentRef): Attachment {
  const ports = (service?.['spec'] as { ports?: { port: number }[] } | undefined)?.ports ?? [];
  const named = ports.filter(({ port }) => ref.port === undefined || ref.port === port);
  if (!service) return { accepted: false, reason: 'NoMatchingParent', message: `Service ${at} does not exist` };
  if (named.length === 0)
    return { accepted: false, reason: 'NoMatchingParent', message: `Service ${at} has no port ${ref.port ?? ''}` };
  return { accepted: true, listeners: named.map(({ port }) => ({ name: 'mesh', port, protocol: 'HTTP' })) };
}

function writeStatus(world: GatewayWorld, route: HttpRoute, outcomes: readonly Outcome[]): void {
  const others = (route.status?.parents ?? []).filter((entry) => entry.controllerName !== controllerName);
  const parents = [...others, ...outcomes.flatMap(({ entry }) => entry ?? [])];
  if (canonicalJson(parents) === canonicalJson(route.status?.parents ?? [])) return;
  const ref = { kind: kinds.httpRoute, namespace: route.metadata.namespace ?? '', name: route.metadata.name };
  const changed = { ...route, status: { ...route.status, parents } };
  world.store.update(ref, changed, { ...gatewayManager, subresource: 'status' });
}
