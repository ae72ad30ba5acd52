import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { all, asked, ended, moreAnswers, outcomes, reached, started } from './release.ts';
import { type Stand, openStand, until } from './stand.ts';

let stand: Stand;
beforeAll(async () => {
  stand = await openStand({ delays: { readyMs: 1_000 } });
  await stand.startEngine();
});
afterAll(async () => stand.close());

describe.concurrent('a third version, once the target was let go,', { timeout: 110_000 }, () => {
  test('pushed while the target rolls out gets no traffic before a full attempt from the carrier to the target', async () => {
    const shop = await started(stand, 'roll-good');
    await reached(shop, 'RollingOut', 100);
    shop.push('shop:v3');
    await ended(shop, 'Promoted', 2);
    await moreAnswers(shop, 40);
    await shop.close();
    expect(outcomes(shop)).toEqual(['Superseded', 'Promoted']);
    expect(asked(shop, 2)).toEqual([100, 95, 50, 0]);
    const begun = shop.trail.statuses.find(({ status }) => status.attempt === 2 && status.intent?.weight === 95)?.atMs;
    expect(shop.users.by('v3').filter(({ sentMs }) => sentMs < (begun ?? 0))).toEqual([]);
    expect(shop.users.failed()).toEqual([]);
    expect(shop.users.answers.at(-1)?.version).toBe('v3');
  });

  test('that is bad, pushed while the target rolls out: the carrier keeps the traffic until a good one comes', async () => {
    const shop = await started(stand, 'roll-bad');
    await reached(shop, 'RollingOut', 100);
    shop.push('shop:v3-err50');
    await until(
      'the carrier keeps the traffic',
      () => shop.status()?.stage === 'Carrying',
      () => shop.status(),
      60_000,
    );
    await all(shop, 'v2');
    expect(outcomes(shop)).toEqual(['Superseded', 'RolledBack']);
    expect(shop.users.failed().filter(({ version }) => version !== 'v3')).toEqual([]);
    // What comes next is tried in full too: it was never analysed.
    shop.push('shop:v4');
    await ended(shop, 'Promoted', 3);
    await moreAnswers(shop, 40);
    await shop.close();
    expect(asked(shop, 3)).toEqual([100, 95, 50, 0]);
    expect(shop.users.failed().filter(({ version }) => version !== 'v3')).toEqual([]);
    expect(shop.users.answers.at(-1)?.version).toBe('v4');
  });

  test('pushed on the way back waits until the second one is promoted', async () => {
    const shop = await started(stand, 'return');
    await until(
      'it is on its way back',
      () => shop.status()?.release?.leg === 'return',
      () => shop.status(),
      60_000,
    );
    shop.push('shop:v3');
    await ended(shop, 'Promoted', 2);
    await shop.close();
    expect(outcomes(shop)).toEqual(['Promoted', 'Promoted']);
    expect(asked(shop, 2)).toEqual([0, 5, 50, 100, 50, 0]);
    expect(shop.users.failed()).toEqual([]);
  });
});
