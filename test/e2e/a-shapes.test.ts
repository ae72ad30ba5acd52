import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deployment, service } from './manifests.ts';
import { type Shop, ended, moreAnswers, openShop, routeOf, shareProblems, yours } from './release.ts';
import { type Stand, type Users, namespace, openStand, startUsers, until } from './stand.ts';

let stand: Stand;
beforeAll(async () => {
  stand = await openStand();
  await stand.startEngine();
});
afterAll(async () => stand.close());

const gatewayAddress = () => stand.sandbox.gatewayAddress(namespace, 'web') ?? '';

async function promoted(shop: Shop): Promise<void> {
  await shop.guard();
  if (shop.mode === 'targetRef') shop.push('shop:v2');
  await ended(shop, 'Promoted');
  await moreAnswers(shop, 50);
}

/** Another Deployment behind a Service of its own. */
async function neighbour(name: string): Promise<void> {
  stand.apply(deployment(name, 'shop:side', { replicas: 2 }), service(name));
  await until(
    `${name} is up`,
    () => stand.deployment(name).status?.availableReplicas === 2,
    () => stand.deployment(name).status,
  );
}

describe.concurrent('routes and Services of many shapes', () => {
  test('filters of a rule and of a backendRef stay, and the canary gets a copy of those of its backendRef', async () => {
    const name = 'filters';
    const rules = `
  - matches: [{path: {type: PathPrefix, value: /}}]
    filters:
    - {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-shop, value: "yes"}]}}
    timeouts: {request: 9s}
    backendRefs:
    - name: ${name}
      port: 80
      filters:
      - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-side, value: shop}]}}
`;
    const shop = await openShop(stand, name, { mode: 'targetRef', rules });
    const before = yours(stand.route(name));
    await shop.guard();
    shop.push('shop:v2');
    await until(
      'the canary is in the route',
      () => refsOf(name).length === 2,
      () => refsOf(name),
    );
    expect(refsOf(name)[1]?.['filters']).toEqual(refsOf(name)[0]?.['filters']);
    await ended(shop, 'Promoted');
    await shop.close();
    expect(yours(stand.route(name))).toEqual(before);
    expect(shareProblems(shop)).toEqual([]);
    expect(shop.users.failed()).toEqual([]);
  });

  test('both rules of a route get the share', async () => {
    const name = 'rules';
    const rules = `
  - matches: [{path: {type: PathPrefix, value: /api}}]
    backendRefs: [{name: ${name}, port: 80, weight: 7}]
  - backendRefs: [{name: ${name}, port: 80}]
`;
    const shop = await openShop(stand, name, { mode: 'targetRef', rules });
    const before = yours(stand.route(name));
    const users = startUsers(gatewayAddress(), 40, `${name}.example`, '/api/carts');
    await promoted(shop);
    await Promise.all([shop.close(), users.stop()]);
    expect(shareProblems(shop)).toEqual([]);
    expect(shareProblems(shop, { among: users.answers })).toEqual([]);
    expect([...shop.users.failed(), ...users.failed()]).toEqual([]);
    expect(yours(stand.route(name))).toEqual(before);
  });

  test('a third backend keeps its share of the traffic', async () => {
    const name = 'third';
    await neighbour('third-side');
    const rules = '  - backendRefs: [{name: third, port: 80, weight: 3}, {name: third-side, port: 80, weight: 1}]';
    const shop = await openShop(stand, name, { mode: 'targetRef', rules, perSecond: 60 });
    const before = yours(stand.route(name));
    await promoted(shop);
    await shop.close();
    const ofSide = shop.users.by('side').length / shop.users.answers.length;
    expect(ofSide).toBeGreaterThan(0.23);
    expect(ofSide).toBeLessThan(0.27);
    expect(shareProblems(shop, { among: shop.users.answers.filter(({ version }) => version !== 'side') })).toEqual([]);
    expect(shop.users.failed()).toEqual([]);
    expect(yours(stand.route(name))).toEqual(before);
  });

  test('a headless stable Service gets a headless canary Service', async () => {
    const name = 'headless';
    const stableService = `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  clusterIP: None
  selector: {app: ${name}}
  ports: [{name: http, port: 80, targetPort: http}]
`;
    const shop = await openShop(stand, name, { mode: 'targetRef', stableService });
    await promoted(shop);
    await shop.close();
    expect(shareProblems(shop)).toEqual([]);
    expect(shop.users.failed()).toEqual([]);
  });

  test('a parent may be one listener of a Gateway in another namespace', async () => {
    stand.apply(`
apiVersion: v1
kind: Namespace
metadata: {name: infra}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec:
  gatewayClassName: linnet-sandbox
  listeners:
  - {name: public, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - {name: private, port: 81, protocol: HTTP}
`);
    const there = { gateway: 'edge', gatewayNamespace: 'infra', sectionName: 'public' };
    const shop = await openShop(stand, 'elsewhere', { mode: 'targetRef', ...there });
    await promoted(shop);
    await shop.close();
    expect(shareProblems(shop)).toEqual([]);
    expect(shop.users.failed()).toEqual([]);
  });

  test('several routes of one Canary move together', async () => {
    const name = 'several';
    const others: Users[] = [];
    for (const other of ['several-b', 'several-c']) {
      stand.apply(routeOf(other, name, { mode: 'targetRef' }));
    }
    const routes = [name, 'several-b', 'several-c'].map((each) => `{name: ${each}}`).join(', ');
    const shop = await openShop(stand, name, { mode: 'targetRef', spec: `routes: [${routes}]` });
    for (const other of ['several-b', 'several-c']) others.push(startUsers(gatewayAddress(), 30, `${other}.example`));
    await promoted(shop);
    await Promise.all([shop.close(), ...others.map(async (users) => users.stop())]);
    expect(shareProblems(shop)).toEqual([]);
    for (const users of others) {
      expect(shareProblems(shop, { among: users.answers })).toEqual([]);
      expect(users.failed()).toEqual([]);
    }
    expect(shop.users.failed()).toEqual([]);
  });
});

function refsOf(name: string): { [field: string]: unknown }[] {
  return stand.route(name).spec.rules?.[0]?.backendRefs ?? [];
}
