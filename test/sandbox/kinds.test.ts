import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/api/objects.ts';
import { sandboxKinds } from '../../src/sandbox/world/kinds/kinds.ts';

function kindNamed(name: string) {
  const found = sandboxKinds().find((kind) => kind.kind === name);
  if (found === undefined) throw new Error(`the sandbox does not serve ${name}`);
  return found;
}

function schemaAt(schema: unknown, path: string): Record<string, unknown> {
  let at = schema as Record<string, unknown>;
  for (const step of path.split('.')) {
    at = (step === '[]' ? at.items : (at.properties as Record<string, unknown>)[step]) as Record<string, unknown>;
  }
  return at;
}

test('the schemas of Kubernetes and Gateway API hold no reference and keep their defaults, merge keys and rules', () => {
  expect(JSON.stringify(sandboxKinds())).not.toContain('"$ref"');
  const containers = schemaAt(kindNamed('Deployment').schema, 'spec.template.spec.containers');
  expect(containers).toMatchObject({ 'x-kubernetes-patch-merge-key': 'name', 'x-kubernetes-list-map-keys': ['name'] });
  const rules = schemaAt(kindNamed('HTTPRoute').schema, 'spec.rules');
  expect(schemaAt(rules, '[].backendRefs.[].weight').default).toBe(1);
  expect(schemaAt(rules, '[].backendRefs.[].kind').default).toBe('Service');
  expect(rules['x-kubernetes-validations']).toBeInstanceOf(Array);
});

test('a Deployment gets the defaults that a real API server sets', () => {
  const deployment: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'shop' },
    spec: {
      selector: { matchLabels: { app: 'shop' } },
      template: {
        metadata: { labels: { app: 'shop' }, creationTimestamp: null },
        spec: { containers: [{ name: 'shop', image: 'demo:v1', ports: [{ containerPort: 8080 }] }] },
      },
    },
  };
  kindNamed('Deployment').defaultObject?.(deployment);
  expect(deployment.spec).toEqual({
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
    selector: { matchLabels: { app: 'shop' } },
    template: {
      metadata: { labels: { app: 'shop' } },
      spec: {
        restartPolicy: 'Always',
        terminationGracePeriodSeconds: 30,
        dnsPolicy: 'ClusterFirst',
        securityContext: {},
        schedulerName: 'default-scheduler',
        containers: [
          {
            name: 'shop',
            image: 'demo:v1',
            imagePullPolicy: 'IfNotPresent',
            ports: [{ containerPort: 8080, protocol: 'TCP' }],
            resources: {},
            terminationMessagePath: '/dev/termination-log',
            terminationMessagePolicy: 'File',
          },
        ],
      },
    },
  });
});

test('a Service keeps its cluster address over an update that leaves it out, and no two Services share one', () => {
  const kind = kindNamed('Service');
  const service = (name: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { ports: [{ port: 80 }] },
  });
  const [first, second, replaced] = [service('a'), service('b'), service('a')];
  kind.defaultObject?.(first);
  kind.defaultObject?.(second);
  kind.defaultObject?.(replaced, first);
  expect(first.spec).toMatchObject({ type: 'ClusterIP', ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }] });
  expect(replaced.spec).toEqual(first.spec);
  expect((second.spec as { clusterIP: string }).clusterIP).not.toBe((first.spec as { clusterIP: string }).clusterIP);
});
