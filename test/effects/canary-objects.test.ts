import { describe, expect, test } from 'vitest';
import type { Canary } from '../../src/api/canary.ts';
import { templateDigest } from '../../src/api/digest.ts';
import type { Deployment, Service } from '../../src/api/objects.ts';
import { selects } from '../../src/decide/canary-labels.ts';
import { canaryDeployment, canaryService } from '../../src/effects/canary-objects.ts';

const canary = { metadata: { name: 'shop', namespace: 'shop', uid: 'uid-of-the-canary' } } as Canary;
const ours = { 'linnet.dev/canary': 'shop', 'linnet.dev/canary-uid': 'uid-of-the-canary' };

const foreign = {
  'app.kubernetes.io/managed-by': 'Helm',
  'app.kubernetes.io/instance': 'shop',
  'helm.sh/chart': 'shop-1.0',
  'argocd.argoproj.io/instance': 'shop',
  'kustomize.toolkit.fluxcd.io/name': 'apps',
};
const foreignAnnotations = {
  'kubectl.kubernetes.io/last-applied-configuration': '{}',
  'deployment.kubernetes.io/revision': '7',
  'meta.helm.sh/release-name': 'shop',
  'argocd.argoproj.io/tracking-id': 'shop',
};

const service: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'shop',
    namespace: 'shop',
    labels: { team: 'a', ...foreign },
    annotations: { 'example.com/timeout': '5s', ...foreignAnnotations },
    ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'x' }],
  },
  spec: {
    type: 'LoadBalancer',
    clusterIP: '10.0.0.1',
    clusterIPs: ['10.0.0.1'],
    loadBalancerClass: 'x',
    trafficDistribution: 'PreferClose',
    sessionAffinity: 'ClientIP',
    selector: { app: 'shop' },
    ports: [
      {
        name: 'http',
        port: 80,
        targetPort: 'http',
        protocol: 'TCP',
        appProtocol: 'kubernetes.io/h2c',
        nodePort: 30_080,
      },
      { name: 'admin', port: 81, targetPort: 8081 },
    ],
  },
};

describe("the canary's Service", () => {
  const made = canaryService(canary, 'shop', service);

  test('has the ports of the stable one with names and protocols, and no node ports', () => {
    expect(made.spec.ports).toEqual([
      { name: 'http', port: 80, targetPort: 'http', protocol: 'TCP', appProtocol: 'kubernetes.io/h2c' },
      { name: 'admin', port: 81, targetPort: 8081 },
    ]);
  });

  test('answers like the stable one, from inside of the cluster', () => {
    expect(made.spec).toMatchObject({ trafficDistribution: 'PreferClose', sessionAffinity: 'ClientIP' });
    expect(made.spec).not.toHaveProperty('type');
    expect(made.spec).not.toHaveProperty('clusterIP');
    expect(made.spec).not.toHaveProperty('clusterIPs');
    expect(made.spec).not.toHaveProperty('loadBalancerClass');
  });

  test('is headless when the stable one is', () => {
    const headless = canaryService(canary, 'shop', { ...service, spec: { ...service.spec, clusterIP: 'None' } });
    expect(headless.spec.clusterIP).toBe('None');
  });

  test('selects the pods of this Canary and no others', () => {
    expect(made.spec.selector).toEqual({ 'linnet.dev/canary-uid': 'uid-of-the-canary' });
  });

  test('keeps labels and annotations but those by which other tools know their objects', () => {
    expect(made.metadata).toEqual({
      name: 'shop-canary',
      namespace: 'shop',
      labels: { team: 'a', ...ours },
      annotations: { 'example.com/timeout': '5s' },
    });
  });
});

const matching = { matchLabels: { app: 'shop', tier: 'web' } };

const target: Deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'shop',
    namespace: 'shop',
    labels: { team: 'a', ...foreign },
    annotations: foreignAnnotations,
    ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'x' }],
  },
  spec: {
    replicas: 4,
    paused: true,
    minReadySeconds: 3,
    selector: matching,
    template: {
      metadata: { labels: { app: 'shop', tier: 'web' }, annotations: { build: '2' } },
      spec: {
        containers: [{ name: 'shop', image: 'shop:v2' }],
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: 'kubernetes.io/hostname', labelSelector: matching },
              { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'db' } } },
            ],
            preferredDuringSchedulingIgnoredDuringExecution: [
              {
                weight: 1,
                podAffinityTerm: {
                  topologyKey: 'zone',
                  labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['shop', 'old-shop'] }] },
                },
              },
            ],
          },
        },
        topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', labelSelector: matching }],
      },
    },
  },
};

describe("the canary's Deployment", () => {
  const labels = { app: 'shop-canary', tier: 'web' };
  const made = canaryDeployment(canary, target, { labels, replicas: 2 });
  const pod = made.spec.template.spec as NonNullable<Deployment['spec']['template']['spec']> & {
    affinity: { podAntiAffinity: Record<string, object[]> };
  };

  test('is the waiting template on as many pods as asked, not paused', () => {
    expect(made.spec.replicas).toBe(2);
    expect(made.spec.paused).toBeUndefined();
    expect(made.spec.minReadySeconds).toBe(3);
    expect(pod['containers']).toEqual([{ name: 'shop', image: 'shop:v2' }]);
    expect(made.spec.template.metadata?.annotations).toEqual({ build: '2' });
    expect(made.metadata.annotations).toEqual({ 'linnet.dev/revision': templateDigest(target.spec.template) });
  });

  test('has pods that the selector of the target does not take, and its own does', () => {
    const podLabels = made.spec.template.metadata?.labels ?? {};
    expect(podLabels).toEqual({ ...labels, 'linnet.dev/canary-uid': 'uid-of-the-canary' });
    expect(selects(target.spec.selector, podLabels)).toBe(false);
    expect(selects(made.spec.selector, podLabels)).toBe(true);
  });

  test('carries no marks of other tools and has no owner', () => {
    expect(made.metadata.labels).toEqual({ team: 'a', ...ours });
    expect(made.metadata.ownerReferences).toBeUndefined();
  });

  test('keeps away from itself as the stable pods keep away from themselves', () => {
    const { podAntiAffinity } = pod.affinity;
    expect(podAntiAffinity['requiredDuringSchedulingIgnoredDuringExecution']).toEqual([
      { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } },
      { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'db' } } },
    ]);
    expect(podAntiAffinity['preferredDuringSchedulingIgnoredDuringExecution']).toEqual([
      {
        weight: 1,
        podAffinityTerm: {
          topologyKey: 'zone',
          labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['shop-canary'] }] },
        },
      },
    ]);
    expect(pod['topologySpreadConstraints']).toEqual([
      { maxSkew: 1, topologyKey: 'zone', labelSelector: { matchLabels: labels } },
    ]);
  });

  test('leaves the target as it is', () => {
    const before = structuredClone(target);
    canaryDeployment(canary, target, { labels, replicas: 2 });
    expect(target).toEqual(before);
  });

  test('takes a Canary with a long name', () => {
    const long = { metadata: { ...canary.metadata, name: 'x'.repeat(200) } } as Canary;
    const { metadata } = canaryDeployment(long, target, { labels, replicas: 1 });
    expect(metadata.labels?.['linnet.dev/canary']).toHaveLength(63);
  });
});
