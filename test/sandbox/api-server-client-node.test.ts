import { setTimeout as wait } from 'node:timers/promises';
import {
  AppsV1Api,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  V1MicroTime,
  Watch,
} from '@kubernetes/client-node';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kubeconfigFor } from '../../src/sandbox/http/kubeconfig.ts';
import { deploymentNamed, type SandboxApi, startSandboxApi } from '../tools/sandbox-api.ts';

let api: SandboxApi;
let config: KubeConfig;
beforeEach(async () => {
  api = await startSandboxApi({ token: 'secret' });
  config = new KubeConfig();
  config.loadFromString(kubeconfigFor(api.url, 'secret'));
});
afterEach(() => api.close());

const route = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'shop', namespace: 'default' },
  spec: { parentRefs: [{ name: 'gw' }], rules: [{ backendRefs: [{ name: 'shop', port: 80 }] }] },
};
const routes = { group: 'gateway.networking.k8s.io', version: 'v1', plural: 'httproutes', namespace: 'default' };

test('typed objects are created, listed, patched and deleted', async () => {
  const apps = config.makeApiClient(AppsV1Api);
  await apps.createNamespacedDeployment({ namespace: 'default', body: deploymentNamed('shop') as never });
  const { items } = await apps.listNamespacedDeployment({ namespace: 'default' });
  expect(items.map((item) => [item.metadata?.name, item.spec?.replicas])).toEqual([['shop', 2]]);
  const scaled = await apps.patchNamespacedDeployment(
    { name: 'shop', namespace: 'default', body: { spec: { replicas: 3 } } },
    setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
  );
  expect(scaled.spec?.replicas).toBe(3);
  await apps.deleteNamespacedDeployment({ name: 'shop', namespace: 'default' });
  await expect(apps.readNamespacedDeployment({ name: 'shop', namespace: 'default' })).rejects.toMatchObject({
    code: 404,
  });
});

test('custom objects take the JSON Patch with preconditions that the engine writes', async () => {
  const custom = config.makeApiClient(CustomObjectsApi);
  await custom.createNamespacedCustomObject({ ...routes, body: route });
  const stored = (await custom.getNamespacedCustomObject({ ...routes, name: 'shop' })) as typeof route & {
    metadata: { resourceVersion: string };
  };
  expect(stored.spec.rules[0]?.backendRefs[0]).toEqual({
    group: '',
    kind: 'Service',
    name: 'shop',
    port: 80,
    weight: 1,
  });
  const patch = (version: string) => [
    { op: 'replace', path: '/metadata/resourceVersion', value: version },
    { op: 'test', path: '/spec/rules/0/backendRefs/0/name', value: 'shop' },
    { op: 'replace', path: '/spec/rules/0/backendRefs/0/weight', value: 95 },
  ];
  const write = (version: string) =>
    custom.patchNamespacedCustomObject({ ...routes, name: 'shop', body: patch(version) });
  expect(await write(stored.metadata.resourceVersion)).toMatchObject({ metadata: { generation: 2 } });
  await expect(write(stored.metadata.resourceVersion)).rejects.toMatchObject({ code: 409 });
});

test('a Lease keeps its times to the microsecond', async () => {
  const leases = config.makeApiClient(CoordinationV1Api);
  const spec = {
    holderIdentity: 'a',
    renewTime: new V1MicroTime('2026-01-01T00:00:00.123456Z'),
    leaseDurationSeconds: 8,
  };
  await leases.createNamespacedLease({ namespace: 'default', body: { metadata: { name: 'linnet' }, spec } });
  const stored = await api.call('GET', '/apis/coordination.k8s.io/v1/namespaces/default/leases/linnet', undefined, {
    authorization: 'Bearer secret',
  });
  expect(stored.body).toMatchObject({ spec: { renewTime: expect.stringMatching(/^2026-01-01T00:00:00\.\d{6}Z$/) } });
});

test('a watch sees changes', async () => {
  const seen: string[] = [];
  const watch = await new Watch(config).watch(
    '/api/v1/namespaces/default/configmaps',
    { allowWatchBookmarks: true },
    (type: string, object: { metadata: { name: string } }) => seen.push(`${type} ${object.metadata.name}`),
    () => {},
  );
  const core = config.makeApiClient(CoreV1Api);
  await core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'a' } } });
  await core.deleteNamespacedConfigMap({ namespace: 'default', name: 'a' });
  for (let tries = 0; seen.length < 2 && tries < 3_000; tries += 1) await wait(10);
  expect(seen).toEqual(['ADDED a', 'DELETED a']);
  watch.abort();
});
