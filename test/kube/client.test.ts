import { afterEach, describe, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import type { Deployment, KubeObject } from '../../src/api/objects.ts';
import { createKube } from '../../src/kube/client.ts';
import { type Kube, KubeError } from '../../src/ports/kube.ts';
import { systemRandom } from '../../src/system.ts';
import { deploymentNamed, type SandboxApi, startSandboxApi } from '../tools/sandbox-api.ts';
import type { Fault } from '../../src/sandbox/http/api-server/faults.ts';
import { ScriptedServer } from './scripted-server.ts';
import { type TestWire, wireTo } from './stand.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Stand {
  kube: Kube;
  api: SandboxApi;
  wire: TestWire;
  written: KubeObject[];
}

async function start(options: Parameters<typeof startSandboxApi>[0] & { timeoutMs?: number } = {}): Promise<Stand> {
  const { timeoutMs, ...ofServer } = options;
  const api = await startSandboxApi(ofServer);
  const wire = wireTo(api.url);
  ends.push(async () => {
    await wire.connection.close();
    await api.close();
  });
  const written: KubeObject[] = [];
  const onWrite = (object: KubeObject) => void written.push(object);
  const kube = createKube({
    ...wire,
    random: systemRandom,
    onWrite,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  return { kube, api, wire, written };
}

const web = { kind: kinds.deployment, namespace: 'default', name: 'web' };

/** The KubeError that the promise ends with. */
async function errorOf(promise: Promise<unknown>): Promise<KubeError> {
  const error = await promise.then(
    () => undefined,
    (it: unknown) => it,
  );
  if (error instanceof KubeError) return error;
  throw new Error(`wanted a KubeError, got ${String(error)}`);
}

describe('on an API server', () => {
  test('objects are created, read, listed by label, patched and deleted under our field manager', async () => {
    const { kube, wire, written } = await start();
    expect(await kube.get(web)).toBeUndefined();
    const created = await kube.create(kinds.deployment, deploymentNamed('web'));
    expect(created.metadata.managedFields?.[0]?.manager).toBe('linnet');
    await kube.create(kinds.deployment, deploymentNamed('other'));
    const listed = await kube.list<Deployment>(kinds.deployment, 'default', 'app=web');
    expect(listed.map((it) => [it.kind, it.apiVersion, it.metadata.name])).toEqual([['Deployment', 'apps/v1', 'web']]);
    expect(await kube.list(kinds.deployment)).toHaveLength(2);
    const patched = await kube.patch<Deployment>(web, { type: 'merge', body: { spec: { replicas: 5 } } });
    expect(patched.spec.replicas).toBe(5);
    const applied = await kube.patch<Deployment>(web, {
      type: 'apply',
      body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { paused: true } },
    });
    expect(applied.spec.paused).toBe(true);
    expect(written.map((it) => it.metadata.name)).toEqual(['web', 'other', 'web', 'web']);
    await kube.delete(web, { uid: created.metadata.uid ?? '' });
    expect(await kube.get(web)).toBeUndefined();
    await kube.delete(web, { uid: created.metadata.uid ?? '' });
    expect(wire.seen.slice(0, 3)).toMatchObject([
      { verb: 'get', kind: 'Deployment', code: 404 },
      { verb: 'create', kind: 'Deployment', code: 201 },
      { verb: 'create', kind: 'Deployment', code: 201 },
    ]);
  });

  test('fields that no model of ours knows come back as they are', async () => {
    const server = await ScriptedServer.start();
    const wire = wireTo(server.url);
    ends.push(async () => {
      await wire.connection.close();
      await server.stop();
    });
    const route = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'web', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z', later: { a: [null] } },
      spec: { rules: [{ retry: { codes: [503] } }], fromTheFuture: 1.5 },
    };
    server.answer = () => ({ code: 200, body: route });
    const kube = createKube({ ...wire, random: systemRandom });
    expect(await kube.get({ kind: kinds.httpRoute, namespace: 'default', name: 'web' })).toEqual(route);
  });

  test('a precondition that no longer holds is a conflict, in each of its forms', async () => {
    const { kube } = await start();
    const created = await kube.create(kinds.deployment, deploymentNamed('web'));
    const old = created.metadata.resourceVersion ?? '';
    await kube.patch(web, { type: 'merge', body: { spec: { replicas: 5 } } });
    const byVersion = kube.patch(web, {
      type: 'json',
      ops: [
        { op: 'replace', path: '/metadata/resourceVersion', value: old },
        { op: 'replace', path: '/spec/replicas', value: 1 },
      ],
    });
    expect(await errorOf(byVersion)).toMatchObject({ reason: 'conflict', code: 409 });
    const byTest = kube.patch(web, {
      type: 'json',
      ops: [
        { op: 'test', path: '/spec/replicas', value: 2 },
        { op: 'replace', path: '/spec/replicas', value: 1 },
      ],
    });
    expect(await errorOf(byTest)).toMatchObject({ reason: 'conflict', code: 422 });
    const byApply = kube.patch(web, {
      type: 'apply',
      body: {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web', resourceVersion: old },
        spec: { replicas: 1 },
      },
    });
    expect(await errorOf(byApply)).toMatchObject({ reason: 'conflict', code: 409 });
    expect(await errorOf(kube.delete(web, { uid: 'another' }))).toMatchObject({ reason: 'conflict', code: 409 });
    expect((await kube.get<Deployment>(web))?.spec.replicas).toBe(5);
  });

  test('a patch that makes the object invalid is invalid, also with a test in it', async () => {
    const { kube } = await start();
    await kube.create(kinds.deployment, deploymentNamed('web'));
    const error = await errorOf(
      kube.patch(web, {
        type: 'json',
        ops: [
          { op: 'test', path: '/spec/replicas', value: 2 },
          { op: 'replace', path: '/spec/replicas', value: 'many' },
        ],
      }),
    );
    expect(error.reason).toBe('invalid');
  });

  test('what exists, what is missing and what is wrong are told apart, in one line that names the object', async () => {
    const { kube } = await start();
    await kube.create(kinds.deployment, deploymentNamed('web'));
    const twice = await errorOf(kube.create(kinds.deployment, deploymentNamed('web')));
    expect(twice).toMatchObject({ reason: 'exists', code: 409 });
    expect(twice.message).toBe('create Deployment default/web: HTTP 409: deployments.apps "web" already exists');
    const missing = await errorOf(kube.patch({ ...web, name: 'none' }, { type: 'merge', body: {} }));
    expect(missing.reason).toBe('notFound');
    const wrong = { ...deploymentNamed('bad'), spec: { replicas: -1 } };
    expect(await errorOf(kube.create(kinds.deployment, wrong))).toMatchObject({ reason: 'invalid' });
    expect(twice.message).not.toContain('\n');
  });

  test('a name that would change the path is refused before anything is sent', async () => {
    const { kube, wire } = await start();
    for (const name of ['', '.', '..']) {
      expect(await errorOf(kube.delete({ ...web, name }, { uid: 'x' }))).toMatchObject({ reason: 'invalid', code: 0 });
    }
    expect(await errorOf(kube.get({ kind: kinds.deployment, name: 'web' }))).toMatchObject({
      reason: 'invalid',
      code: 0,
    });
    expect(wire.seen).toEqual([]);
    expect(await kube.get({ ...web, name: '../services/web' })).toBeUndefined();
  });
});

