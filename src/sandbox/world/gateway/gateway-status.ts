import type { Condition } from '../../../api/objects.ts';
import { withCondition } from '../workloads/conditions.ts';
import { type Gateway, gatewayGroup, type Listener } from './gateway-api.ts';

interface ListenerStatus {
  name: string;
  supportedKinds: { group: string; kind: string }[];
  attachedRoutes: number;
  conditions: Condition[];
}

type Told = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/**
 * The status of a Gateway that the sandbox serves.
 * @param bound whether all of its ports are listening
 * @param attachedRoutes number of routes on a listener
 */
export function gatewayStatus(
  gateway: Gateway,
  bound: boolean,
  attachedRoutes: (listener: string) => number,
  nowMs: number,
): NonNullable<Gateway['status']> {
  const listeners = gateway.spec.listeners ?? [];
  const before = (gateway.status?.listeners ?? []) as ListenerStatus[];
  const programmed: Told = bound
    ? { type: 'Programmed', status: 'True', reason: 'Programmed', message: 'The listeners take requests' }
    : { type: 'Programmed', status: 'False', reason: 'Pending', message: 'The listeners are not bound yet' };
  const accepted: Told = { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'Gateway is accepted' };
  const generation = gateway.metadata.generation ?? 1;
  return {
    ...gateway.status,
    ...(bound ? { addresses: [{ type: 'IPAddress', value: '127.0.0.1' }] } : {}),
    conditions: told(gateway.status?.conditions, [accepted, programmed], generation, nowMs),
    listeners: listeners.map((listener) => ({
      name: listener.name,
      supportedKinds: listener.protocol === 'HTTP' ? [{ group: gatewayGroup, kind: 'HTTPRoute' }] : [],
      attachedRoutes: attachedRoutes(listener.name),
      conditions: told(
        before.find(({ name }) => name === listener.name)?.conditions,
        listenerConditions(listener, programmed),
        generation,
        nowMs,
      ),
    })),
  };
}

function listenerConditions(listener: Listener, programmed: Told): Told[] {
  const resolved: Told = {
    type: 'ResolvedRefs',
    status: 'True',
    reason: 'ResolvedRefs',
    message: 'All references are resolved',
  };
  if (listener.protocol === 'HTTP') {
    return [
      { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'Listener is accepted' },
      programmed,
      resolved,
    ];
  }
  const message = `protocol ${listener.protocol} of listener ${listener.name} is not served by the sandbox: use HTTP`;
  return [
    { type: 'Accepted', status: 'False', reason: 'UnsupportedProtocol', message },
    { type: 'Programmed', status: 'False', reason: 'Invalid', message },
    resolved,
  ];
}

function told(
  before: readonly Condition[] | undefined,
  next: readonly Told[],
  observedGeneration: number,
  nowMs: number,
): Condition[] {
  // What a Gateway got as default from its schema ("Waiting for controller") is written over.
  return next.reduce<Condition[]>(
    (list, condition) => withCondition(list, { ...condition, observedGeneration }, nowMs),
    (before ?? []).filter(({ type }) => next.some((condition) => condition.type === type)),
  );
}
