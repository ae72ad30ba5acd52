import type { KubeObject } from '../../../api/objects.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { ObjectStore } from '../types.ts';
import type { ObjectCache } from '../workloads/object-cache.ts';
import { controllerName, type Gateway, type GatewayClass, type HttpRoute, type ReferenceGrant } from './gateway-api.ts';
import type { Planes } from './planes.ts';
import type { RouteAttachments } from './route-attachments.ts';

/** What the controllers of Gateway API share. */
export interface GatewayWorld {
  store: ObjectStore;
  clock: Clock;
  classes: ObjectCache<GatewayClass>;
  gateways: ObjectCache<Gateway>;
  routes: ObjectCache<HttpRoute>;
  grants: ObjectCache<ReferenceGrant>;
  namespaces: ObjectCache<KubeObject>;
  services: ObjectCache<KubeObject>;
  attachments: RouteAttachments;
  planes: Planes;
  /** When a route's present generation was first seen (monotonic ms), by the route's uid. */
  firstSeen: Map<string, { generation: number; atMs: number }>;
}

/** Field manager of what the gateway's controllers write. */
export const gatewayManager = { fieldManager: 'linnet-sandbox-gateway' };

/** Whether the Gateway's class is the sandbox's. */
export function isServed(world: GatewayWorld, gateway: Gateway): boolean {
  return world.classes.get(gateway.spec.gatewayClassName)?.spec.controllerName === controllerName;
}
