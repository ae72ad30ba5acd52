import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { deploymentNamed, type SandboxApi, startSandboxApi } from '../tools/sandbox-api.ts';

let api: SandboxApi;
beforeEach(async () => {
  api = await startSandboxApi({ podLog: (pod) => `hello from ${pod.metadata.name}\n` });
});
afterEach(() => api.close());

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const asTable = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };

describe('discovery', () => {
  test('the old and the aggregated form name the same resources', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
    const aggregated = await api.call('GET', '/apis', undefined, { accept });
    expect(aggregated.headers.get('content-type')).toContain('as=APIGroupDiscoveryList');
    const { items } = aggregated.body as {
      items: { metadata: { name: string }; versions: { version: string; resources: { resource: string }[] }[] }[];
    };
    for (const group of items) {
      for (const { version, resources } of group.versions) {
        const old = await api.call('GET', `/apis/${group.metadata.name}/${version}`);
        const names = (old.body as { resources: { name: string }[] }).resources.map((one) => one.name);
        expect(names.filter((name) => !name.includes('/'))).toEqual(resources.map((one) => one.resource));
      }
    }
    const groups = await api.call('GET', '/apis');
    expect((groups.body as { groups: { name: string }[] }).groups.map((one) => one.name)).toEqual(
      items.map((one) => one.metadata.name),
    );
  });

  test('a CustomResourceDefinition that is created is served and discovered at once', async () => {
    await api.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', birdDefinition);
    expect(await api.call('GET', '/apis/zoo.example/v1')).toMatchObject({
      code: 200,
      body: { resources: [{ name: 'birds', shortNames: ['bd'] }] },
    });
    const bird = { apiVersion: 'zoo.example/v1', kind: 'Bird', metadata: { name: 'a' }, spec: { song: 'tweet' } };
    expect(await api.call('POST', '/apis/zoo.example/v1/namespaces/default/birds', bird)).toMatchObject({ code: 201 });
    const table = await api.call('GET', '/apis/zoo.example/v1/birds', undefined, asTable);
    expect(table.body).toMatchObject({
      columnDefinitions: [{ name: 'Name' }, { name: 'Song' }],
      rows: [{ cells: ['a', 'tweet'] }],
    });
  });

  test('OpenAPI documents name every kind with its operations and need no definition that is not there', async () => {
    const { body } = await api.call('GET', '/openapi/v3');
    for (const { serverRelativeURL } of Object.values(
      (body as { paths: Record<string, { serverRelativeURL: string }> }).paths,
    )) {
      const document = await api.call('GET', serverRelativeURL);
      const { schemas } = (document.body as { components: { schemas: object } }).components;
      for (const [, name] of JSON.stringify(document.body).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
        expect(schemas).toHaveProperty([name ?? '']);
      }
    }
  });
});

