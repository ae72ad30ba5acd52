import { describe, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import { openShop } from '../effects/release.ts';
import { canary, deployment, route, service } from './manifests.ts';

const backends = canary('', 'backends: {stable: {name: shop, port: 80}, canary: {name: next, port: 80}}');

/** Two versions that both run, and a route that splits between them. */
function shopWith(weights: { shop: number; next: number }) {
  const refs = [
    { name: 'shop', weight: weights.shop },
    { name: 'next', weight: weights.next },
  ];
  const more = [deployment('next', { image: 'shop:v2' }), service('next')];
  const shop = openShop({ canary: backends, route: route('shop', refs), more });
  const { generation } = shop.deployment('next').metadata;
  shop.report(kinds.deployment, 'next', { observedGeneration: generation, updatedReplicas: 4 });
  shop.ready('next', 4);
  return shop;
}

const readyOf = (shop: ReturnType<typeof shopWith>) =>
  shop.canary().status?.conditions?.find(({ type }) => type === 'Ready');

describe('a route that is split between the backends already', () => {
  test('refuses the release, says what to do, and is left as it is', async () => {
    const shop = shopWith({ shop: 50, next: 50 });
    const before = shop.route();
    await shop.settle();
    expect(readyOf(shop)).toMatchObject({
      status: 'False',
      reason: 'SplitAtStart',
      message: expect.stringMatching(
        /HTTPRoute shop: rules\[0\] gives next weight 50 already.*give it the weight of both/,
      ),
    });
    expect(shop.canary().status?.release).toBeUndefined();
    expect(shop.route()).toEqual(before);
  });

  test('is released once stable has all of the weight', async () => {
    const shop = shopWith({ shop: 50, next: 50 });
    await shop.settle();
    const given = [
      { name: 'shop', port: 80, weight: 100 },
      { name: 'next', port: 80, weight: 0 },
    ];
    shop.edit(kinds.httpRoute, 'shop', { spec: { rules: [{ backendRefs: given }] } });
    shop.accept();
    await shop.settle();
    expect(readyOf(shop)).toMatchObject({ status: 'True' });
    expect(shop.canary().status).toMatchObject({ attempt: 1, release: { full: 4 } });
  });

  test('is no obstacle to the release that has made the split', async () => {
    const shop = shopWith({ shop: 100, next: 0 });
    await shop.settle();
    shop.accept();
    await shop.settle();
    shop.accept();
    await shop.settle();
    expect(shop.route().spec.rules?.[0]?.backendRefs).toMatchObject([{ weight: 95 }, { weight: 5 }]);
    const { look } = await shop.decideNext();
    expect(look.view.problems).toEqual([]);
  });
});
