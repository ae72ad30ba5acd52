import type { ParentRef } from '../../../api/objects.ts';
import type { HttpRoute, Listener } from './gateway-api.ts';
import type { AttachedRoute } from './routing-table.ts';

/** A route as one parent has accepted it, on the listeners (or ports of a Service) it is attached to. */
export interface Accepted {
  route: HttpRoute;
  ref: ParentRef;
  listeners: Pick<Listener, 'name' | 'hostname' | 'port'>[];
}

/** Which routes each data plane has accepted; a route that changed and is not accepted yet is here as it was. */
export interface RouteAttachments {
  /** @returns whether anything is different from before */
  set(plane: string, route: string, accepted: readonly Accepted[]): boolean;
  of(plane: string): Accepted[];
  planesOf(route: string): string[];
  /** The routes of one port of a data plane. */
  onPort(plane: string, port: number): AttachedRoute[];
  countOn(plane: string, listener: string): number;
}

export function createRouteAttachments(): RouteAttachments {
  const planes = new Map<string, Map<string, readonly Accepted[]>>();
  const all = (plane: string) => [...(planes.get(plane)?.values() ?? [])].flat();
  return {
    set(plane, route, accepted) {
      const routes = planes.get(plane) ?? new Map<string, readonly Accepted[]>();
      planes.set(plane, routes);
      const before = routes.get(route);
      if (accepted.length === 0) return routes.delete(route);
      routes.set(route, accepted);
      return (
        before === undefined ||
        accepted.length !== before.length ||
        accepted.some((entry, i) => differs(entry, before[i]))
      );
    },
    of: all,
    planesOf: (route) => [...planes].filter(([, routes]) => routes.has(route)).map(([plane]) => plane),
    onPort: (plane, port) =>
      all(plane).flatMap(({ route, listeners }) => {
        const here = listeners.filter((listener) => listener.port === port);
        return here.length === 0 ? [] : [{ route, listeners: here }];
      }),
    countOn: (plane, listener) =>
      all(plane).filter(({ listeners }) => listeners.some(({ name }) => name === listener)).length,
  };
}

function differs(a: Accepted, b: Accepted | undefined): boolean {
  return (
    b === undefined ||
    a.route.metadata.uid !== b.route.metadata.uid ||
    a.route.metadata.generation !== b.route.metadata.generation ||
    JSON.stringify(a.listeners) !== JSON.stringify(b.listeners)
  );
}