describe('objects', () => {
  test('are created with defaults, read, replaced, listed and deleted', async () => {
    const created = await api.call('POST', deployments, deploymentNamed('shop'));
    expect(created).toMatchObject({
      code: 201,
      body: { kind: 'Deployment', metadata: { generation: 1 }, spec: { progressDeadlineSeconds: 600 } },
    });
    expect(await api.call('POST', deployments, deploymentNamed('shop'))).toMatchObject({
      code: 409,
      body: { kind: 'Status', reason: 'AlreadyExists' },
    });
    const read = await api.call('GET', `${deployments}/shop`);
    const changed = {
      ...(read.body as object),
      metadata: { ...(read.body as { metadata: object }).metadata, labels: { a: 'b' } },
    };
    expect(await api.call('PUT', `${deployments}/shop`, changed)).toMatchObject({
      code: 200,
      body: { metadata: { labels: { a: 'b' } } },
    });
    expect(await api.call('PUT', `${deployments}/shop`, changed)).toMatchObject({
      code: 409,
      body: { reason: 'Conflict' },
    });
    const list = await api.call('GET', `${deployments}?labelSelector=a%3Db`);
    expect(list.body).toMatchObject({
      kind: 'DeploymentList',
      apiVersion: 'apps/v1',
      items: [{ metadata: { name: 'shop' } }],
    });
    expect((list.body as { items: object[] }).items[0]).not.toHaveProperty('kind');
    expect(await api.call('DELETE', `${deployments}/shop`)).toMatchObject({
      code: 200,
      body: { kind: 'Status', status: 'Success', details: { kind: 'deployments' } },
    });
    expect(await api.call('GET', `${deployments}/shop`)).toMatchObject({
      code: 404,
      body: { reason: 'NotFound', details: { name: 'shop', group: 'apps' } },
    });
  });

  test('that a finalizer holds are answered with their deletionTimestamp', async () => {
    const held = deploymentNamed('held');
    held.metadata.finalizers = ['example.dev/hold'];
    await api.call('POST', deployments, held);
    const deleted = await api.call('DELETE', `${deployments}/held`, { kind: 'DeleteOptions', apiVersion: 'v1' });
    expect(deleted).toMatchObject({
      code: 200,
      body: { kind: 'Deployment', metadata: { deletionTimestamp: expect.any(String) } },
    });
  });

  test('are not stored by a dry run', async () => {
    expect((await api.call('POST', `${deployments}?dryRun=All`, deploymentNamed('shop'))).code).toBe(201);
    expect((await api.call('GET', `${deployments}/shop`)).code).toBe(404);
    expect((await api.call('POST', `${deployments}?dryRun=Some`, deploymentNamed('shop'))).code).toBe(422);
  });

  test('can be written as YAML, and all of a collection deleted by label', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {x: "1"}}\ndata: {k: v}\n';
    const maps = '/api/v1/namespaces/default/configmaps';
    expect((await api.call('POST', maps, yaml, { 'content-type': 'application/yaml' })).code).toBe(201);
    await api.call('POST', maps, { metadata: { name: 'b' } });
    await api.call('DELETE', `${maps}?labelSelector=x%3D1`);
    const { body } = await api.call('GET', maps);
    expect((body as { items: { metadata: { name: string } }[] }).items.map((item) => item.metadata.name)).toEqual([
      'b',
    ]);
  });

  test('take JSON and merge patches, on status only through its own path', async () => {
    await api.call('POST', deployments, deploymentNamed('shop'));
    const json = [{ op: 'replace', path: '/spec/replicas', value: 4 }];
    const patched = await api.call('PATCH', `${deployments}/shop`, json, {
      'content-type': 'application/json-patch+json',
    });
    expect(patched).toMatchObject({ code: 200, body: { spec: { replicas: 4 }, metadata: { generation: 2 } } });
    const merge = { 'content-type': 'application/merge-patch+json' };
    const status = { status: { replicas: 4 }, spec: { replicas: 9 } };
    const ofStatus = await api.call('PATCH', `${deployments}/shop/status`, status, merge);
    expect(ofStatus.body).toMatchObject({
      status: { replicas: 4 },
      spec: { replicas: 4 },
      metadata: { generation: 2 },
    });
    const refused = await api.call('PATCH', `${deployments}/shop`, '{}', { 'content-type': 'text/plain' });
    expect(refused).toMatchObject({ code: 415, body: { reason: 'UnsupportedMediaType' } });
  });

  test('are scaled through a Scale', async () => {
    await api.call('POST', deployments, deploymentNamed('shop'));
    const scale = await api.call('GET', `${deployments}/shop/scale`);
    expect(scale.body).toMatchObject({ kind: 'Scale', spec: { replicas: 2 }, status: { selector: 'app=shop' } });
    const wanted = { ...(scale.body as object), spec: { replicas: 7 } };
    expect((await api.call('PUT', `${deployments}/shop/scale`, wanted)).body).toMatchObject({ spec: { replicas: 7 } });
    expect((await api.call('GET', `${deployments}/shop`)).body).toMatchObject({ spec: { replicas: 7 } });
    expect((await api.call('PUT', `${deployments}/shop/scale`, wanted)).code).toBe(409);
  });

  test('of the newer event API are the core events under other names', async () => {
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'e1', namespace: 'default' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      regarding: { kind: 'Deployment', name: 'shop', namespace: 'default' },
      note: 'it happened',
      reason: 'Happened',
      type: 'Normal',
      action: 'Test',
      reportingController: 'test',
      reportingInstance: 'test-1',
    };
    const path = '/apis/events.k8s.io/v1/namespaces/default/events';
    expect(await api.call('POST', path, event)).toMatchObject({
      code: 201,
      body: { note: 'it happened', apiVersion: 'events.k8s.io/v1' },
    });
    const core = await api.call('GET', '/api/v1/namespaces/default/events/e1');
    expect(core.body).toMatchObject({ message: 'it happened', involvedObject: { name: 'shop' }, apiVersion: 'v1' });
  });
});

