import { describe, expect, test } from 'vitest';
import type { Canary } from '../../src/api/canary.ts';
import { type Kind, apiVersionOf, kinds } from '../../src/api/kinds.ts';
import { canaryUidLabel } from '../../src/api/names.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import { concerns } from '../../src/engine/interest.ts';

const serviceNameLabel = 'kubernetes.io/service-name';

/** A Canary on Deployment `shop` and route `shop` that is at rest and has nothing to complain of. */
const resting = {
  apiVersion: apiVersionOf(kinds.canary),
  kind: 'Canary',
  metadata: { name: 'shop', namespace: 'shop', uid: 'canary-uid' },
  spec: {
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' },
    routes: [{ kind: 'HTTPRoute', name: 'shop' }],
    analysis: { interval: '30s', metrics: [{ name: 'latency', templateRef: { name: 'latency' } }] },
  },
  status: { stage: 'Resting', conditions: [{ type: 'Ready', status: 'True', reason: 'Ready', message: '' }] },
} as unknown as Canary;

const subject = {
  target: 'shop',
  stable: { name: 'shop-service' },
  canary: { name: 'shop-canary' },
  routes: [{ kind: 'HTTPRoute', name: 'shop' }],
};

const releasing = withStatus({ stage: 'Watching', release: { frozen: { subject } } });

const betweenBackends = {
  ...resting,
  spec: {
    ...withoutTarget(resting.spec),
    backends: { stable: { name: 'v1', port: 80 }, canary: { name: 'v2', port: 80 } },
  },
} as unknown as Canary;

function withoutTarget({ targetRef: _, ...spec }: Canary['spec']): object {
  return spec;
}

function withStatus(changes: object): Canary {
  return { ...resting, status: { ...resting.status, ...changes } } as Canary;
}

function object(kind: Kind, name: string, metadata: Partial<KubeObject['metadata']> = {}): KubeObject {
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name, namespace: 'shop', ...metadata } };
}

const ownedBy = (name: string) => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name, uid: `${name}-uid`, controller: true }],
});
const sliceOf = (service: string) =>
  object(kinds.endpointSlice, `${service}-abcde`, { labels: { [serviceNameLabel]: service } });

type Row = [sentence: string, kind: Kind, changed: KubeObject];

const ofItsOwn: Row[] = [
  ['its target', kinds.deployment, object(kinds.deployment, 'shop')],
  ['the Deployment of its canary', kinds.deployment, object(kinds.deployment, 'shop-canary')],
  [
    'a Deployment that it made under another name',
    kinds.deployment,
    object(kinds.deployment, 'left-over', { labels: { [canaryUidLabel]: 'canary-uid' } }),
  ],
  ["a ReplicaSet of its target's", kinds.replicaSet, object(kinds.replicaSet, 'shop-1', ownedBy('shop'))],
  ['its route', kinds.httpRoute, object(kinds.httpRoute, 'shop')],
  ['a MetricTemplate that it asks by', kinds.metricTemplate, object(kinds.metricTemplate, 'latency')],
  [
    'the Service that it made',
    kinds.service,
    object(kinds.service, 'shop-canary', { labels: { [canaryUidLabel]: 'canary-uid' } }),
  ],
  ['a Service of somebody, since a new selector may match its pods', kinds.service, object(kinds.service, 'anything')],
];

const ofOthers: Row[] = [
  ['another Deployment', kinds.deployment, object(kinds.deployment, 'cart')],
  [
    "another Canary's Deployment",
    kinds.deployment,
    object(kinds.deployment, 'cart-canary', { labels: { [canaryUidLabel]: 'another-uid' } }),
  ],
  ["another Deployment's ReplicaSet", kinds.replicaSet, object(kinds.replicaSet, 'cart-1', ownedBy('cart'))],
  [
    'the Service that another Canary made, which selects no pods but those of its own canary',
    kinds.service,
    object(kinds.service, 'cart-canary', { labels: { [canaryUidLabel]: 'another-uid' } }),
  ],
  ["another Service's endpoints", kinds.endpointSlice, sliceOf('cart')],
  ['another route', kinds.httpRoute, object(kinds.httpRoute, 'cart')],
  ['a MetricTemplate that it does not name', kinds.metricTemplate, object(kinds.metricTemplate, 'errors')],
];

describe('a Canary at rest', () => {
  test.each(ofItsOwn)('is looked at when %s changes', (_, kind, changed) => {
    expect(concerns(resting, kind, changed)).toBe(true);
  });

  test.each(ofOthers)('is left alone when %s changes', (_, kind, changed) => {
    expect(concerns(resting, kind, changed)).toBe(false);
  });

  test('is left alone when pods of its own come and go, since nothing depends on their number', () => {
    expect(concerns(resting, kinds.endpointSlice, sliceOf('shop-service'))).toBe(false);
  });

  test('hears of every Deployment between two backends, where any may be behind the Services', () => {
    expect(concerns(betweenBackends, kinds.deployment, object(kinds.deployment, 'anything'))).toBe(true);
  });
});

test('a Canary between two backends hears of its Services, whoever made them', () => {
  const made = object(kinds.service, 'v2', { labels: { [canaryUidLabel]: 'another-uid' } });
  expect(concerns(betweenBackends, kinds.service, made)).toBe(true);
});

describe('a Canary in an attempt', () => {
  test.each(['shop-service', 'shop-canary'])('is looked at when the endpoints of %s change', (service) => {
    expect(concerns(releasing, kinds.endpointSlice, sliceOf(service))).toBe(true);
  });

  test.each(ofOthers)('is left alone when %s changes', (_, kind, changed) => {
    expect(concerns(releasing, kind, changed)).toBe(false);
  });

  test('still hears of the target and the route that it began with after its spec names others', () => {
    const edited = {
      ...releasing,
      spec: { ...resting.spec, targetRef: { name: 'other' }, routes: [{ name: 'other' }] },
    } as unknown as Canary;
    expect(concerns(edited, kinds.deployment, object(kinds.deployment, 'shop'))).toBe(true);
    expect(concerns(edited, kinds.httpRoute, object(kinds.httpRoute, 'shop'))).toBe(true);
  });
});

describe('a Canary that lacks something', () => {
  const notReady = withStatus({
    conditions: [{ type: 'Ready', status: 'False', reason: 'TargetNotFound', message: '' }],
  });

  test.each(ofOthers)('hears that %s changes, since it may be what is missing', (_, kind, changed) => {
    expect(concerns(notReady, kind, changed)).toBe(true);
  });

  test('hears of everything while it is being deleted', () => {
    const deleted = { ...resting, metadata: { ...resting.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(concerns(deleted, kinds.deployment, object(kinds.deployment, 'cart'))).toBe(true);
  });
});
