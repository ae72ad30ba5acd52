import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import {
  type Mode,
  type ShopOptions,
  answersAfterRetreat,
  ended,
  openShop,
  shareProblems,
  yours,
  moreAnswers,
  podsOf,
} from './release.ts';
import { type Stand, openStand } from './stand.ts';

let stand: Stand;
beforeAll(async () => {
  stand = await openStand();
  await stand.startEngine();
});
afterAll(async () => stand.close());

const modes: Mode[] = ['targetRef', 'backends'];
const parents: [string, Pick<ShopOptions, 'mesh' | 'group'>][] = [
  ['gateway', {}],
  ['mesh', { mesh: true }],
  ['mesh-core', { mesh: true, group: 'core' }],
];

describe.concurrent('what clients get', () => {
  for (const mode of modes) {
    for (const [parent, how] of parents) {
      test(`a good version through a ${parent} parent with ${mode} is promoted with the shares asked for and no failed request`, async () => {
        const shop = await openShop(stand, `good-${parent}-${mode.toLowerCase()}`, { mode, ...how });
        await shop.guard();
        if (mode === 'targetRef') shop.push('shop:v2');
        await ended(shop, 'Promoted');
        await moreAnswers(shop, 50);
        await shop.close();
        expect(shareProblems(shop)).toEqual([]);
        expect(shop.users.failed()).toEqual([]);
        expect(shop.users.answers.at(-1)?.version).toBe('v2');
      });

      test(`a bad version through a ${parent} parent with ${mode} is rolled back and answers nobody any more`, async () => {
        const image = 'shop:v2-err50';
        const shop = await openShop(stand, `bad-${parent}-${mode.toLowerCase()}`, { mode, ...how, image });
        const pods = podsOf(stand, shop.stable);
        const before = [yours(stand.deployment(shop.stable)), yours(stand.get(kinds.service, shop.stable))];
        const route = yours(stand.route(shop.name));
        await shop.guard();
        if (mode === 'targetRef') shop.push(image);
        await ended(shop, 'RolledBack');
        await moreAnswers(shop, 100);
        await shop.close();
        expect(answersAfterRetreat(shop, 'v2')).toEqual([]);
        expect(shop.users.failed().filter(({ version }) => version !== 'v2')).toEqual([]);
        expect(shop.users.failed().length).toBeGreaterThan(0);
        expect(shop.users.answers.at(-1)?.version).toBe('v1');
        expect(yours(stand.route(shop.name))).toEqual(route);
        expect(podsOf(stand, shop.stable)).toEqual(pods);
        if (mode === 'backends') {
          expect([yours(stand.deployment(shop.stable)), yours(stand.get(kinds.service, shop.stable))]).toEqual(before);
        }
      });
    }
  }
});
