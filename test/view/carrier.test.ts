import { describe, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import type { Carrier } from '../../src/decide/view.ts';
import { type Shop, aRelease } from '../effects/release.ts';

async function carrierOf(shop: Shop): Promise<Carrier | undefined> {
  const { look } = await shop.decideNext();
  return look.view.carrier;
}

const containers = (image: string, more = {}) => ({
  spec: { template: { spec: { containers: [{ name: 'shop', image, ...more }] } } },
});

describe('the canary Deployment', () => {
  test('is seen as the revision that it was made for, although its labels are others', async () => {
    const shop = await aRelease();
    expect((await carrierOf(shop))?.digest).toBe(shop.canary().status?.release?.digest);
  });

  test.each([
    ['image', containers('shop:other')],
    ['arguments', containers('shop:v1', { args: ['--fast'] })],
    ['environment', containers('shop:v1', { env: [{ name: 'MODE', value: 'fast' }] })],
  ])('is another revision once somebody has changed its %s', async (_what, change) => {
    const shop = await aRelease();
    shop.edit(kinds.deployment, 'shop-canary', change);
    expect((await carrierOf(shop))?.digest).not.toBe(shop.canary().status?.release?.digest);
  });

  test('is the same revision with what a webhook adds beside', async () => {
    const shop = await aRelease();
    shop.edit(kinds.deployment, 'shop-canary', {
      spec: { template: { metadata: { annotations: { injected: 'yes' } } } },
    });
    expect((await carrierOf(shop))?.digest).toBe(shop.canary().status?.release?.digest);
  });

  test('is still the revision that it was made for when a newer template waits', async () => {
    const shop = await aRelease();
    const digest = shop.canary().status?.release?.digest;
    shop.edit(kinds.deployment, 'shop', containers('shop:v3'));
    expect((await carrierOf(shop))?.digest).toBe(digest);
  });
});
