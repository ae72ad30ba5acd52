import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import {
  createApp,
  createClass,
  createGateway,
  createRoute,
  newSandbox,
  sample,
  send,
  setWeights,
  until,
  user,
  verdicts,
} from './gateway-sandbox.ts';

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await newSandbox();
  createClass(sandbox.store);
});
afterEach(() => sandbox.close());

async function serving(name = 'shop'): Promise<string> {
  await until(`route ${name} accepted`, () =>
    verdicts(sandbox.store, name).every((verdict) => verdict === 'True/True'),
  );
  await until('the gateway listens', () => sandbox.gatewayAddress('default', 'web') !== undefined);
  const address = sandbox.gatewayAddress('default', 'web') ?? '';
  await until(
    'requests are answered',
    async () => (await send(address)).code === 200,
    () => verdicts(sandbox.store, name),
  );
  return address;
}

function weights(stable: number, canary: number) {
  return {
    rules: [
      {
        backendRefs: [
          { name: 'shop', port: 80, weight: stable },
          { name: 'shop-canary', port: 80, weight: canary },
        ],
      },
    ],
  };
}

test('a gateway divides requests among two versions exactly as the weights say, and follows when they change', async () => {
  createApp(sandbox.store, 'shop', 'shop:v1');
  createApp(sandbox.store, 'shop-canary', 'shop:v2');
  createGateway(sandbox.store);
  createRoute(sandbox.store, 'shop', weights(95, 5));
  const address = await serving();
  await until('both versions answer', async () => Object.keys(await sample(address, 20)).join() === '200 v1,200 v2');
  expect(await sample(address, 200)).toEqual({ '200 v1': 190, '200 v2': 10 });
  setWeights(sandbox.store, 'shop', { shop: 0, 'shop-canary': 100 });
  await until('v2 answers alone', async () => (await sample(address, 5))['200 v2'] === 5);
});

test('replacing all pods in a rolling update fails no request', async () => {
  createApp(sandbox.store, 'shop', 'shop:v1', { replicas: 3 });
  createGateway(sandbox.store);
  createRoute(sandbox.store, 'shop', { rules: [{ backendRefs: [{ name: 'shop', port: 80 }] }] });
  const address = await serving();
  const template = {
    spec: { containers: [{ name: 'app', image: 'shop:v2', ports: [{ name: 'web', containerPort: 8080 }] }] },
  };
  sandbox.store.patch(
    { kind: kinds.deployment, namespace: 'default', name: 'shop' },
    { type: 'merge', body: { spec: { template } } },
    user,
  );
  const seen: Record<string, number> = {};
  await until('only v2 answers', async () => {
    const now = await sample(address, 50);
    for (const [key, count] of Object.entries(now)) seen[key] = (seen[key] ?? 0) + count;
    return now['200 v2'] === 50 && sandbox.workloads.running().size === 3;
  });
  expect(Object.keys(seen).toSorted()).toEqual(['200 v1', '200 v2']);
});

test('a gateway that lags still sends requests to pods that are gone, and they fail', async () => {
  createApp(sandbox.store, 'shop', 'shop:v1');
  createApp(sandbox.store, 'shop-canary', 'shop:v2');
  createGateway(sandbox.store, { annotations: { 'sandbox.linnet.dev/lag': '2s' } });
  createRoute(sandbox.store, 'shop', weights(0, 100));
  const address = await serving();
  setWeights(sandbox.store, 'shop', { shop: 100, 'shop-canary': 0 });
  await until('accepted', () => verdicts(sandbox.store, 'shop').join() === 'True/True');
  expect(await sample(address, 10)).toEqual({ '200 v2': 10 });
  sandbox.store.delete({ kind: kinds.deployment, namespace: 'default', name: 'shop-canary' });
  await until('requests fail', async () => (await sample(address, 1))['503'] === 1);
  await until('the weights have arrived', async () => (await sample(address, 10))['200 v1'] === 10);
});

test('a backend without ready pods gives 503, a missing one 500, no weight at all 500, no rule 404', async () => {
  createApp(sandbox.store, 'shop', 'shop:v1-notready');
  createApp(sandbox.store, 'ok', 'shop:v1');
  createGateway(sandbox.store);
  const path = (value: string) => [{ path: { type: 'PathPrefix', value } }];
  createRoute(sandbox.store, 'shop', {
    rules: [
      { matches: path('/ok'), backendRefs: [{ name: 'ok', port: 80 }] },
      { matches: path('/notready'), backendRefs: [{ name: 'shop', port: 80 }] },
      { matches: path('/missing'), backendRefs: [{ name: 'nobody', port: 80 }] },
      { matches: path('/none'), backendRefs: [{ name: 'ok', port: 80, weight: 0 }] },
    ],
  });
  await until('the gateway listens', () => sandbox.gatewayAddress('default', 'web') !== undefined);
  const address = sandbox.gatewayAddress('default', 'web') ?? '';
  await until('requests are answered', async () => (await send(address, '/ok')).code === 200);
  const codes = await Promise.all(
    ['/ok/x', '/okay', '/notready', '/missing', '/none'].map(async (at) => (await send(address, at)).code),
  );
  expect(codes).toEqual([200, 404, 503, 500, 500]);
  expect(verdicts(sandbox.store, 'shop')).toEqual(['True/BackendNotFound']);
});

