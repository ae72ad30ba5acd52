import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import { commandPrefix } from '../../src/api/names.ts';
import { systemClock } from '../../src/system.ts';
import { type Shop, type ShopOptions, openShop } from './b-shop.ts';
import { type Stand, openStand } from './stand.ts';

/** The application's own metrics tell no share, so that a release need not wait for a check to see it. */
const unseenShare = { provider: 'app' };

let stand: Stand;
const shops: Shop[] = [];

beforeAll(async () => {
  stand = await openStand();
  await stand.startEngine({ settings: { checkPeriodMs: 60_000 } });
});
afterAll(async () => {
  await Promise.all(shops.map((shop) => shop.stop()));
  await stand.close();
});

async function released(name: string, options: ShopOptions = {}): Promise<Shop> {
  const shop = await openShop(stand, name, { perSecond: 10, spec: unseenShare, ...options });
  shops.push(shop);
  await shop.release();
  return shop;
}

/** Gives a command and waits until it has its effect. @returns milliseconds that took */
async function given(shop: Shop, id: string, request: object, effect: Parameters<Shop['reaches']>[1]): Promise<number> {
  const start = systemClock.monotonic();
  shop.command(id, request);
  await shop.reaches(`effect of ${id}`, (status) => status.lastCommand?.id === id && effect(status));
  return systemClock.monotonic() - start;
}

/** Answers in the order in which they were stored, each once however often it was stored again. */
function answers(shop: Shop): string[] {
  const ids = shop.stored.flatMap(({ object }) => object.status?.lastCommand?.id ?? []);
  return ids.filter((id, at) => id !== ids[at - 1]);
}

function requests(shop: Shop): string[] {
  return Object.keys(stand.canary(shop.name).metadata.annotations ?? {}).filter((key) => key.startsWith(commandPrefix));
}

