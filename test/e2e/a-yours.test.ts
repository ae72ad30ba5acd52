import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import type { Deployment, KubeObject } from '../../src/api/objects.ts';
import {
  type Shop,
  type ShopOptions,
  atRest,
  deleted,
  ended,
  managers,
  openShop,
  podsOf,
  routeOf,
  templateWith,
  yours,
} from './release.ts';
import { type Stand, namespace, openStand, until } from './stand.ts';

let stand: Stand;
beforeAll(async () => {
  stand = await openStand();
  await stand.startEngine();
});
afterAll(async () => stand.close());

interface Yours {
  route: object;
  service: object;
  deployment: object;
}

function yoursOf(shop: Shop): Yours {
  return {
    route: yours(stand.route(shop.name)),
    service: yours(stand.get(kinds.service, shop.stable)),
    deployment: yours(stand.deployment(shop.stable)),
  };
}

/** The same with the image that the user has pushed, and with the pause by which the target is held. */
function withImage(before: Yours, image: string, paused: boolean): Yours {
  const deployment = structuredClone(before.deployment) as Deployment;
  const { containers } = deployment.spec.template.spec as { containers: { image: string }[] };
  const [container] = containers;
  if (container !== undefined) container.image = image;
  if (paused) deployment.spec.paused = true;
  return { ...before, deployment };
}

/** The user's own manifest of the route with another rule in front, applied without force. */
function applyOwnRoute(shop: Shop, options: ShopOptions): void {
  const rules = `
  - matches: [{path: {type: PathPrefix, value: /new}}]
    backendRefs: [{name: ${shop.stable}, port: 80}]
  - backendRefs: [{name: ${shop.stable}, port: 80}]
`;
  stand.apply(routeOf(shop.name, shop.stable, { ...options, rules }));
  expect(stand.route(shop.name).spec.rules).toHaveLength(2);
}

function expectNoTraceOnRoute(shop: Shop): void {
  expect(managers(stand.route(shop.name))).not.toContain('linnet');
  expect(managers(stand.get(kinds.service, shop.stable))).not.toContain('linnet');
  expect(stand.get(kinds.deployment, shop.canary)).toBeUndefined();
  expect(stand.get(kinds.service, shop.canary)).toBeUndefined();
}

