import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { kinds } from '../../src/api/kinds.ts';
import type { KubeObject, RouteRule } from '../../src/api/objects.ts';
import {
  answersAfterRetreat,
  ended,
  managers,
  moreAnswers,
  reached,
  routeOf,
  type Shop,
  shareProblems,
  started,
  yours,
} from './release.ts';
import { namespace, openStand, type Stand, until } from './stand.ts';

let stand: Stand;
beforeAll(async () => {
  stand = await openStand();
  await stand.startEngine({ settings: { contestWindowMs: 8_000 } });
});
afterAll(async () => stand.close());

function ref(name: string): { kind: typeof kinds.httpRoute; namespace: string; name: string } {
  return { kind: kinds.httpRoute, namespace, name };
}

/** Applies the shop's own route by server-side apply with force, as another tool. */
function takeRoute(shop: Shop): void {
  const body: unknown = parse(routeOf(shop.name, shop.stable, { mode: shop.mode }));
  stand.sandbox.store.patch(ref(shop.name), { type: 'apply', body }, { fieldManager: 'gitops', force: true });
}

/** Puts the shop's own route in the place of what is there, annotations included. */
function replaceRoute(shop: Shop): void {
  const body = parse(routeOf(shop.name, shop.stable, { mode: shop.mode })) as KubeObject;
  body.metadata.resourceVersion = stand.route(shop.name).metadata.resourceVersion ?? '';
  stand.sandbox.store.update(ref(shop.name), body, { fieldManager: 'gitops' });
}

/** Repeats something every second until it is stopped. */
function everySecond(action: () => void): () => void {
  action();
  const timer = setInterval(action, 1_000);
  return () => clearInterval(timer);
}

async function contested(shop: Shop): Promise<void> {
  await until(
    'the release holds as contested',
    () => shop.status()?.hold?.reason === 'RouteContested',
    () => [shop.status()?.hold, shop.status()?.release?.contests, stand.log.slice(-20)],
  );
}

const fights: [string, (shop: Shop) => void][] = [
  ['server-side apply with force', takeRoute],
  ['a replacement of the whole route', replaceRoute],
];

describe.concurrent('somebody else and the route', { timeout: 110_000 }, () => {
  for (const [what, undo] of fights) {
    test(`a loop of ${what}: the release holds, names the manager, and goes on when the loop ends`, async () => {
      const shop = await started(stand, undo === takeRoute ? 'fought' : 'replaced');
      const before = yours(stand.route(shop.name));
      await reached(shop, 'Watching', 5);
      const stop = everySecond(() => undo(shop));
      try {
        await contested(shop);
        expect(shop.status()?.hold?.message).toContain('gitops');
        await moreAnswers(shop, 400);
        await contested(shop);
        expect(shop.status()?.canaryWeight).toBe(5);
      } finally {
        stop();
      }
      await ended(shop, 'Promoted');
      await shop.close();
      expect(shop.users.failed()).toEqual([]);
      expect(yours(stand.route(shop.name))).toEqual(before);
      expect(managers(stand.route(shop.name))).not.toContain('linnet');
    });
  }

  test('what was undone once is put back without a hold', async () => {
    const shop = await started(stand, 'once');
    await reached(shop, 'Watching', 50);
    takeRoute(shop);
    await ended(shop, 'Promoted');
    await shop.close();
    expect(shop.trail.statuses.some(({ status }) => status.hold?.reason === 'RouteContested')).toBe(false);
    expect(shop.users.failed()).toEqual([]);
  });

  test('a bad version is taken back although the route is fought over', async () => {
    const shop = await started(stand, 'both', { mode: 'backends', image: 'shop:v2-err50' });
    const stop = everySecond(() => takeRoute(shop));
    try {
      await until(
        'it is tried',
        () => shop.users.by('v2').length > 0,
        () => shop.status(),
      );
    } finally {
      stop();
    }
    await ended(shop, 'RolledBack');
    await moreAnswers(shop, 40);
    await shop.close();
    expect(answersAfterRetreat(shop, 'v2')).toEqual([]);
  });

  test('a filter that is added in mid-release stays', async () => {
    const shop = await started(stand, 'filter');
    await reached(shop, 'Watching', 5);
    const filter = {
      type: 'ResponseHeaderModifier',
      responseHeaderModifier: { set: [{ name: 'x-new', value: 'yes' }] },
    };
    const [rule] = stand.route(shop.name).spec.rules ?? [];
    stand.edit(kinds.httpRoute, shop.name, { spec: { rules: [{ ...rule, filters: [filter] }] } });
    await ended(shop, 'Promoted');
    await shop.close();
    const rules = stand.route(shop.name).spec.rules ?? [];
    expect(rules).toMatchObject([{ filters: [filter], backendRefs: [{ name: shop.stable, weight: 1 }] }]);
    expect(rules[0]?.backendRefs).toHaveLength(1);
    expect(shareProblems(shop)).toEqual([]);
    expect(shop.users.failed()).toEqual([]);
    expect(shop.trail.statuses.some(({ status }) => status.hold?.reason === 'RouteContested')).toBe(false);
  });

  test('a rule that is inserted before ours in mid-release stays', async () => {
    const shop = await started(stand, 'inserted');
    await reached(shop, 'Watching', 5);
    const match = { path: { type: 'PathPrefix', value: '/new' } };
    const fresh: RouteRule = { matches: [match], backendRefs: [{ name: shop.stable, port: 80 }] };
    const present = stand.route(shop.name).spec.rules ?? [];
    stand.edit(kinds.httpRoute, shop.name, { spec: { rules: [fresh, ...present] } });
    await ended(shop, 'Promoted');
    await shop.close();
    const rules = stand.route(shop.name).spec.rules ?? [];
    expect(rules).toMatchObject([fresh, { backendRefs: [{ name: shop.stable, weight: 1 }] }]);
    expect(rules.map(({ backendRefs = [] }) => backendRefs.length)).toEqual([1, 1]);
    expect(shareProblems(shop)).toEqual([]);
    expect(shop.users.failed()).toEqual([]);
  });
});