describe('With checks looked at every 60 seconds', () => {
  test('20 of 20 commands take effect within 10 seconds, once each', async () => {
    const sent = ['1-pause', '2-resume', '3-promote', '4-abort', '5-retry'];
    const runs = await Promise.all(
      ['one', 'two', 'three', 'four'].map(async (name) => {
        const shop = await released(name);
        await shop.reaches('the first step', ({ stage, canaryWeight }) => stage === 'Watching' && canaryWeight === 20);
        const { revision = '' } = shop.status();
        const by = 'a tester';
        const took = [
          await given(shop, '1-pause', { verb: 'pause', by, reason: 'lunch' }, ({ paused }) => paused?.by === by),
          await given(shop, '2-resume', { verb: 'resume' }, ({ paused }) => paused === undefined),
          await given(shop, '3-promote', { verb: 'promote', revision }, ({ canaryWeight }) => canaryWeight === 50),
          await given(
            shop,
            '4-abort',
            { verb: 'abort', attempt: 1 },
            ({ canaryWeight, release, history }) =>
              canaryWeight === 0 && (release?.retreat?.outcome ?? history?.[0]?.outcome) === 'Aborted',
          ),
        ];
        await shop.reaches('rest', ({ stage }) => stage === 'Resting');
        took.push(await given(shop, '5-retry', { verb: 'retry', revision }, ({ attempt }) => attempt === 2));
        return { shop, took };
      }),
    );
    const all = runs.flatMap(({ took }) => took);
    expect(all).toHaveLength(20);
    expect(Math.max(...all)).toBeLessThan(10_000);
    for (const { shop } of runs) {
      expect(answers(shop)).toEqual(sent);
      expect(requests(shop)).toEqual([]);
      // Five commands and two beginnings take some forty writes; more would be a loop.
      expect(shop.stored.length).toBeLessThan(80);
      const accepted = shop.stored.map(({ object }) => object.status?.canaryWeight ?? 0);
      const firstAttempt = accepted.filter((weight, at) => weight !== accepted[at - 1]).slice(0, 4);
      expect(firstAttempt).toEqual([0, 20, 50, 0]);
      expect(shop.status().history).toHaveLength(1);
      expect(shop.users?.failed()).toEqual([]);
    }
  });

  test('what cannot be done is refused with the reason, and the request is removed', async () => {
    const shop = await released('refusing');
    await shop.reaches('the first step', ({ stage }) => stage === 'Watching');
    const { revision = '' } = shop.status();
    const cases: [id: string, request: object | string, says: RegExp][] = [
      [
        'revision',
        { verb: 'promote', revision: 'deadbeef00' },
        /for revision deadbeef00; the present one is [0-9a-f]{10}\./,
      ],
      ['abort-revision', { verb: 'abort', revision: 'deadbeef00' }, /for revision deadbeef00; the present one is/],
      ['attempt', { verb: 'abort', attempt: 7 }, /for attempt 7; the present one is 1\./],
      ['unnamed', { verb: 'promote' }, /promote must name the revision; the present one is [0-9a-f]{10}\./],
      ['verb', { verb: 'explode' }, /verb "explode" is not one of promote, abort, pause, resume, retry\./],
      ['no-verb', {}, /verb is missing/],
      ['no-json', 'abort', /not JSON/],
      ['list', '["abort"]', /not JSON such as/],
      ['long', { verb: 'abort', reason: 'x'.repeat(3000) }, /more than 2048 characters/],
      ['prototype', '{"__proto__": {"verb": "abort"}}', /verb is missing/],
      ['resume', { verb: 'resume' }, /Nothing is paused/],
      ['retry', { verb: 'retry', revision }, /An attempt is under way/],
    ];
    for (const [id, request, says] of cases) {
      shop.command(id, request);
      await shop.reaches(`answer to ${id}`, ({ lastCommand }) => lastCommand?.id === id);
      expect(shop.status().lastCommand).toMatchObject({ result: 'refused', message: expect.stringMatching(says) });
      await shop.reaches(`${id} removed`, () => requests(shop).length === 0);
    }
    expect(shop.status()).toMatchObject({ attempt: 1, canaryWeight: 20, stage: 'Watching' });
    expect(shop.status().release?.retreat).toBeUndefined();
  });

  test('an abort goes before a promote that was asked first', async () => {
    const shop = await released('both');
    await shop.reaches('the first step', ({ stage }) => stage === 'Watching');
    const { revision = '' } = shop.status();
    stand.edit(kinds.canary, shop.name, {
      metadata: {
        annotations: {
          [`${commandPrefix}a`]: JSON.stringify({ verb: 'promote', revision, full: true }),
          [`${commandPrefix}z`]: JSON.stringify({ verb: 'abort' }),
        },
      },
    });
    await shop.reaches('end', ({ history }) => history?.[0]?.outcome === 'Aborted');
    await shop.reaches('requests removed', () => requests(shop).length === 0);
    expect(answers(shop)).toEqual(['z', 'a']);
    expect(shop.status().lastCommand).toMatchObject({ id: 'a', result: 'refused' });
    expect(Math.max(...shop.stored.map(({ object }) => object.status?.intent?.weight ?? 0))).toBe(20);
  });

  test('promote full goes to 100 at once and the release ends promoted', async () => {
    const shop = await released('full', { replicas: 1 });
    await shop.reaches('the first step', ({ stage }) => stage === 'Watching');
    const { revision = '' } = shop.status();
    const took = await given(shop, 'full', { verb: 'promote', revision, full: true }, (s) => s.canaryWeight === 100);
    expect(took).toBeLessThan(10_000);
    await shop.reaches('end', ({ history }) => history?.[0]?.outcome === 'Promoted');
    const asked = shop.stored.flatMap(({ object }) => object.status?.intent?.weight ?? []);
    expect([...new Set(asked)]).toEqual([0, 20, 100]);
    expect(shop.users?.failed()).toEqual([]);
  });

  test('an abort after the point of no return is answered so, and the carrier keeps the traffic', async () => {
    const shop = await released('late', {
      mode: 'targetRef',
      replicas: 1,
      spec: { ...unseenShare, skipAnalysis: true },
    });
    await shop.reaches('the point of no return', ({ stage }) => stage === 'RollingOut');
    shop.command('late', { verb: 'abort', by: 'somebody late' });
    await shop.reaches('answer', ({ lastCommand }) => lastCommand?.id === 'late');
    expect(shop.status().lastCommand?.message).toMatch(/^Committed/);
    await shop.reaches('hold', ({ hold }) => hold?.reason === 'Paused');
    expect(shop.status()).toMatchObject({ canaryWeight: 100, release: { leg: 'return' } });
    expect(shop.users?.failed()).toEqual([]);
    shop.command('on', { verb: 'resume' });
    await shop.reaches('promotion', ({ history }) => history?.[0]?.outcome === 'Promoted');
    expect(shop.users?.failed()).toEqual([]);
  });
});
