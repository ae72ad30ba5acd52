import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import {
  all,
  answersAfterRetreat,
  asked,
  atRest,
  ended,
  moreAnswers,
  outcomes,
  reached,
  started,
  templateWith,
} from './release.ts';
import { type Stand, openStand } from './stand.ts';

let stand: Stand;
beforeAll(async () => {
  stand = await openStand({ delays: { readyMs: 1_000 } });
  await stand.startEngine();
});
afterAll(async () => stand.close());

describe.concurrent('a third version', { timeout: 110_000 }, () => {
  for (const weight of [5, 50, 100]) {
    test(`pushed at ${weight}: back to stable first, then a fresh attempt, and nothing of the second version any more`, async () => {
      const shop = await started(stand, `third-${weight}`);
      await reached(shop, 'Watching', weight);
      shop.push('shop:v3');
      await ended(shop, 'Superseded', 1);
      await ended(shop, 'Promoted', 2);
      await moreAnswers(shop, 40);
      await shop.close();
      expect(answersAfterRetreat(shop, 'v2')).toEqual([]);
      expect(asked(shop, 1).at(-1)).toBe(0);
      expect(asked(shop, 2)).toEqual([0, 5, 50, 100, 50, 0]);
      expect(shop.users.failed()).toEqual([]);
      expect(shop.users.answers.at(-1)?.version).toBe('v3');
    });
  }

  test('behind the canary Service at 50: back to stable first, then a fresh attempt', async () => {
    const shop = await started(stand, 'third-pair', { mode: 'backends' });
    await reached(shop, 'Watching', 50);
    stand.edit(kinds.deployment, shop.canary, templateWith('shop:v3'));
    await ended(shop, 'Superseded', 1);
    await ended(shop, 'Promoted', 2);
    await shop.close();
    expect(answersAfterRetreat(shop, 'v2')).toEqual([]);
    expect(asked(shop, 1).at(-1)).toBe(0);
    expect(asked(shop, 2)).toEqual([0, 5, 50, 100]);
    expect(shop.users.failed()).toEqual([]);
  });
});

describe.concurrent('the template in mid-release', { timeout: 110_000 }, () => {
  test('put back to that of stable ends the attempt as Reverted', async () => {
    const shop = await started(stand, 'reverted');
    await reached(shop, 'Watching', 50);
    shop.push('shop:v1');
    await ended(shop, 'Reverted');
    await all(shop, 'v1');
    await atRest(stand, shop.name);
    await shop.close();
    expect(outcomes(shop)).toEqual(['Reverted']);
    expect(answersAfterRetreat(shop, 'v2')).toEqual([]);
    expect(shop.users.failed()).toEqual([]);
  });

  test('unpaused by somebody else ends the attempt as Bypassed', async () => {
    const shop = await started(stand, 'bypassed');
    await reached(shop, 'Watching', 5);
    // As kubectl rollout resume does.
    stand.edit(kinds.deployment, shop.name, { spec: { paused: null } });
    await ended(shop, 'Bypassed');
    await all(shop, 'v2');
    await atRest(stand, shop.name);
    expect(stand.deployment(shop.name).spec.paused).toBe(true);
    await shop.close();
    expect(outcomes(shop)).toEqual(['Bypassed']);
    expect(shop.users.failed()).toEqual([]);
  });
});