test('pods fail, are slow or hang as their image says, and a hanging one is given up after the time-out', async () => {
  createApp(sandbox.store, 'shop', 'shop:v3-err50-slow100', { replicas: 1 });
  createApp(sandbox.store, 'stuck', 'shop:v4-hang', { replicas: 1 });
  createGateway(sandbox.store);
  createRoute(sandbox.store, 'shop', {
    rules: [
      {
        matches: [{ path: { value: '/stuck' } }],
        backendRefs: [{ name: 'stuck', port: 80 }],
        timeouts: { request: '300ms' },
      },
      { backendRefs: [{ name: 'shop', port: 80 }] },
    ],
  });
  const address = await serving();
  const started = performance.now();
  expect(await sample(address, 10)).toEqual({ '200 v3': 5, '500 v3': 5 });
  expect(performance.now() - started).toBeGreaterThan(950);
  await until('the stuck pod is ready', async () => (await send(address, '/stuck')).code === 504);
});

test('requests to a Service go to its own pods, and where a route has it as parent, as the route says', async () => {
  createApp(sandbox.store, 'shop', 'shop:v1');
  createApp(sandbox.store, 'shop-canary', 'shop:v2');
  await until('the client proxy listens', () => sandbox.meshAddress('default', 'shop') !== undefined);
  const address = sandbox.meshAddress('default', 'shop') ?? '';
  await until('pods answer', async () => (await sample(address, 4))['200 v1'] === 4);
  createRoute(sandbox.store, 'shop', {
    parentRefs: [{ group: '', kind: 'Service', name: 'shop', port: 80 }],
    ...weights(50, 50),
  });
  await until('both versions answer', async () => (await sample(address, 10))['200 v2'] === 5);
  expect(verdicts(sandbox.store, 'shop')).toEqual(['True/True']);
});

test('a request with a body is passed on, header filters work and a client that goes away harms nobody', async () => {
  createApp(sandbox.store, 'shop', 'shop:v1-slow50', { replicas: 1 });
  createGateway(sandbox.store);
  createRoute(sandbox.store, 'shop', {
    rules: [
      {
        matches: [{ path: { value: '/old' } }],
        filters: [
          {
            type: 'RequestRedirect',
            requestRedirect: { statusCode: 301, path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' } },
          },
        ],
      },
      {
        filters: [
          { type: 'ResponseHeaderModifier', responseHeaderModifier: { set: [{ name: 'X-Sandbox', value: 'yes' }] } },
        ],
        backendRefs: [{ name: 'shop', port: 80 }],
      },
    ],
  });
  const address = await serving();
  const posted = await send(address, '/', { method: 'POST', body: 'x'.repeat(100_000) });
  expect([posted.code, posted.headers['x-sandbox']]).toEqual([200, 'yes']);
  const redirected = await send(address, '/old/a?b=1', { headers: { host: 'shop.example' } });
  expect([redirected.code, redirected.headers['location']]).toEqual([301, 'http://shop.example/new/a?b=1']);
  const aborted = new AbortController();
  const gone = fetch(`http://${address}/`, { signal: aborted.signal }).catch(() => 'gone');
  setTimeout(() => aborted.abort(), 20);
  expect(await gone).toBe('gone');
  expect(await sample(address, 3)).toEqual({ '200 v1': 3 });
  const page = await (await fetch(sandbox.gatewayMetricsUrl)).text();
  expect(page).toMatch(/istio_requests_total\{.*response_code="0",response_flags="DC".*\} 1/);
});

test('pods are reached although something else on the machine has their port', async () => {
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(0, '0.0.0.0', resolve));
  try {
    const { port } = squatter.address() as AddressInfo;
    createApp(sandbox.store, 'shop', 'shop:v1', { port });
    await until('the pods answer', async () => {
      const address = sandbox.meshAddress('default', 'shop');
      return address !== undefined && (await send(address)).version === 'v1';
    });
  } finally {
    squatter.close();
  }
});

test('closing the sandbox leaves no server', async () => {
  createApp(sandbox.store, 'shop', 'shop:v1');
  createGateway(sandbox.store);
  createRoute(sandbox.store, 'shop', { rules: [{ backendRefs: [{ name: 'shop', port: 80 }] }] });
  const address = await serving();
  const servers = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;
  expect(servers()).toBeGreaterThan(4);
  await sandbox.close();
  await until('all servers are closed', () => servers() === 0, servers);
  expect((await send(address)).code).toBe(0);
});
