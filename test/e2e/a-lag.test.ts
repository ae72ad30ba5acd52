import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import { type Mode, ended, moreAnswers, openShop, reached, shareProblems, yours } from './release.ts';
import { type Stand, namespace, openStand } from './stand.ts';

const lagging = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: slow, namespace: ${namespace}, annotations: {sandbox.linnet.dev/lag: 5s}}
spec:
  gatewayClassName: linnet-sandbox
  listeners: [{name: http, port: 80, protocol: HTTP}]
`;

let stand: Stand;
beforeAll(async () => {
  stand = await openStand();
  stand.apply(lagging);
  await stand.startEngine();
});
afterAll(async () => stand.close());

const modes: Mode[] = ['targetRef', 'backends'];

describe.concurrent('a gateway whose data plane is five seconds behind its word', { timeout: 110_000 }, () => {
  for (const mode of modes) {
    test(`loses no request of a promotion with ${mode}`, async () => {
      const shop = await openShop(stand, `good-${mode.toLowerCase()}`, { mode, gateway: 'slow' });
      await shop.guard();
      if (mode === 'targetRef') shop.push('shop:v2');
      await ended(shop, 'Promoted');
      await moreAnswers(shop, 300);
      await shop.close();
      expect(shop.users.failed()).toEqual([]);
      expect(shareProblems(shop, { lagMs: 5_200 })).toEqual([]);
      expect(shop.users.answers.at(-1)?.version).toBe('v2');
    });

    test(`loses no request of a rollback with ${mode} but those that the bad version answers`, async () => {
      const image = 'shop:v2-err50';
      const shop = await openShop(stand, `bad-${mode.toLowerCase()}`, { mode, gateway: 'slow', image });
      const route = yours(stand.route(shop.name));
      await shop.guard();
      if (mode === 'targetRef') shop.push(image);
      await ended(shop, 'RolledBack');
      await moreAnswers(shop, 300);
      await shop.close();
      expect(shop.users.failed().filter(({ version }) => version !== 'v2')).toEqual([]);
      expect(yours(stand.route(shop.name))).toEqual(route);
    });

    test(`loses no request of an abort at 100 with ${mode}`, async () => {
      const shop = await openShop(stand, `abort-${mode.toLowerCase()}`, { mode, gateway: 'slow' });
      await shop.guard();
      if (mode === 'targetRef') shop.push('shop:v2');
      await reached(shop, 'Observing', 100);
      const annotations = { 'command.linnet.dev/stop': JSON.stringify({ verb: 'abort' }) };
      stand.edit(kinds.canary, shop.name, { metadata: { annotations } });
      await ended(shop, 'Aborted');
      await moreAnswers(shop, 300);
      await shop.close();
      expect(shop.users.failed()).toEqual([]);
      expect(shop.users.answers.at(-1)?.version).toBe('v1');
    });
  }
});
