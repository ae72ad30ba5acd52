import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Kind, kinds } from '../../src/api/kinds.ts';
import { deployment, service } from './manifests.ts';
import {
  all,
  asked,
  atRest,
  canaryOf,
  deleted,
  ended,
  follow,
  managers,
  moreAnswers,
  openShop,
  outcomes,
  reached,
  routeOf,
  type Shop,
  started,
  yours,
} from './release.ts';
import { systemClock } from '../../src/system.ts';
import { namespace, openStand, type Stand, until } from './stand.ts';

let stand: Stand;
beforeAll(async () => {
  stand = await openStand();
  await stand.startEngine();
});
afterAll(async () => stand.close());

function remove(kind: Kind, name: string): void {
  stand.sandbox.store.delete({ kind, namespace, name });
}

/** Applies another Deployment with its Service. @returns rules that lead to it and to the shop */
function neighbour(name: string): string {
  const other = `${name}-new`;
  stand.apply(deployment(other, 'shop:v1', { replicas: 2 }), service(other));
  return `
  - matches: [{path: {type: PathPrefix, value: /new}}]
    backendRefs: [{name: ${other}, port: 80}]
  - backendRefs: [{name: ${name}, port: 80}]
`;
}

function expectNothingOfOurs(shop: Shop, canary = shop.canary): void {
  expect(stand.get(kinds.deployment, canary)).toBeUndefined();
  expect(stand.get(kinds.service, canary)).toBeUndefined();
  expect(managers(stand.route(shop.name))).not.toContain('linnet');
}

describe.concurrent('the spec, edited in mid-release,', { timeout: 110_000 }, () => {
  test('changes steps and limits for the next attempt only', async () => {
    const shop = await started(stand, 'rules');
    await reached(shop, 'Watching', 5);
    stand.apply(canaryOf(shop.name, { mode: 'targetRef', steps: '[20, 100]' }));
    await ended(shop, 'Promoted', 1);
    shop.push('shop:v3');
    await ended(shop, 'Promoted', 2);
    await shop.close();
    expect(asked(shop, 1)).toEqual([0, 5, 50, 100, 50, 0]);
    expect(asked(shop, 2)).toEqual([0, 20, 100, 50, 0]);
    expect(shop.users.failed()).toEqual([]);
  });

  test('names another route: the attempt is taken back from the old one', async () => {
    const shop = await started(stand, 'moved');
    const before = yours(stand.route(shop.name));
    stand.apply(routeOf('moved-new', shop.name, { mode: 'targetRef' }));
    await reached(shop, 'Watching', 5);
    stand.edit(kinds.canary, shop.name, { spec: { routes: [{ kind: 'HTTPRoute', name: 'moved-new' }] } });
    await ended(shop, 'Cancelled');
    await all(shop, 'v1');
    await shop.close();
    // Without the fence of the release and all else of ours.
    expect(yours(stand.route(shop.name))).toMatchObject({ spec: (before as { spec: object }).spec });
    expectNothingOfOurs(shop);
    expect(shop.users.failed()).toEqual([]);
  });

  test('names another target: the attempt is taken back and the old target is given back', async () => {
    const shop = await started(stand, 'other', { rules: neighbour('other') });
    await reached(shop, 'Watching', 5);
    stand.edit(kinds.canary, shop.name, { spec: { targetRef: { name: 'other-new' } } });
    await ended(shop, 'Cancelled');
    await shop.close();
    expectNothingOfOurs(shop);
    expect(shop.users.failed()).toEqual([]);
    await until(
      'the old target is given back',
      () => !managers(stand.deployment(shop.name)).includes('linnet'),
      () => [stand.deployment(shop.name), shop.status()],
    );
  });
});

describe.concurrent('at rest', { timeout: 110_000 }, () => {
  test('a spec that names another target gives the old one back', async () => {
    const shop = await openShop(stand, 'switch', { mode: 'targetRef', perSecond: 20, rules: neighbour('switch') });
    const before = yours(stand.deployment(shop.name));
    await shop.guard();
    stand.edit(kinds.canary, shop.name, { spec: { targetRef: { name: 'switch-new' } } });
    await until(
      'the new target is held',
      () => stand.deployment('switch-new').spec.paused === true && shop.status()?.stage === 'Resting',
      () => [stand.deployment('switch-new'), shop.status()],
    );
    expect(yours(stand.deployment(shop.name))).toEqual(before);
    expect(managers(stand.deployment(shop.name))).not.toContain('linnet');
    await deleted(stand, shop);
    expect(stand.deployment('switch-new').spec.paused).toBeUndefined();
    await shop.close();
  });

  test('a Canary that is deleted after its route and Service gives the target back', async () => {
    const shop = await openShop(stand, 'together', { mode: 'targetRef', perSecond: 20 });
    const before = yours(stand.deployment(shop.name));
    await shop.guard();
    await shop.close();
    remove(kinds.httpRoute, shop.name);
    remove(kinds.service, shop.name);
    await deleted(stand, shop);
    expect(yours(stand.deployment(shop.name))).toEqual(before);
    expect(managers(stand.deployment(shop.name))).not.toContain('linnet');
  });
});

