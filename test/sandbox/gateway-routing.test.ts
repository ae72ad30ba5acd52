import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Service } from '../../src/api/objects.ts';
import type { BackendLookup } from '../../src/sandbox/world/gateway/backends.ts';
import type { HttpMatch, HttpRoute } from '../../src/sandbox/world/gateway/gateway-api.ts';
import { buildTable, findRule } from '../../src/sandbox/world/gateway/routing-table.ts';
import { createBalancer } from '../../src/sandbox/world/gateway/weighted-round-robin.ts';

describe('smooth weighted round robin', () => {
  const weights = fc.array(fc.nat(1000), { minLength: 1, maxLength: 6 });

  test('gives each backend its exact share in each full turn and never one without weight', () => {
    fc.assert(
      fc.property(weights, (list) => {
        const total = list.reduce((a, b) => a + b, 0);
        const balancer = createBalancer(list);
        const counts = list.map(() => 0);
        for (let i = 0; i < total; i++) {
          const index = balancer.next() ?? -1;
          counts[index] = (counts[index] ?? 0) + 1;
        }
        expect(total === 0 ? balancer.next() : counts).toEqual(total === 0 ? undefined : list);
      }),
    );
  });

  test('is never further from the share than the number of backends, after any number of requests', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 500 }), (list, requests) => {
        const total = list.reduce((a, b) => a + b, 0);
        fc.pre(total > 0);
        const balancer = createBalancer(list);
        const counts = list.map(() => 0);
        for (let i = 0; i < requests; i++) {
          const index = balancer.next() ?? -1;
          counts[index] = (counts[index] ?? 0) + 1;
        }
        for (const [i, weight] of list.entries()) {
          expect(Math.abs((counts[i] ?? 0) - (requests * weight) / total)).toBeLessThan(list.length);
        }
      }),
    );
  });
});

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 's' },
  spec: { ports: [{ port: 80 }] },
} satisfies Service;
const lookup: BackendLookup = { service: () => service, grants: () => [] };

function routeOf(
  name: string,
  rules: HttpMatch[][],
  hostnames?: string[],
  creationTimestamp = '2026-01-01T00:00:00Z',
): HttpRoute {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name, namespace: 'default', creationTimestamp },
    spec: {
      ...(hostnames ? { hostnames } : {}),
      rules: rules.map((matches) => ({ matches, backendRefs: [{ name: 's', port: 80 }] })),
    },
  };
}

/** Which rule serves a request, as `route/index`. */
function served(
  routes: HttpRoute[],
  target: string,
  request: { host?: string; method?: string; headers?: Record<string, string> } = {},
) {
  const table = buildTable(
    routes.map((route) => ({ route, listeners: [{ name: 'http' }] })),
    lookup,
  );
  const found = findRule(table, { method: 'GET', host: 'shop.example', headers: {}, target, ...request });
  return found && `${found.rule.route.name}/${found.rule.index}`;
}

describe('of several rules that match a request', () => {
  const prefix = (value: string): HttpMatch => ({ path: { type: 'PathPrefix', value } });

  test('an exact path wins over a prefix, and the longer prefix over the shorter', () => {
    const route = routeOf('r', [
      [prefix('/')],
      [prefix('/a')],
      [{ path: { type: 'Exact', value: '/a/b' } }],
      [prefix('/a/b')],
    ]);
    expect(['/x', '/a', '/a/', '/ab', '/a/b', '/a/b?q=1', '/a/b/c'].map((target) => served([route], target))).toEqual([
      'r/0',
      'r/1',
      'r/1',
      'r/0',
      'r/2',
      'r/2',
      'r/3',
    ]);
  });

  test('then the one with a method, then more headers, then more query parameters, then the earlier rule', () => {
    const header = { name: 'X-User', value: 'beta' };
    const route = routeOf('r', [
      [{}],
      [{ queryParams: [{ name: 'q', value: '1' }] }],
      [{ headers: [header] }],
      [{ method: 'POST' }],
      [{ method: 'POST' }],
    ]);
    expect(served([route], '/')).toBe('r/0');
    expect(served([route], '/?q=1')).toBe('r/1');
    expect(served([route], '/?q=1', { headers: { 'x-user': 'beta' } })).toBe('r/2');
    expect(served([route], '/', { method: 'POST', headers: { 'x-user': 'beta' } })).toBe('r/3');
  });

  test('the older route wins among equals, then the first by name', () => {
    const older = routeOf('z', [[{}]], undefined, '2025-01-01T00:00:00Z');
    expect(served([routeOf('a', [[{}]]), older], '/')).toBe('z/0');
    expect(served([routeOf('b', [[{}]]), routeOf('a', [[{}]])], '/')).toBe('a/0');
  });

  test('the most specific hostname decides before the path', () => {
    const routes = [
      routeOf('any', [[prefix('/long/path')]]),
      routeOf('wild', [[{}]], ['*.example']),
      routeOf('exact', [[prefix('/only')]], ['shop.example']),
    ];
    expect(served(routes, '/only')).toBe('exact/0');
    expect(served(routes, '/long/path')).toBeUndefined();
    expect(served(routes, '/', { host: 'a.b.example' })).toBe('wild/0');
    expect(served(routes, '/', { host: 'example' })).toBeUndefined();
    expect(served(routes, '/long/path', { host: 'elsewhere' })).toBe('any/0');
  });

  test('regular expressions match the whole value, and one that is none matches nothing', () => {
    const regex = (value: string): HttpMatch => ({ path: { type: 'RegularExpression', value } });
    const route = routeOf('r', [
      [regex('/v[12]/.*')],
      [regex('/(')],
      [{ headers: [{ type: 'RegularExpression', name: 'a', value: 'b+' }] }],
    ]);
    expect(served([route], '/v1/x')).toBe('r/0');
    expect(served([route], '/x/v1/x')).toBeUndefined();
    expect(served([route], '/', { headers: { a: 'bbb' } })).toBe('r/2');
  });
});