describe.concurrent('yours stays yours', () => {
  test('in place: at rest, after success and after deletion everything is as its owner wrote it', async () => {
    const options: ShopOptions = { mode: 'targetRef', perSecond: 30 };
    const shop = await openShop(stand, 'place-good', options);
    const before = yoursOf(shop);
    await shop.guard();
    expect(yoursOf(shop)).toEqual(withImage(before, 'shop:v1', true));
    expectNoTraceOnRoute(shop);
    const owned = stand.deployment(shop.stable).metadata.managedFields?.filter(({ manager }) => manager === 'linnet');
    expect(owned?.map(({ operation, fieldsV1 }) => [operation, fieldsV1])).toEqual([
      ['Apply', { 'f:spec': { 'f:paused': {} } }],
    ]);
    shop.push('shop:v2');
    await ended(shop, 'Promoted');
    expect(yoursOf(shop)).toEqual(withImage(before, 'shop:v2', true));
    expectNoTraceOnRoute(shop);
    applyOwnRoute(shop, options);
    stand.apply(routeOf(shop.name, shop.stable, options));
    await deleted(stand, shop);
    expect(yoursOf(shop)).toEqual(withImage(before, 'shop:v2', false));
    expectNoTraceOnRoute(shop);
    expect(managers(stand.deployment(shop.stable))).not.toContain('linnet');
    await shop.close();
    expect(shop.users.failed()).toEqual([]);
  });

  test('in place: after a rollback everything is as its owner wrote it, and deletion leaves the bad template waiting', async () => {
    const options: ShopOptions = { mode: 'targetRef', perSecond: 30 };
    const shop = await openShop(stand, 'place-bad', options);
    const before = yoursOf(shop);
    const pods = podsOf(stand, shop.stable);
    await shop.guard();
    shop.push('shop:v2-err50');
    await ended(shop, 'RolledBack');
    expect(yoursOf(shop)).toEqual(withImage(before, 'shop:v2-err50', true));
    expectNoTraceOnRoute(shop);
    applyOwnRoute(shop, options);
    stand.apply(routeOf(shop.name, shop.stable, options));
    await deleted(stand, shop);
    expect(yoursOf(shop)).toEqual(withImage(before, 'shop:v2-err50', true));
    expect(managers(stand.deployment(shop.stable))).not.toContain('linnet');
    expect(podsOf(stand, shop.stable)).toEqual(pods);
    const said = eventsOn(shop.stable).find(({ reason }) => reason === 'LeftHeld');
    const command = `kubectl -n ${namespace} rollout resume deployment/${shop.stable}`;
    expect(said?.message).toContain(command);
    const condition = shop.status()?.conditions?.find(({ type }) => type === 'LeftHeld');
    expect(condition?.message).toContain(command);
    await shop.close();
  });

  test('in place: onDelete roll rolls what waits', async () => {
    const shop = await openShop(stand, 'place-roll', { mode: 'targetRef', perSecond: 30, spec: 'onDelete: roll' });
    const before = yoursOf(shop);
    await shop.guard();
    shop.push('shop:v2-err50');
    await ended(shop, 'RolledBack');
    await deleted(stand, shop);
    expect(yoursOf(shop)).toEqual(withImage(before, 'shop:v2-err50', false));
    expect(managers(stand.deployment(shop.stable))).not.toContain('linnet');
    await until(
      'v2 answers',
      () => shop.users.answers.at(-1)?.version === 'v2',
      () => stand.deployment(shop.stable),
    );
    await shop.close();
  });

  test('in place: a template that is taken back before the deletion is not held any more', async () => {
    const shop = await openShop(stand, 'place-back', { mode: 'targetRef', perSecond: 30 });
    const before = yoursOf(shop);
    await shop.guard();
    shop.push('shop:v2-err50');
    await ended(shop, 'RolledBack');
    stand.edit(kinds.deployment, shop.stable, templateWith('shop:v1'));
    await atRest(stand, shop.name);
    await deleted(stand, shop);
    expect(yoursOf(shop)).toEqual(before);
    await shop.close();
  });

  test('with backends: only the weights differ after success, and the owner can apply without force', async () => {
    const options: ShopOptions = { mode: 'backends', perSecond: 30 };
    const shop = await openShop(stand, 'pair-good', options);
    const before = yoursOf(shop);
    await shop.guard();
    await ended(shop, 'Promoted');
    const [rule] = stand.route(shop.name).spec.rules ?? [];
    const ref = { group: '', kind: 'Service', port: 80 };
    expect(rule?.backendRefs).toEqual([
      { ...ref, name: shop.stable, weight: 0 },
      { ...ref, name: shop.canary, weight: 1 },
    ]);
    expect(withoutRefs(yoursOf(shop))).toEqual(withoutRefs(before));
    expect(managers(stand.route(shop.name))).not.toContain('linnet');
    const after = yoursOf(shop);
    await deleted(stand, shop);
    expect(yoursOf(shop)).toEqual(after);
    applyOwnRoute(shop, options);
    await shop.close();
    expect(shop.users.failed()).toEqual([]);
  });

  test('with backends and both in the route: only the weights differ after success', async () => {
    const rules =
      '  - backendRefs: [{name: pair-both-v1, port: 80, weight: 4}, {name: pair-both-v2, port: 80, weight: 0}]';
    const shop = await openShop(stand, 'pair-both', { mode: 'backends', perSecond: 30, rules });
    await shop.guard();
    await ended(shop, 'Promoted');
    const [rule] = stand.route(shop.name).spec.rules ?? [];
    expect(rule?.backendRefs?.map(({ name, weight }) => [name, weight])).toEqual([
      [shop.stable, 0],
      [shop.canary, 4],
    ]);
    await shop.close();
    expect(shop.users.failed()).toEqual([]);
  });

  test('with backends and onSuccess removeStable: the stable backendRef is gone after success', async () => {
    const shop = await openShop(stand, 'pair-one', {
      mode: 'backends',
      perSecond: 30,
      spec: 'onSuccess: removeStable',
    });
    const before = yoursOf(shop);
    await shop.guard();
    await ended(shop, 'Promoted');
    const [rule] = stand.route(shop.name).spec.rules ?? [];
    expect(rule?.backendRefs).toEqual([{ group: '', kind: 'Service', port: 80, name: shop.canary, weight: 1 }]);
    expect(withoutRefs(yoursOf(shop))).toEqual(withoutRefs(before));
    await shop.close();
    expect(shop.users.failed()).toEqual([]);
  });

  test('with backends: after a rollback everything is as its owner wrote it, and the owner can apply without force', async () => {
    const options: ShopOptions = { mode: 'backends', perSecond: 30, image: 'shop:v2-err50' };
    const shop = await openShop(stand, 'pair-bad', options);
    const before = yoursOf(shop);
    await shop.guard();
    await ended(shop, 'RolledBack');
    expect(yoursOf(shop)).toEqual(before);
    expect(managers(stand.route(shop.name))).not.toContain('linnet');
    applyOwnRoute(shop, options);
    await deleted(stand, shop);
    await shop.close();
  });
});

/** All but the backendRefs of the route's rules. */
function withoutRefs({ route, ...rest }: Yours): object {
  const copy = structuredClone(route) as KubeObject & { spec: { rules: { backendRefs?: unknown }[] } };
  for (const rule of copy.spec.rules) delete rule.backendRefs;
  return { ...rest, route: copy };
}

type Event = KubeObject & { involvedObject: { name?: string }; reason?: string; message?: string };

function eventsOn(name: string): Event[] {
  const { items } = stand.sandbox.store.list(kinds.event, { namespace });
  return (items as Event[]).filter(({ involvedObject }) => involvedObject.name === name);
}