describe('when the server is in trouble', () => {
  const status = (code: number, message: string) => ({ kind: 'Status', code, message });

  test('reads are tried again', async () => {
    let failures = 2;
    const { kube, api } = await start({
      intercept: () => (failures-- > 0 ? { answer: { code: 500, body: status(500, 'etcd is away') } } : undefined),
    });
    api.store.create(api.kind('Deployment'), deploymentNamed('web'), { fieldManager: 'test', namespace: 'default' });
    expect((await kube.get(web))?.metadata.name).toBe('web');
  });

  test('reads give up after three tries and say what the server said', async () => {
    const { kube, wire } = await start({
      intercept: () => ({ answer: { code: 500, body: status(500, 'etcd is away') } }),
    });
    const error = await errorOf(kube.list(kinds.deployment));
    expect(error).toMatchObject({ reason: 'unknown', code: 500 });
    expect(error.message).toBe('list Deployment in all namespaces: HTTP 500: etcd is away');
    expect(wire.seen).toHaveLength(3);
  });

  test.each([
    ['429', { code: 429, headers: { 'retry-after': '7' }, body: status(429, 'slow down') }, 'throttled', 7_000],
    ['503 with Retry-After', { code: 503, headers: { 'retry-after': '3' }, body: '' }, 'throttled', 3_000],
    ['503', { code: 503, body: 'no endpoints available\nfor service' }, 'unknown', undefined],
    ['504', { code: 504, body: status(504, 'timeout') }, 'unknown', undefined],
    ['403', { code: 403, body: status(403, 'routes is forbidden') }, 'forbidden', undefined],
    ['401', { code: 401, body: status(401, 'Unauthorized') }, 'unauthorized', undefined],
    ['400', { code: 400, body: status(400, 'bad') }, 'invalid', undefined],
    ['200 with half of an object', { code: 200, body: '{"kind":"Deploy' }, 'unknown', undefined],
    ['200 with something else', { code: 200, body: [] }, 'unknown', undefined],
    ['200 with an object without a name', { code: 200, body: { kind: 'Deployment' } }, 'unknown', undefined],
  ])('a write that is answered %s is sent once and classified', async (_, answer, reason, retryAfterMs) => {
    const { kube, wire } = await start({ intercept: () => ({ answer }) });
    const error = await errorOf(kube.patch(web, { type: 'merge', body: {} }));
    expect(error).toMatchObject({ reason, retryAfterMs });
    expect(error.message).toMatch(/^patch Deployment default\/web: /);
    expect(error.message).not.toContain('\n');
    expect(wire.seen).toHaveLength(1);
  });

  const lostReplies: [string, Fault][] = [
    ['a reset', { reset: true }],
    ['a hanging answer', { hang: true }],
    ['a torn answer', { tear: { bytes: 40, end: 'reset' } }],
  ];

  test.each(lostReplies)('after %s the result of a write is unknown, and it is not sent again', async (_, fault) => {
    const { kube, wire, api } = await start({ afterWrite: () => fault, timeoutMs: 500 });
    const error = await errorOf(kube.create(kinds.deployment, deploymentNamed('web')));
    expect(error).toMatchObject({ reason: 'unknown' });
    expect(error.message).toMatch(/^create Deployment default\/web: /);
    expect(wire.seen).toHaveLength(1);
    expect(api.store.list(api.kind('Deployment')).items).toHaveLength(1);
  });

  test('a read that hangs ends with its time', async () => {
    const { kube } = await start({ intercept: () => ({ hang: true }), timeoutMs: 300 });
    const startedAt = performance.now();
    const error = await errorOf(kube.get(web));
    expect(error.message).toBe('get Deployment default/web: no answer within 300 ms');
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  test('a server that is not there is an unknown result that names the address, and nothing secret', async () => {
    const { kube, api } = await start();
    await api.close();
    const error = await errorOf(kube.get(web));
    expect(error).toMatchObject({ reason: 'unknown', code: 0 });
    expect(error.message).toContain('ECONNREFUSED');
  });
});
