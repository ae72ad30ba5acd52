import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import type { Fault } from '../../src/sandbox/http/api-server/faults.ts';
import { deploymentNamed, type SandboxApi, startSandboxApi } from '../tools/sandbox-api.ts';

let api: SandboxApi;
afterEach(() => api.close());

const deployments = '/apis/apps/v1/namespaces/default/deployments';

/** Whether the Deployment is in the store. */
function isStored(name: string): boolean {
  return api.store.list(api.kind('Deployment'), { fieldSelector: `metadata.name=${name}` }).items.length === 1;
}

/** Starts a server on which creations meet a fault before they are handled, or after. */
async function start(fault: { before?: Fault; after?: Fault }): Promise<void> {
  api = await startSandboxApi({
    intercept: (request) => (request.verb === 'create' ? fault.before : undefined),
    afterWrite: () => fault.after,
  });
}

test('an answer put in the place of the real one leaves the store as it was', async () => {
  await start({
    before: { answer: { code: 429, headers: { 'retry-after': '1' }, body: { kind: 'Status', code: 429 } } },
  });
  const answer = await api.call('POST', deployments, deploymentNamed('shop'));
  expect(answer).toMatchObject({ code: 429, body: { code: 429 } });
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(isStored('shop')).toBe(false);
});

test('a connection reset before the request is handled leaves the store as it was', async () => {
  await start({ before: { reset: true } });
  await expect(api.call('POST', deployments, deploymentNamed('shop'))).rejects.toThrow('fetch failed');
  expect(isStored('shop')).toBe(false);
});

test('a reply lost after the write leaves the object in the store', async () => {
  await start({ after: { reset: true } });
  await expect(api.call('POST', deployments, deploymentNamed('shop'))).rejects.toThrow('fetch failed');
  expect(isStored('shop')).toBe(true);
});

test('a torn reply is seen as broken by the client', async () => {
  await start({ after: { tear: { bytes: 20, end: 'reset' } } });
  await expect(api.call('POST', deployments, deploymentNamed('shop'))).rejects.toThrow('terminated');
  expect(isStored('shop')).toBe(true);
});

test('a hanging request ends with the server', async () => {
  await start({ before: { hang: true } });
  const hanging = expect(api.call('POST', deployments, deploymentNamed('shop'))).rejects.toThrow();
  await api.call('GET', '/readyz');
  await api.close();
  await hanging;
});

test('a torn watch goes silent in the middle of a line and stays open', async () => {
  api = await startSandboxApi({
    intercept: ({ verb }) => (verb === 'watch' ? { tear: { bytes: 30, end: 'hang' } } : undefined),
  });
  const controller = new AbortController();
  const watch = await fetch(`${api.url}${deployments}?watch=1`, { signal: controller.signal });
  await api.call('POST', deployments, deploymentNamed('shop'));
  await api.call('POST', deployments, deploymentNamed('other'));
  const { value } = (await watch.body?.getReader().read()) ?? {};
  expect(new TextDecoder().decode(value)).toHaveLength(30);
  controller.abort();
});

test('a delayed request is answered as usual', async () => {
  await start({ before: { delayMs: 50 } });
  const startedAt = performance.now();
  expect((await api.call('POST', deployments, deploymentNamed('shop'))).code).toBe(201);
  expect(performance.now() - startedAt).toBeGreaterThan(45);
});

test('no request, however odd, brings the server down or makes it fail inside', async () => {
  api = await startSandboxApi();
  const segment = fc.constantFrom(
    'api',
    'apis',
    'v1',
    'apps',
    'namespaces',
    'default',
    'pods',
    'deployments',
    'status',
    'scale',
    'shop',
    '..',
    '%2F',
    '%',
    '{}',
    '__proto__',
    'openapi',
    'v3',
  );
  const query = fc.constantFrom(
    '',
    '?watch=1&timeoutSeconds=x',
    '?labelSelector=((',
    '?fieldSelector=%25',
    '?dryRun=x',
    '?limit=-1&continue=z',
    '?fieldValidation=No',
    '?watch=true&resourceVersion=-5&timeoutSeconds=1',
    '?resourceVersion=999999999',
  );
  const body = fc.oneof(
    fc.json(),
    fc.string(),
    fc.constantFrom(
      '[]',
      'null',
      '{"metadata":5}',
      '{"metadata":{"name":null,"labels":[]}}',
      '{"__proto__":{}}',
      '[{"op":"add"}]',
      'k8s\0\u00ff\u00ff',
    ),
  );
  const type = fc.constantFrom(
    'application/json',
    'application/yaml',
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/strategic-merge-patch+json',
    'application/apply-patch+yaml',
    'application/vnd.kubernetes.protobuf',
    '',
  );
  await api.call('POST', deployments, deploymentNamed('shop'));
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE');
  const path = fc.array(segment, { maxLength: 7 });
  await fc.assert(
    fc.asyncProperty(fc.record({ method, path, query, body, type }), async (odd) => {
      const url = new URL(`${api.url}/${odd.path.join('/')}${odd.query}`);
      const response = await fetch(url, {
        method: odd.method,
        headers: { 'content-type': odd.type, accept: 'application/json' },
        ...(odd.method === 'GET' ? {} : { body: odd.body }),
        signal: AbortSignal.timeout(5_000),
      });
      expect(response.status, `${odd.method} ${url.href} ${odd.body}`).not.toBe(500);
      await response.body?.cancel();
    }),
    { numRuns: 500 },
  );
  expect((await api.call('GET', '/readyz')).code).toBe(200);
});