describe.concurrent('an object of the release, deleted and made anew,', { timeout: 110_000 }, () => {
  test('the route: the attempt is cancelled and the new route stays as it is', async () => {
    const shop = await started(stand, 'newroute');
    await reached(shop, 'Watching', 50);
    remove(kinds.httpRoute, shop.name);
    const manifest = routeOf(shop.name, shop.name, { mode: 'targetRef' });
    stand.apply(manifest);
    const written = yours(stand.route(shop.name));
    await ended(shop, 'Cancelled');
    await all(shop, 'v1');
    await shop.close();
    expect(yours(stand.route(shop.name))).toEqual(written);
    expectNothingOfOurs(shop);
  });

  test('the route: one that is gone for a while cancels too, and the release can be asked for again', async () => {
    const shop = await started(stand, 'noroute');
    await reached(shop, 'Watching', 5);
    remove(kinds.httpRoute, shop.name);
    await until(
      'the attempt is cancelled',
      () => outcomes(shop).includes('Cancelled'),
      () => shop.status(),
    );
    stand.apply(routeOf(shop.name, shop.name, { mode: 'targetRef' }));
    await atRest(stand, shop.name);
    const { revision } = stand.canary(shop.name).status ?? {};
    const retry = JSON.stringify({ verb: 'retry', revision });
    stand.edit(kinds.canary, shop.name, { metadata: { annotations: { 'command.linnet.dev/again': retry } } });
    await ended(shop, 'Promoted', 2);
    await shop.close();
    expect(outcomes(shop)).toEqual(['Cancelled', 'Promoted']);
  });

  test('the target: the attempt is cancelled and the new target is held', async () => {
    const shop = await started(stand, 'newtarget');
    await reached(shop, 'Watching', 50);
    remove(kinds.deployment, shop.name);
    stand.apply(deployment(shop.name, 'shop:v1', { replicas: 3 }));
    await ended(shop, 'Cancelled');
    await all(shop, 'v1');
    await atRest(stand, shop.name);
    expectNothingOfOurs(shop);
    expect(stand.deployment(shop.name).spec.paused).toBe(true);
    shop.push('shop:v3');
    await ended(shop, 'Promoted', 2);
    await shop.close();
    // From the moment at which the stable pods were gone until the carrier had all of the traffic.
    const times = shop.users.failed().map(({ sentMs }) => sentMs);
    expect(Math.max(0, ...times) - Math.min(...times, Number.MAX_SAFE_INTEGER)).toBeLessThan(2_000);
  });
});

describe.concurrent('two Canaries on one target', { timeout: 110_000 }, () => {
  test('the younger one waits as TargetInUse and takes over when the older one is deleted', async () => {
    const shop = await openShop(stand, 'rivals', { mode: 'targetRef' });
    await shop.guard();
    // Times of creation are told in whole seconds.
    const created = Date.parse(stand.canary(shop.name).metadata.creationTimestamp ?? '');
    const isLater = () => systemClock.now() >= created + 1_000;
    await until('a second has gone by', isLater, () => created);
    const younger = follow(stand, 'rivals-b');
    const ready = () => younger.statuses.at(-1)?.status.conditions?.find(({ type }) => type === 'Ready');
    stand.apply(
      canaryOf('rivals-b', { mode: 'targetRef', spec: 'routes: [{name: rivals}]' }).replace(
        'targetRef: {name: rivals-b}',
        'targetRef: {name: rivals}',
      ),
    );
    await until('the younger one says so', () => ready()?.reason === 'TargetInUse', ready);
    shop.push('shop:v2');
    await ended(shop, 'Promoted');
    expect(younger.statuses.every(({ status }) => status.attempt === 0)).toBe(true);
    await deleted(stand, shop);
    await atRest(stand, 'rivals-b');
    expect(stand.deployment(shop.name).spec.paused).toBe(true);
    shop.push('shop:v3');
    await until(
      'the younger one has released v3',
      () => younger.statuses.at(-1)?.status.history?.[0]?.outcome === 'Promoted',
      () => younger.statuses.at(-1)?.status,
      60_000,
    );
    await moreAnswers(shop, 40);
    await shop.close();
    younger.stop();
    expect(shop.users.failed()).toEqual([]);
    expect(shop.users.answers.at(-1)?.version).toBe('v3');
  });
});
