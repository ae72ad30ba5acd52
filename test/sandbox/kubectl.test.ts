import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/api/objects.ts';
import { type Kubectl, kubectlFor } from '../tools/run-kubectl.ts';
import { deploymentNamed, type SandboxApi, startSandboxApi } from '../tools/sandbox-api.ts';

let api: SandboxApi;
let kubectl: Kubectl;
beforeEach(async () => {
  api = await startSandboxApi();
  kubectl = await kubectlFor(api.url);
});
afterEach(async () => {
  await api.close();
  await kubectl.remove();
});

const route = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'shop', namespace: 'default' },
  spec: {
    hostnames: ['shop.example'],
    parentRefs: [{ name: 'gw' }],
    rules: [{ backendRefs: [{ name: 'shop', port: 80 }] }],
  },
};

interface StoredDeployment extends KubeObject {
  spec: {
    replicas: number;
    paused?: boolean;
    template: { metadata: KubeObject['metadata']; spec: { containers: { image: string; env?: unknown }[] } };
  };
}

function stored(name: string): StoredDeployment {
  return api.store.get({ kind: api.kind('Deployment'), namespace: 'default', name }) as StoredDeployment;
}

function imageOf(name: string): string | undefined {
  return stored(name).spec.template.spec.containers[0]?.image;
}

function withImage(image: string): KubeObject {
  const deployment = deploymentNamed('shop') as StoredDeployment;
  const [container] = deployment.spec.template.spec.containers;
  if (container !== undefined) container.image = image;
  return deployment;
}

function setStatus(name: string, status: object): void {
  const ref = { kind: api.kind('Deployment'), namespace: 'default', name };
  api.store.patch(ref, { type: 'merge', body: { status } }, { fieldManager: 'test', subresource: 'status' });
}

const rolledOut = {
  observedGeneration: 9,
  replicas: 2,
  updatedReplicas: 2,
  readyReplicas: 2,
  availableReplicas: 2,
  conditions: [
    {
      type: 'Available',
      status: 'True',
      reason: 'MinimumReplicasAvailable',
      message: 'Deployment has minimum availability.',
    },
    {
      type: 'Progressing',
      status: 'True',
      reason: 'NewReplicaSetAvailable',
      message: 'It has successfully progressed.',
    },
  ].map((condition) => ({
    ...condition,
    lastTransitionTime: '2026-01-01T00:00:00Z',
    lastUpdateTime: '2026-01-01T00:00:00Z',
  })),
};

