import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import {
  createApp,
  createClass,
  createGateway,
  createRoute,
  newSandbox,
  sample,
  send,
  until,
} from './gateway-sandbox.ts';

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await newSandbox();
  createClass(sandbox.store);
});
afterEach(() => sandbox.close());

/** The values of an instant query by one label, over the Prometheus HTTP API. */
async function query(text: string, label: string): Promise<Record<string, number>> {
  const answer = await fetch(`${sandbox.prometheusUrl}/api/v1/query?query=${encodeURIComponent(text)}`);
  const body = (await answer.json()) as {
    data: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  return Object.fromEntries(body.data.result.map(({ metric, value }) => [metric[label] ?? '', Number(value[1])]));
}

test('what clients got can be asked of the metrics store, at the gateway and at the pods', async () => {
  createApp(sandbox.store, 'shop', 'shop:v1');
  createApp(sandbox.store, 'shop-canary', 'shop:v2-err50');
  createGateway(sandbox.store);
  const backendRefs = [
    { name: 'shop', port: 80, weight: 80 },
    { name: 'shop-canary', port: 80, weight: 20 },
  ];
  createRoute(sandbox.store, 'shop', { rules: [{ backendRefs }] });
  const answered: Record<string, number> = { shop: 0, 'shop-canary': 0 };
  const sendSome = async (address: string, count: number) => {
    for (const [key, times] of Object.entries(await sample(address, count))) {
      const service = key.endsWith('v1') ? 'shop' : 'shop-canary';
      if (key.includes(' ')) answered[service] = (answered[service] ?? 0) + times;
    }
  };
  await until('both versions answer', async () => {
    const address = sandbox.gatewayAddress('default', 'web');
    if (address !== undefined) await sendSome(address, 5);
    return Object.values(answered).every((count) => count > 0);
  });
  await sendSome(sandbox.gatewayAddress('default', 'web') ?? '', 100);

  const atGateway = 'sum by (destination_service_name) (istio_requests_total{reporter="source",response_flags="-"})';
  const atPods = 'sum by (service) (http_requests_total{namespace="default"})';
  let seen: unknown[] = [];
  await until(
    'gateway and pods have counted what clients got',
    async () => {
      seen = [await query(atGateway, 'destination_service_name'), await query(atPods, 'service')];
      return isDeepStrictEqual(seen, [answered, answered]);
    },
    () => ({ answered, seen }),
  );
  const failures =
    'sum by (service) (http_requests_total{code=~"5.."}) / sum by (service) (http_requests_total{service="shop-canary"})';
  expect((await query(failures, 'service'))['shop-canary']).toBeCloseTo(0.5, 1);
});

test('two sandboxes run side by side, each with pods of its own', async () => {
  const other = await newSandbox();
  try {
    createClass(other.store);
    for (const [each, image] of [
      [sandbox, 'shop:a'],
      [other, 'shop:b'],
    ] as const) {
      createApp(each.store, 'shop', image, { replicas: 1 });
      await until('the pods answer', async () => {
        const address = each.meshAddress('default', 'shop');
        return address !== undefined && (await send(address)).version === image.split(':')[1];
      });
    }
  } finally {
    await other.close();
  }
});