describe('answers', () => {
  test('come as tables with the columns of a real API server, or as metadata alone', async () => {
    await api.call('POST', deployments, deploymentNamed('shop'));
    const table = await api.call('GET', deployments, undefined, asTable);
    expect(table.body).toMatchObject({
      kind: 'Table',
      rows: [
        {
          cells: ['shop', '0/2', 0, 0, expect.stringMatching(/^\d+s$/), 'web', 'demo:v1', 'app=shop'],
          object: { kind: 'PartialObjectMetadata' },
        },
      ],
    });
    const accept = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
    const metadata = await api.call('GET', `${deployments}/shop`, undefined, { accept });
    expect(Object.keys(metadata.body as object)).toEqual(['kind', 'apiVersion', 'metadata']);
    expect(
      (await api.call('GET', deployments, undefined, { accept: 'application/vnd.kubernetes.protobuf' })).code,
    ).toBe(406);
  });

  test('to unknown paths, kinds and methods are Status objects', async () => {
    for (const [method, path, code] of [
      ['GET', '/nowhere', 404],
      ['GET', '/apis/nowhere.example/v1', 404],
      ['GET', '/apis/apps/v1/namespaces/default/dragons', 404],
      ['GET', '/apis/apps/v1/deployments/without-namespace', 404],
      ['GET', `${deployments}/shop/dragons`, 404],
      ['POST', '/version', 200],
      ['POST', '/apis', 405],
      ['PUT', deployments, 405],
      ['POST', deployments, 400],
      ['GET', '/api/v1/%zz', 400],
    ] as const) {
      const answer = await api.call(method, path);
      expect(answer.code, `${method} ${path}`).toBe(code);
      if (code !== 200) expect(answer.body).toMatchObject({ kind: 'Status', status: 'Failure', code });
    }
  });

  test('let everybody do everything, and hold a pod’s log', async () => {
    const review = { kind: 'SelfSubjectAccessReview', apiVersion: 'authorization.k8s.io/v1', spec: {} };
    const answer = await api.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review);
    expect(answer).toMatchObject({ code: 201, body: { status: { allowed: true } } });
    const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'web', image: 'demo:v1' }] } };
    await api.call('POST', '/api/v1/namespaces/default/pods', pod);
    expect((await api.call('GET', '/api/v1/namespaces/default/pods/p/log')).body).toBe('hello from p\n');
  });

  test('need the token where there is one, but for probes', async () => {
    const guarded = await startSandboxApi({ token: 'secret' });
    try {
      expect(await guarded.call('GET', '/api')).toMatchObject({ code: 401, body: { reason: 'Unauthorized' } });
      expect((await guarded.call('GET', '/api', undefined, { authorization: 'Bearer secret' })).code).toBe(200);
      expect((await guarded.call('GET', '/readyz')).code).toBe(200);
    } finally {
      await guarded.close();
    }
  });
});

const birdDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'birds.zoo.example' },
  spec: {
    group: 'zoo.example',
    scope: 'Namespaced',
    names: { kind: 'Bird', plural: 'birds', singular: 'bird', shortNames: ['bd'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', properties: { song: { type: 'string' } } } },
          },
        },
        additionalPrinterColumns: [{ name: 'Song', type: 'string', jsonPath: '.spec.song' }],
      },
    ],
  },
};
