import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import { canaryUidLabel } from '../../src/api/names.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import { type Mode, type Shop, deleted, managers, moreAnswers, openShop, reached, yours } from './release.ts';
import { type Stand, namespace, openStand, until } from './stand.ts';

let stand: Stand;
beforeAll(async () => {
  stand = await openStand({ delays: { readyMs: 1_000 } });
  await stand.startEngine();
});
afterAll(async () => stand.close());

/** When a Canary is deleted: what is waited for first, and the version that has the traffic in the end. */
const moments: [string, Mode, (shop: Shop) => Promise<void>, string][] = [
  ['5', 'targetRef', (shop) => reached(shop, 'Watching', 5), 'v1'],
  ['50', 'targetRef', (shop) => reached(shop, 'Watching', 50), 'v1'],
  ['100', 'targetRef', (shop) => reached(shop, 'Watching', 100), 'v1'],
  ['drain', 'targetRef', (shop) => reached(shop, 'DrainingStable', 100), 'v1'],
  ['roll-out', 'targetRef', (shop) => reached(shop, 'RollingOut', 100), 'v2'],
  ['return', 'targetRef', (shop) => returning(shop), 'v2'],
  ['5', 'backends', (shop) => reached(shop, 'Watching', 5), 'v1'],
  ['50', 'backends', (shop) => reached(shop, 'Watching', 50), 'v1'],
  ['100', 'backends', (shop) => reached(shop, 'Watching', 100), 'v1'],
];

async function returning(shop: Shop): Promise<void> {
  await until(
    `${shop.name} is on its way back`,
    () => shop.status()?.release?.leg === 'return' && shop.status()?.canaryWeight === 50,
    () => shop.status(),
    60_000,
  );
}

describe.concurrent('deletion in the foreground', { timeout: 110_000 }, () => {
  for (const [moment, mode, wait, version] of moments) {
    test(`at ${moment} with ${mode} loses no request and leaves nothing behind`, async () => {
      const shop = await openShop(stand, `at-${moment}-${mode.toLowerCase()}`, { mode, perSecond: 40 });
      const before = [yours(stand.route(shop.name)), yours(stand.get(kinds.service, shop.stable))];
      await shop.guard();
      const { uid = '' } = stand.canary(shop.name).metadata;
      if (mode === 'targetRef') shop.push('shop:v2');
      await wait(shop);
      await deleted(stand, shop);
      await until(
        `all users of ${shop.name} get ${version}`,
        () => shop.users.answers.slice(-30).every((answer) => answer.version === version),
        () => shop.users.answers.slice(-30),
      );
      await moreAnswers(shop, 60);
      await until(
        `objects of ${shop.name} are gone`,
        () => ofLinnet(uid).length === 0,
        () => ofLinnet(uid),
      );
      await shop.close();
      expect(shop.users.failed()).toEqual([]);
      expect([yours(stand.route(shop.name)), yours(stand.get(kinds.service, shop.stable))]).toEqual(before);
      for (const object of [stand.route(shop.name), stand.deployment(shop.stable)]) {
        expect(managers(object)).not.toContain('linnet');
      }
      // What was not released waits; what was let go has been rolled.
      const waits = mode === 'targetRef' && version === 'v1';
      expect(stand.deployment(shop.stable).spec.paused).toBe(waits ? true : undefined);
    });
  }

  test('of the whole namespace comes to an end in mid-release', async () => {
    const own = await openStand();
    try {
      await own.startEngine();
      const shop = await openShop(own, 'vanishing', { mode: 'targetRef', perSecond: 20 });
      await shop.guard();
      shop.push('shop:v2');
      await reached(shop, 'Watching', 5);
      await shop.close();
      const { store } = own.sandbox;
      store.delete({ kind: kinds.namespace, name: namespace });
      const left = () => store.list(kinds.namespace).items.filter(({ metadata }) => metadata.name === namespace);
      await until('the namespace is gone', () => left().length === 0, left);
    } finally {
      await own.close();
    }
  });
});

/** Objects that carry a Canary's uid. */
function ofLinnet(uid: string): string[] {
  const { store } = stand.sandbox;
  return store
    .kinds()
    .flatMap((kind) => store.list(kind, kind.namespaced ? { namespace } : {}).items)
    .filter((object: KubeObject) => object.metadata.labels?.[canaryUidLabel] === uid)
    .map((object) => `${object.kind} ${object.metadata.name}`);
}