describe('stock kubectl', () => {
  test('applies, says what is unchanged, merges what changed, keeps what others set', async () => {
    const apply = (image: string) => kubectl.run(['apply', '-f', '-'], [withImage(image), route]);
    expect(await apply('demo:v1')).toBe(
      'deployment.apps/shop created\nhttproute.gateway.networking.k8s.io/shop created\n',
    );
    // kubectl sends a route's lists again because the stored ones hold defaults; the server sees that nothing changes.
    const before = api.store.get({ kind: api.kind('HTTPRoute'), namespace: 'default', name: 'shop' });
    expect(await apply('demo:v1')).toContain('deployment.apps/shop unchanged');
    expect(api.store.get({ kind: api.kind('HTTPRoute'), namespace: 'default', name: 'shop' })).toEqual(before);
    await kubectl.run(['set', 'env', 'deploy/shop', 'MODE=test']);
    expect(await apply('demo:v2')).toContain('deployment.apps/shop configured');
    expect(stored('shop').spec.template.spec.containers).toMatchObject([
      { image: 'demo:v2', env: [{ name: 'MODE', value: 'test' }] },
    ]);
    expect(await kubectl.run(['diff', '-f', '-'], [withImage('demo:v2')])).toBe('');
  });

  test('applies on the server, and gets a conflict that names the other manager', async () => {
    const apply = (image: string, ...more: string[]) =>
      kubectl.run(['apply', '--server-side', ...more, '-f', '-'], [withImage(image)]);
    expect(await apply('demo:v1')).toBe('deployment.apps/shop serverside-applied\n');
    await kubectl.run(['set', 'image', 'deploy/shop', 'web=demo:v2']);
    await expect(apply('demo:v3')).rejects.toThrow('conflict with "kubectl-set"');
    await apply('demo:v3', '--force-conflicts');
    expect(imageOf('shop')).toBe('demo:v3');
  });

  test('refuses an unknown field and warns when it shall not refuse', async () => {
    const odd = { ...route, spec: { ...route.spec, colour: 'red' } };
    await expect(kubectl.run(['apply', '-f', '-'], [odd])).rejects.toThrow('unknown field "spec.colour"');
    expect(await kubectl.run(['apply', '--validate=warn', '-f', '-'], [odd])).toContain(
      'Warning: unknown field "spec.colour"',
    );
  });

  test('says that a kind is not there, as on any cluster', async () => {
    const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'job' } };
    await expect(kubectl.run(['apply', '-f', '-'], [job])).rejects.toThrow(
      'no matches for kind "Job" in version "batch/v1"',
    );
    await expect(kubectl.run(['get', 'dragons'])).rejects.toThrow('the server doesn\'t have a resource type "dragons"');
  });

  test('creates what it sends as protobuf', async () => {
    expect(await kubectl.run(['create', 'namespace', 'team'])).toBe('namespace/team created\n');
    expect(await kubectl.run(['create', 'deployment', 'web', '--image=nginx:1', '--replicas=0', '--port=80'])).toBe(
      'deployment.apps/web created\n',
    );
    expect(stored('web')).toMatchObject({ spec: { replicas: 0, strategy: { type: 'RollingUpdate' } } });
    await kubectl.run(['create', 'configmap', 'map', '--from-literal=a=b']);
    await kubectl.run(['create', 'secret', 'generic', 'secret', '--from-literal=a=b']);
    expect(await kubectl.run(['get', 'secret', 'secret', '-o', 'jsonpath={.data.a}'])).toBe('Yg==');
    await kubectl.run(['expose', 'deployment', 'web']);
    expect(await kubectl.run(['get', 'svc', 'web'])).toMatch(/web\s+ClusterIP\s+10\.96\.\d+\.\d+\s+<none>\s+80\/TCP/);
  });

  test('gets tables, wide ones, and several kinds at once', async () => {
    await kubectl.run(['create', '-f', '-'], [deploymentNamed('shop'), route]);
    expect(await kubectl.run(['get', 'deploy,httproute'])).toMatch(/shop\s+0\/2\s+0\s+0[^]*shop\s+\["shop.example"\]/);
    expect(await kubectl.run(['get', 'deploy', '-A', '-o', 'wide'])).toMatch(
      /NAMESPACE[^]*default\s+shop.*web\s+demo:v1\s+app=shop/,
    );
    expect(await kubectl.run(['get', 'all', '--show-labels'])).toContain('app=shop');
    expect(await kubectl.run(['get', 'nodes'])).toContain('No resources found');
  });

  test('describes built-in kinds with their events, and custom ones', async () => {
    await kubectl.run(['create', '-f', '-'], [deploymentNamed('shop'), route]);
    const { uid } = stored('shop').metadata;
    const involvedObject = { kind: 'Deployment', namespace: 'default', name: 'shop', uid, apiVersion: 'apps/v1' };
    const event = {
      metadata: { name: 'e', namespace: 'default' },
      involvedObject,
      reason: 'Scaled',
      message: 'It was scaled',
      type: 'Normal',
      count: 1,
    };
    api.store.create(api.kind('Event'), event, { fieldManager: 'test', namespace: 'default' });
    const deployment = await kubectl.run(['describe', 'deploy', 'shop']);
    expect(deployment).toMatch(/StrategyType:\s+RollingUpdate[^]*Image:\s+demo:v1[^]*It was scaled/);
    expect(await kubectl.run(['describe', 'httproute', 'shop'])).toMatch(/Weight:\s+1/);
    expect(await kubectl.run(['events', '--for', 'deploy/shop'])).toContain('It was scaled');
  });

  test('edits through an editor', async () => {
    await kubectl.run(['create', '-f', '-'], [deploymentNamed('shop')]);
    expect(await kubectl.runWith({ EDITOR: 'sed -i s/demo:v1/demo:v2/' }, ['edit', 'deploy', 'shop'])).toContain(
      'edited',
    );
    expect(imageOf('shop')).toBe('demo:v2');
  });

  test('scales, sets an image, labels, annotates and patches in three ways', async () => {
    await kubectl.run(['create', '-f', '-'], [deploymentNamed('shop'), route]);
    await kubectl.run(['scale', 'deploy/shop', '--replicas=5']);
    await kubectl.run(['set', 'image', 'deploy/shop', 'web=demo:v2']);
    await kubectl.run(['label', 'deploy', 'shop', 'tier=front']);
    await kubectl.run(['annotate', 'deploy', 'shop', 'note=here']);
    await kubectl.run([
      'patch',
      'deploy',
      'shop',
      '-p',
      '{"spec":{"template":{"spec":{"containers":[{"name":"web","imagePullPolicy":"Never"}]}}}}',
    ]);
    expect(stored('shop')).toMatchObject({
      metadata: { labels: { app: 'shop', tier: 'front' }, annotations: { note: 'here' } },
      spec: {
        replicas: 5,
        template: { spec: { containers: [{ name: 'web', image: 'demo:v2', imagePullPolicy: 'Never' }] } },
      },
    });
    await kubectl.run([
      'patch',
      'httproute',
      'shop',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/spec/rules/0/backendRefs/0/weight","value":3}]',
    ]);
    await kubectl.run(['patch', 'httproute', 'shop', '--type=merge', '-p', '{"spec":{"hostnames":["b.example"]}}']);
    expect(
      await kubectl.run([
        'get',
        'httproute',
        'shop',
        '-o',
        'jsonpath={.spec.hostnames[0]} {.spec.rules[0].backendRefs[0].weight}',
      ]),
    ).toBe('b.example 3');
  });

  test('pauses, resumes, restarts and waits for a rollout', async () => {
    await kubectl.run(['create', '-f', '-'], [deploymentNamed('shop')]);
    await kubectl.run(['rollout', 'pause', 'deploy/shop']);
    expect(stored('shop').spec.paused).toBe(true);
    await kubectl.run(['rollout', 'resume', 'deploy/shop']);
    await kubectl.run(['rollout', 'restart', 'deploy/shop']);
    expect(stored('shop').spec.template.metadata.annotations).toHaveProperty(['kubectl.kubernetes.io/restartedAt']);
    const status = kubectl.run(['rollout', 'status', 'deploy/shop', '--timeout=30s']);
    const available = kubectl.run(['wait', 'deploy/shop', '--for=condition=Available', '--timeout=30s']);
    setStatus('shop', rolledOut);
    expect(await status).toContain('successfully rolled out');
    expect(await available).toContain('condition met');
  });

  test('shows the history of a rollout and undoes it', async () => {
    await kubectl.run(['create', '-f', '-'], [withImage('demo:v2')]);
    await kubectl.run(['annotate', 'deploy', 'shop', 'deployment.kubernetes.io/revision=2']);
    for (const revision of ['1', '2']) createReplicaSet(revision);
    expect(await kubectl.run(['rollout', 'history', 'deploy/shop'])).toMatch(/1\s+<none>\n2\s+<none>/);
    expect(await kubectl.run(['rollout', 'undo', 'deploy/shop'])).toContain('rolled back');
    expect(imageOf('shop')).toBe('demo:v1');
  });

  test('watches', async () => {
    const watch = kubectl.start(['get', 'deploy', '-w']);
    await seen(() => api.store.list(api.kind('Deployment')).resourceVersion !== '', 'the server');
    api.store.create(api.kind('Deployment'), deploymentNamed('shop'), { fieldManager: 'test', namespace: 'default' });
    await seen(() => watch.output().includes('0/2'), `the new Deployment; it printed ${watch.output()}`);
    setStatus('shop', rolledOut);
    await seen(() => watch.output().includes('2/2'), `the changed Deployment; it printed ${watch.output()}`);
    watch.stop();
  });

  test('asks what it may do and who it is, and explains fields', async () => {
    expect(await kubectl.run(['auth', 'can-i', 'create', 'deployments'])).toBe('yes\n');
    expect(await kubectl.run(['auth', 'can-i', '--list'])).toContain('*.*');
    expect(await kubectl.run(['auth', 'whoami'])).toContain('sandbox-admin');
    expect(await kubectl.run(['explain', 'deployment.spec.strategy'])).toContain(
      'rollingUpdate\t<RollingUpdateDeployment>',
    );
    expect(await kubectl.run(['explain', 'httproute.spec.rules.backendRefs.weight'])).toContain(
      'FIELD: weight <integer>',
    );
  });

  test('deletes one, by label, and a namespace with all that is in it', async () => {
    await kubectl.run(['create', 'namespace', 'team']);
    await kubectl.run(['create', 'configmap', 'map', '-n', 'team']);
    await kubectl.run(['create', '-f', '-'], [deploymentNamed('a'), deploymentNamed('b'), route]);
    expect(await kubectl.run(['delete', 'httproute', 'shop'])).toContain('deleted');
    await kubectl.run(['delete', 'deploy', '-l', 'app=a']);
    expect(await kubectl.run(['get', 'deploy', '-o', 'name'])).toBe('deployment.apps/b\n');
    await kubectl.run(['delete', 'namespace', 'team', '--timeout=20s']);
    expect(await kubectl.run(['get', 'configmap', '-A', '-o', 'name'])).toBe('');
  });
});

function createReplicaSet(revision: string): void {
  const { metadata, spec } = stored('shop');
  const template = structuredClone(spec.template);
  const labels = { ...template.metadata.labels, 'pod-template-hash': `hash${revision}` };
  template.metadata.labels = labels;
  for (const container of template.spec.containers) container.image = `demo:v${revision}`;
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop', uid: metadata.uid, controller: true };
  const set = {
    metadata: {
      name: `shop-hash${revision}`,
      namespace: 'default',
      labels,
      annotations: { 'deployment.kubernetes.io/revision': revision },
      ownerReferences: [owner],
    },
    spec: { replicas: 0, selector: { matchLabels: labels }, template },
  };
  api.store.create(api.kind('ReplicaSet'), set, { fieldManager: 'test', namespace: 'default' });
}

async function seen(isSo: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !isSo(); tries += 1) {
    if (tries === 3_000) throw new Error(`waited 30 s for ${what}`);
    await wait(10);
  }
}
