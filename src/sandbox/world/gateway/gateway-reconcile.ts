import { apiVersionOf, kinds } from '../../../api/kinds.ts';
import { canonicalJson } from '../workloads/canonical.ts';
import { withCondition } from '../workloads/conditions.ts';
import { servedKind } from '../workloads/kinds.ts';
import { addressAnnotation, behaviourOfParent } from './annotations.ts';
import type { DataPlane } from './data-plane.ts';
import { controllerName, type Gateway, gatewayGroup } from './gateway-api.ts';
import { gatewayStatus } from './gateway-status.ts';
import { gatewayManager, type GatewayWorld, isServed } from './gateway-world.ts';

/** Accepts the GatewayClasses that name the sandbox's controller. */
export function reconcileClass(world: GatewayWorld, name: string): undefined {
  const object = world.classes.get(name);
  const kind = servedKind(world.store, gatewayGroup, 'GatewayClass');
  if (object?.spec.controllerName !== controllerName || !kind) return;
  const observedGeneration = object.metadata.generation ?? 1;
  const accepted = {
    type: 'Accepted',
    status: 'True',
    reason: 'Accepted',
    message: 'GatewayClass is accepted',
    observedGeneration,
  } as const;
  const conditions = withCondition(object.status?.conditions, accepted, world.clock.now());
  if (canonicalJson(conditions) === canonicalJson(object.status?.conditions)) return;
  const changed = { ...object, status: { ...object.status, conditions } };
  world.store.update({ kind, name }, changed, { ...gatewayManager, subresource: 'status' });
}

/** Opens a Gateway's listeners, says in status how they are, and writes their addresses into annotations. */
export function reconcileGateway(world: GatewayWorld, key: string): undefined {
  const gateway = world.gateways.get(key);
  const planeKey = `gateway:${key}`;
  if (!gateway || gateway.metadata.deletionTimestamp || !isServed(world, gateway)) {
    world.planes.remove(planeKey);
    return;
  }
  const { namespace = '', name } = gateway.metadata;
  const plane = world.planes.ensure('gateway', namespace, name);
  plane.preset = behaviourOfParent(gateway).preset;
  const listeners = (gateway.spec.listeners ?? []).filter(({ protocol }) => protocol === 'HTTP');
  world.planes.setPorts(plane, [...new Set(listeners.map(({ port }) => port))]);
  const bound = listeners.every(({ port }) => world.planes.address(plane, port) !== undefined);
  if (bound) writeAddresses(world, gateway, plane);
  const now = world.gateways.get(key) ?? gateway;
  const count = (listener: string) => world.attachments.countOn(planeKey, listener);
  const status = gatewayStatus(now, bound, count, world.clock.now());
  if (canonicalJson(status) === canonicalJson(now.status)) return;
  const ref = { kind: kinds.gateway, namespace, name };
  world.store.update(ref, { ...now, status }, { ...gatewayManager, subresource: 'status' });
}

function writeAddresses(world: GatewayWorld, gateway: Gateway, plane: DataPlane): void {
  const listeners = (gateway.spec.listeners ?? []).filter(({ protocol }) => protocol === 'HTTP');
  const annotations: Record<string, string> = {};
  for (const [i, { name, port }] of listeners.entries()) {
    annotations[i === 0 ? addressAnnotation : `${addressAnnotation}-${name}`] = world.planes.address(plane, port) ?? '';
  }
  const present = gateway.metadata.annotations ?? {};
  if (Object.entries(annotations).every(([name, value]) => present[name] === value)) return;
  const { namespace = '', name } = gateway.metadata;
  const body = { apiVersion: apiVersionOf(kinds.gateway), kind: 'Gateway', metadata: { annotations } };
  world.store.patch({ kind: kinds.gateway, namespace, name }, { type: 'merge', body }, gatewayManager);
}
