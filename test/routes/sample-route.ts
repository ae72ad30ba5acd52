import type { BackendRef, Condition, Route, RouteRule } from '../../src/api/objects.ts';
import { findManagedRules } from '../../src/routes/plan.ts';
import type { RoutePlan, Selection } from '../../src/routes/plan.ts';

export const inPlace: Selection = { stable: { name: 'shop' }, canary: { name: 'shop-canary' } };

/** A route in namespace `shop` with these rules. */
export function routeWith(...rules: RouteRule[]): Route {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'checkout', namespace: 'shop', uid: 'route-uid', resourceVersion: '10', generation: 3 },
    spec: { parentRefs: [{ name: 'gateway' }], rules },
  };
}

export function backends(...backendRefs: BackendRef[]): RouteRule {
  return { backendRefs };
}

export function planOf(route: Route, selection: Selection = inPlace): RoutePlan {
  const found = findManagedRules(route, selection);
  if (!found.ok) throw new Error(found.message);
  return found.plan;
}

export function condition(type: string, status: Condition['status'], observedGeneration = 3): Condition {
  return {
    type,
    status,
    observedGeneration,
    reason: `${type}${status}`,
    message: `${type} says ${status}`,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
}
