import { kinds } from '../../../api/kinds.ts';
import type { KubeObject } from '../../../api/objects.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Log } from '../../../ports/log.ts';
import type { ObjectStore } from '../types.ts';
import { servedKind } from '../workloads/kinds.ts';
import { createObjectCache, keyOf, splitKey } from '../workloads/object-cache.ts';
import { createReconciler, type Reconciler } from '../workloads/reconciler.ts';
import type { Workloads } from '../workloads/workloads.ts';
import type { DataPlane } from './data-plane.ts';
import {
  type Gateway,
  type GatewayClass,
  gatewayGroup,
  type HttpRoute,
  parentKey,
  type ReferenceGrant,
} from './gateway-api.ts';
import type { GatewayWorld } from './gateway-world.ts';
import { reconcileClass, reconcileGateway } from './gateway-reconcile.ts';
import { Planes, type SocketHost } from './planes.ts';
import { createRouteAttachments } from './route-attachments.ts';
import { reconcileRoute } from './route-reconcile.ts';

export interface GatewayOptions {
  store: ObjectStore;
  clock: Clock;
  workloads: Workloads;
  /** Opens the listeners; without one they are open at once, for a simulation. */
  sockets?: SocketHost | undefined;
  delays?: {
    /** From a route's change to its status. @defaultValue 30 */
    acceptMs?: number;
    /** From a change to the data plane that has taken it, where no lag is asked for. @defaultValue 20 */
    propagateMs?: number;
  };
  log?: Log | undefined;
}

/** The controllers of GatewayClasses, Gateways and HTTPRoutes at work on a store. */
export interface Gateways {
  /** The data plane of a Gateway, undefined when the sandbox does not serve it. */
  gateway(namespace: string, name: string): DataPlane | undefined;
  /** The data plane of a Service's clients; made when it is first asked for. */
  mesh(namespace: string, service: string): DataPlane;
  /** The listener's address (host and port) of a data plane; undefined while it is not bound. */
  address(plane: DataPlane, port?: number): string | undefined;
  close(): void;
}

export function startGateways(options: GatewayOptions): Gateways {
  const { store, clock, workloads, log, delays = {} } = options;
  const cache = <T extends KubeObject>(name: string) => {
    const kind = servedKind(store, gatewayGroup, name);
    if (!kind)
      throw new Error(`the store serves no kind ${name} of ${gatewayGroup}: register it before the gateway starts`);
    return createObjectCache<T>(store, kind);
  };
  const caches = {
    classes: cache<GatewayClass>('GatewayClass'),
    gateways: cache<Gateway>('Gateway'),
    routes: cache<HttpRoute>('HTTPRoute'),
    grants: cache<ReferenceGrant>('ReferenceGrant'),
    namespaces: createObjectCache<KubeObject>(store, kinds.namespace),
  };
  const attachments = createRouteAttachments();
  const planes = new Planes({
    clock,
    workloads,
    grants: caches.grants,
    gateways: caches.gateways,
    attachments,
    sockets: options.sockets,
    delayMs: delays.propagateMs ?? 20,
    bound: (plane) => plane.kind === 'gateway' && gateway.add(`${plane.namespace}/${plane.name}`, 0),
  });
  const world: GatewayWorld = {
    store,
    clock,
    services: workloads.services,
    ...caches,
    attachments,
    planes,
    firstSeen: new Map(),
  };
  const controller = (name: string, delayMs: number, reconcile: (key: string) => number | undefined) =>
    createReconciler({ name, clock, delayMs, log, reconcile });
  const acceptMs = delays.acceptMs ?? 30;
  const classes = controller('gatewayclass', acceptMs, (key) => reconcileClass(world, key));
  const gateway = controller('gateway', acceptMs, (key) => reconcileGateway(world, key));
  const route = controller('httproute', acceptMs, (key) =>
    reconcileRoute(world, key, (plane) => planeChanged(plane, gateway)),
  );
  connect(world, workloads, { classes, gateway, route });
  return {
    gateway: (namespace, name) => planes.get(`gateway:${namespace}/${name}`),
    mesh: (namespace, service) => planes.ensure('mesh', namespace, service),
    address: (plane, port) => planes.address(plane, port),
    close() {
      for (const reconciler of [classes, gateway, route]) reconciler.close();
      planes.close();
      for (const each of Object.values(caches)) each.close();
    },
  };
}

/** The numbers of attached routes in a Gateway's status follow its routes. */
function planeChanged(plane: string, gateway: Reconciler): void {
  if (plane.startsWith('gateway:')) gateway.add(plane.slice('gateway:'.length));
}

function connect(
  world: GatewayWorld,
  workloads: Workloads,
  { classes, gateway, route }: Record<'classes' | 'gateway' | 'route', Reconciler>,
): void {
  const { planes } = world;
  const routesWhere = (matches: (each: HttpRoute) => boolean) => {
    for (const each of world.routes.all()) if (matches(each)) route.add(keyOf(each));
  };
  const refersTo = (namespace: string, name: string) => (each: HttpRoute) =>
    (each.spec.rules ?? []).some(({ backendRefs = [] }) =>
      backendRefs.some((ref) => ref.name === name && (ref.namespace ?? each.metadata.namespace) === namespace),
    );
  const hasParent = (key: string) => (each: HttpRoute) =>
    (each.spec.parentRefs ?? []).some((ref) => parentKey(ref, each.metadata.namespace ?? '') === key);

  world.classes.onChange((object) => {
    classes.add(keyOf(object));
    for (const each of world.gateways.all())
      if (each.spec.gatewayClassName === object.metadata.name) gateway.add(keyOf(each));
  });
  world.gateways.onChange((object) => {
    gateway.add(keyOf(object));
    routesWhere(hasParent(`gateway:${keyOf(object)}`));
  });
  world.routes.onChange((object, deleted) => {
    if (deleted) world.firstSeen.delete(object.metadata.uid ?? '');
    route.add(keyOf(object));
  });
  world.grants.onChange(() => {
    routesWhere(() => true);
    planes.refreshAll();
  });
  world.namespaces.onChange((object) => routesWhere((each) => each.metadata.namespace === object.metadata.name));
  workloads.services.onChange((object) => {
    const { namespace, name } = splitKey(keyOf(object));
    routesWhere((each) => refersTo(namespace, name)(each) || hasParent(`service:${namespace}/${name}`)(each));
    planes.serviceChanged(keyOf(object));
  });
  workloads.slices.onChange((object, deleted) => planes.sliceChanged(object, deleted));
}
