import type { LabelSelector, ParentRef } from '../../../api/objects.ts';
import { type Gateway, gatewayGroup, type HttpRoute, type Listener } from './gateway-api.ts';

/** Whether a parent takes a route: the listeners it is attached to, or why there is none. */
export type Attachment =
  | { accepted: true; listeners: Listener[] }
  | {
      accepted: false;
      reason: 'NoMatchingParent' | 'NotAllowedByListeners' | 'NoMatchingListenerHostname';
      message: string;
    };

/** @param namespaceLabels of a namespace, for listeners that allow routes by namespace selector */
export function attach(
  route: HttpRoute,
  ref: ParentRef,
  gateway: Gateway,
  namespaceLabels: (namespace: string) => Record<string, string>,
): Attachment {
  const routeNamespace = route.metadata.namespace ?? '';
  const named = (gateway.spec.listeners ?? []).filter(
    (listener) =>
      (ref.sectionName === undefined || ref.sectionName === listener.name) &&
      (ref.port === undefined || ref.port === listener.port),
  );
  const at = `${gateway.metadata.namespace}/${gateway.metadata.name}`;
  if (named.length === 0) {
    const wanted = [ref.sectionName && `sectionName "${ref.sectionName}"`, ref.port && `port ${ref.port}`].filter(
      Boolean,
    );
    return {
      accepted: false,
      reason: 'NoMatchingParent',
      message: `Gateway ${at} has no listener with ${wanted.join(' and ')}`,
    };
  }
  const allowed = named.filter(
    (listener) =>
      isHttp(listener) && allowsNamespace(listener, gateway.metadata.namespace ?? '', routeNamespace, namespaceLabels),
  );
  if (allowed.length === 0) {
    const message = `no listener of Gateway ${at} allows HTTPRoutes of the namespace ${routeNamespace}: see its allowedRoutes`;
    return { accepted: false, reason: 'NotAllowedByListeners', message };
  }
  const listeners = allowed.filter((listener) => commonHostnames(listener.hostname, route.spec.hostnames).length > 0);
  if (listeners.length === 0) {
    const message = `none of the route's hostnames ${(route.spec.hostnames ?? []).join(', ')} is one of Gateway ${at}`;
    return { accepted: false, reason: 'NoMatchingListenerHostname', message };
  }
  return { accepted: true, listeners };
}

function isHttp(listener: Listener): boolean {
  const kinds = listener.allowedRoutes?.kinds ?? [];
  const takes =
    kinds.length === 0 ||
    kinds.some(({ group = gatewayGroup, kind }) => group === gatewayGroup && kind === 'HTTPRoute');
  return listener.protocol === 'HTTP' && takes;
}

function allowsNamespace(
  listener: Listener,
  own: string,
  routeNamespace: string,
  namespaceLabels: (namespace: string) => Record<string, string>,
): boolean {
  const { from = 'Same', selector } = listener.allowedRoutes?.namespaces ?? {};
  if (from === 'All') return true;
  if (from === 'Selector') return selects(selector ?? {}, namespaceLabels(routeNamespace));
  return from === 'Same' && own === routeNamespace;
}

function selects(selector: LabelSelector, labels: Record<string, string>): boolean {
  const exact = Object.entries(selector.matchLabels ?? {}).every(([label, value]) => labels[label] === value);
  return (
    exact &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      const among = value !== undefined && values.includes(value);
      return operator === 'In' ? among : !among;
    })
  );
}

/** The hostnames on which a listener serves a route: what both allow, `*` for any; empty when nothing is common. */
export function commonHostnames(listener: string | undefined, route: readonly string[] | undefined): string[] {
  const own = listener ?? '*';
  if (!route || route.length === 0) return [own];
  return route.flatMap((hostname) => {
    if (covers(own, hostname)) return [hostname];
    return covers(hostname, own) ? [own] : [];
  });
}

function covers(pattern: string, hostname: string): boolean {
  if (pattern === '*' || pattern === hostname) return true;
  return pattern.startsWith('*.') && hostname.replace(/^\*/, '').endsWith(pattern.slice(1));
}
