import { beforeEach, describe, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import type { KubeObject, Route } from '../../src/api/objects.ts';
import type { Reading, RouteView, View } from '../../src/decide/view.ts';
import type { KubeCache, ObjectRef } from '../../src/ports/kube.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import { createViewer } from '../../src/view/viewer.ts';
import { type Cluster, aCluster, startMs } from '../effects/store-cluster.ts';
import { canary, deployment, route, service, withReplicaSet } from './manifests.ts';

const unasked: Metrics = {
  preset: () => undefined,
  counts: () => Promise.reject(new Error('nobody asked for counts')),
  value: () => Promise.reject(new Error('nobody asked for a value')),
};

let nowMs = startMs;
beforeEach(() => {
  nowMs = startMs;
});

function viewerOf(cluster: Cluster) {
  const clock = { now: () => nowMs, monotonic: () => nowMs, after: () => () => {} };
  return createViewer({ kube: cluster.kube, cache: cluster.cache, metrics: unasked, clock, checkPeriodMs: 5_000 });
}

async function look(cluster: Cluster, reading: Reading = 'none', viewer = viewerOf(cluster)): Promise<View> {
  const seen = await viewer.look('shop', 'shop', reading);
  if (seen === undefined) throw new Error('there is no Canary shop');
  return seen.view;
}

/** A shop that is rolled out and held by nobody, with its Service, its route and a Canary. */
function aShop(parts: { deployment?: string; service?: string; route?: string; canary?: string } = {}): Cluster {
  const cluster = aCluster(
    parts.deployment ?? deployment('shop'),
    parts.service ?? service('shop'),
    parts.route ?? route('shop', [{ name: 'shop' }]),
    parts.canary ?? canary(),
  );
  withReplicaSet(cluster);
  return cluster;
}

const reasons = (view: View) => [...view.problems, ...(view.surroundings?.problems ?? [])].map(({ reason }) => reason);

function found(view: View): Extract<RouteView, { found: true }> {
  const [first] = view.routes;
  if (first?.found !== true) throw new Error('the route was not found');
  return first;
}

/** What was noted of the first managed rule. */
function firstRule(plan: Record<string, unknown> | undefined): unknown {
  const rules: unknown = plan?.['rules'];
  return Array.isArray(rules) ? rules[0] : undefined;
}

describe('a look at a shop at rest', () => {
  test('finds nothing in the way and nothing new', async () => {
    const view = await look(aShop());
    expect(view).toMatchObject({ problems: [], stable: { desired: 4 }, carrier: undefined, hasCanaryService: false });
    expect(view.target).toMatchObject({ rolledOut: true, hold: { state: 'free' } });
    expect(view.revision).toBe(view.stableRevision);
    expect(view.wanted?.subject).toMatchObject({ target: 'shop', stable: { name: 'shop' } });
  });

  test('asks the server for nothing', async () => {
    const cluster = aShop();
    await look(cluster);
    expect(cluster.requests).toEqual([]);
  });

  test('sees a new template as another revision, and its ReplicaSet as the same one', async () => {
    const cluster = aShop();
    const before = await look(cluster);
    cluster.edit(kinds.deployment, 'shop', { spec: { template: { spec: { terminationGracePeriodSeconds: 5 } } } });
    const after = await look(cluster);
    expect(after.revision).not.toBe(before.revision);
    expect(after.stableRevision).toBe(before.revision);
  });
});

describe('who holds the target', () => {
  const pausedBy = async (manager: string, paused: boolean) => {
    const cluster = aShop();
    cluster.edit(kinds.deployment, 'shop', { spec: { paused } }, manager);
    return look(cluster);
  };

  test('is Linnet when it owns spec.paused', async () => {
    expect((await pausedBy('linnet', true)).target?.hold).toEqual({ state: 'held' });
  });

  test.each([true, false])('is somebody else who owns spec.paused: %s', async (paused) => {
    const view = await pausedBy('helm', paused);
    expect(view.target?.hold).toEqual({ state: 'foreign', manager: 'helm' });
    expect(reasons(view)).toEqual(['PausedByOther']);
  });

  test('is nobody when a deleted Canary has left it paused, and the template that waits there is new', async () => {
    const cluster = aShop();
    cluster.edit(kinds.deployment, 'shop', { spec: { paused: true } }, 'linnet');
    const { managedFields = [] } = cluster.get(kinds.deployment, 'shop').metadata;
    const at = managedFields.findIndex(({ manager }) => manager === 'linnet');
    const ops = [{ op: 'remove', path: `/metadata/managedFields/${at}` }];
    const ref = { kind: kinds.deployment, namespace: 'shop', name: 'shop' };
    cluster.store.patch(ref, { type: 'json', ops }, { fieldManager: 'linnet' });
    cluster.edit(kinds.deployment, 'shop', { spec: { template: { spec: { terminationGracePeriodSeconds: 5 } } } });
    cluster.report(kinds.deployment, 'shop', { observedGeneration: 9 });
    const { target } = await look(cluster);
    expect(target).toMatchObject({ hold: { state: 'free' }, rolledOut: true });
    expect(target?.specDigest).not.toBe(target?.activeDigest);
  });
});

describe('what keeps an attempt from beginning', () => {
  const volume = 'volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]';
  const rows: [sentence: string, parts: Parameters<typeof aShop>[0], reason: string][] = [
    ['no pods', { deployment: deployment('shop').replace('replicas: 4', 'replicas: 0') }, 'TargetScaledToZero'],
    ['Recreate', { deployment: deployment('shop', { spec: 'strategy: {type: Recreate}' }) }, 'NotCanaryable'],
    ['a volume that is written to', { deployment: deployment('shop', { pod: volume }) }, 'NotCanaryable'],
    ['the host network', { deployment: deployment('shop', { pod: 'hostNetwork: true' }) }, 'NotCanaryable'],
    ['no such target', { canary: canary('', 'targetRef: {name: other}') }, 'TargetNotFound'],
    ['a route without the Service', { route: route('shop', [{ name: 'other' }]) }, 'RouteHasNoStableBackend'],
    ['labels that cannot be told apart', { canary: canary('canaryLabels: {app: shop}') }, 'NoSeparatingLabel'],
  ];

  test.each(rows)('%s', async (_sentence, parts, reason) => {
    expect(reasons(await look(aShop(parts)))).toEqual([reason]);
  });

  test('is let through by acceptSideBySide', async () => {
    const recreated = deployment('shop', { spec: 'strategy: {type: Recreate}' });
    expect(reasons(await look(aShop({ deployment: recreated, canary: canary('acceptSideBySide: true') })))).toEqual([]);
  });

  test('sessions that stay where they are, unless they are accepted', async () => {
    expect(reasons(await look(withSessions(aShop())))).toEqual(['SessionPersistence']);
    const accepted = aShop({ canary: canary('acceptSessionPersistence: true') });
    expect(reasons(await look(withSessions(accepted)))).toEqual([]);
  });

  /** The field is of the experimental channel, which the sandbox does not serve. */
  function withSessions(cluster: Cluster): Cluster {
    const persistent = (object: KubeObject | undefined) => {
      const [rule] = (object as Route | undefined)?.spec.rules ?? [];
      if (rule !== undefined) rule['sessionPersistence'] = { sessionName: 'who' };
      return object;
    };
    const get: KubeCache['get'] = <T extends KubeObject>(ref: ObjectRef) => persistent(cluster.cache.get(ref)) as T;
    return { ...cluster, cache: { ...cluster.cache, get } };
  }

  test.each([
    ['Deployment', deployment('shop-canary')],
    ['Service', service('shop-canary')],
  ])('a %s that has the name of the canary and is not of this Canary', async (kind, manifest) => {
    const cluster = aShop();
    cluster.apply(manifest);
    const { problems } = await look(cluster);
    expect(problems.map(({ reason }) => reason)).toEqual(['NameTaken']);
    expect(problems[0]?.message).toContain(`${kind} shop-canary`);
  });

  test('an older Canary on the same target', async () => {
    const cluster = aCluster(deployment('shop'), service('shop'), route('shop', [{ name: 'shop' }]));
    cluster.apply(canary('', 'targetRef: {name: shop}', 'first'), canary());
    withReplicaSet(cluster);
    expect(reasons(await look(cluster))).toEqual(['TargetInUse']);
  });
});

describe('what surrounds the target', () => {
  const networkPolicy = (name: string, selector: string) =>
    `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: ${name}, namespace: shop}, spec: {podSelector: ${selector}, policyTypes: [Ingress]}}`;
  const autoscaler = (target: string, minReplicas: number) =>
    `{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: ${target}, namespace: shop}, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ${target}}, minReplicas: ${minReplicas}, maxReplicas: 9}}`;
  const tlsPolicy = (...services: string[]) =>
    `{apiVersion: gateway.networking.k8s.io/v1, kind: BackendTLSPolicy, metadata: {name: tls, namespace: shop}, spec: {targetRefs: [${services.map((name) => `{group: "", kind: Service, name: ${name}}`).join(', ')}], validation: {hostname: shop.example, wellKnownCACertificates: System}}}`;
  const budget = (name: string, selector: string) =>
    `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: ${name}, namespace: shop}, spec: {minAvailable: 2, selector: ${selector}}}`;
  const ofShop = '{matchLabels: {app: shop}}';

  const rows: [sentence: string, manifests: string[], reasons: string[]][] = [
    ['nothing at all', [], []],
    ['a policy for the stable pods alone', [networkPolicy('p', ofShop)], ['PolicyWouldNotCoverCanary']],
    ['a policy for all pods', [networkPolicy('p', '{}')], []],
    ['a policy for other pods', [networkPolicy('p', '{matchLabels: {app: db}}')], []],
    [
      'a policy for both',
      [networkPolicy('p', '{matchExpressions: [{key: app, operator: In, values: [shop, shop-canary]}]}')],
      [],
    ],
    [
      'a policy for all that have the label',
      [networkPolicy('p', '{matchExpressions: [{key: app, operator: Exists}]}')],
      [],
    ],
    ['an autoscaler down to nothing', [autoscaler('shop', 0)], ['ScalesToZero']],
    ['an autoscaler down to one', [autoscaler('shop', 1)], []],
    ["another Deployment's autoscaler", [autoscaler('db', 0)], []],
    ['TLS to the stable Service alone', [tlsPolicy('shop')], ['NotCovered']],
    ['TLS to both Services', [tlsPolicy('shop', 'shop-canary')], []],
    ['TLS to another Service', [tlsPolicy('db')], []],
  ];

  test.each(rows)('%s', async (_sentence, manifests, expected) => {
    const cluster = aShop();
    cluster.apply(...manifests);
    expect(reasons(await look(cluster, 'surroundings'))).toEqual(expected);
  });

  test('says what to do', async () => {
    const cluster = aShop();
    cluster.apply(networkPolicy('strict', ofShop));
    const { surroundings } = await look(cluster, 'surroundings');
    expect(surroundings?.problems[0]?.message).toContain('app=shop-canary');
    expect(surroundings?.problems[0]?.message).toContain('NetworkPolicy/strict in spec.acceptUncovered');
  });

  test('is accepted by name', async () => {
    const accepted = 'acceptUncovered: [NetworkPolicy/p, BackendTLSPolicy/tls]';
    const cluster = aShop({ canary: canary(accepted) });
    cluster.apply(networkPolicy('p', ofShop), tlsPolicy('shop'), networkPolicy('other', ofShop));
    const { surroundings } = await look(cluster, 'surroundings');
    expect(surroundings?.problems.map(({ message }) => message.slice(0, 19))).toEqual(['NetworkPolicy other']);
  });

  test('names the budget of which the canary needs a copy', async () => {
    const cluster = aShop();
    cluster.apply(budget('all', '{}'), budget('others', '{matchLabels: {app: db}}'));
    expect((await look(cluster, 'surroundings')).surroundings?.budget).toBeUndefined();
    nowMs += 60_000;
    cluster.apply(budget('ours', ofShop));
    expect((await look(cluster, 'surroundings')).surroundings?.budget).toBe('ours');
  });

  test('is listed once for all attempts of a namespace that begin together', async () => {
    const cluster = aShop();
    const viewer = viewerOf(cluster);
    await Promise.all([look(cluster, 'surroundings', viewer), look(cluster, 'surroundings', viewer)]);
    expect(cluster.requests.toSorted()).toEqual([
      'list BackendTLSPolicy',
      'list HorizontalPodAutoscaler',
      'list NetworkPolicy',
      'list PodDisruptionBudget',
    ]);
    nowMs += 5_000;
    await look(cluster, 'surroundings', viewer);
    expect(cluster.requests).toHaveLength(8);
  });

  test('has no objects of a kind that the cluster does not have', async () => {
    const cluster = aShop();
    cluster.refuse(kinds.backendTlsPolicy, 404);
    expect(reasons(await look(cluster, 'surroundings'))).toEqual([]);
  });

  test('is in the way where Linnet may not look', async () => {
    const cluster = aShop();
    cluster.refuse(kinds.networkPolicy, 403);
    expect(reasons(await look(cluster, 'surroundings'))).toEqual(['Forbidden']);
  });

  test('is not remembered when it could not be read', async () => {
    const cluster = aShop();
    const viewer = viewerOf(cluster);
    cluster.refuse(kinds.networkPolicy, 500);
    await expect(look(cluster, 'surroundings', viewer)).rejects.toThrow('NetworkPolicy');
    cluster.refuse(kinds.networkPolicy, 404);
    expect(reasons(await look(cluster, 'surroundings', viewer))).toEqual([]);
  });
});

describe('a canary that status does not know of', () => {
  test.each([
    ['a part of the traffic', 60, 40],
    ['all of it', 0, 100],
  ])('with %s is planned as something to remove, and its weight as the stable one', async (_part, stable, other) => {
    const backends = [
      { name: 'shop', weight: stable },
      { name: 'shop-canary', weight: other },
    ];
    const view = await look(aShop({ route: route('shop', backends) }));
    expect(reasons(view)).toEqual([]);
    const { ours, share, plan } = found(view);
    expect({ ours, share }).toEqual({ ours: true, share: other });
    expect(firstRule(plan)).toMatchObject({ stable: 0, sum: 100 });
    expect(firstRule(plan)).not.toHaveProperty('canary');
  });

  test("is the user's between two backends", async () => {
    const backends = 'backends: {stable: {name: shop, port: 80}, canary: {name: shop-canary, port: 80}}';
    const weights = [
      { name: 'shop', weight: 60 },
      { name: 'shop-canary', weight: 40 },
    ];
    const cluster = aShop({ canary: canary('', backends), route: route('shop', weights) });
    cluster.apply(service('shop-canary'));
    const { ours, plan } = found(await look(cluster));
    expect(ours).toBe(false);
    expect(firstRule(plan)).toMatchObject({ stable: 0, canary: 1, sum: 100 });
  });

  test('keeps its place among the other backends', async () => {
    const weights = [
      { name: 'shop-canary', weight: 1 },
      { name: 'other', weight: 3 },
      { name: 'shop', weight: 1 },
    ];
    const { plan } = found(await look(aShop({ route: route('shop', weights) })));
    expect(firstRule(plan)).toMatchObject({
      refs: [
        { backend: 'other:80', weight: 3 },
        { backend: 'shop:80', weight: 2 },
      ],
      stable: 1,
    });
  });
});

describe('a route', () => {
  test('that is gone is said to be so', async () => {
    const cluster = aShop();
    cluster.store.delete({ kind: kinds.httpRoute, namespace: 'shop', name: 'shop' });
    expect(reasons(await look(cluster))).toEqual(['RouteNotFound']);
  });

  test('has its weights read as they are', async () => {
    const view = await look(aShop());
    expect(found(view)).toMatchObject({ share: undefined, ours: false, managed: false, fence: undefined });
    const routeNow = aShop().get<Route>(kinds.httpRoute, 'shop');
    expect(found(view).plan?.['uid']).toBe(routeNow.metadata.uid);
  });
});
