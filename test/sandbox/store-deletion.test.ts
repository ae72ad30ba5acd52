import { describe, expect, test } from 'vitest';
import type { Kind } from '../../src/api/kinds.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import {
  aDeployment,
  aStore,
  at,
  by,
  configMap,
  deployment,
  namespace,
  pod,
  refusal,
  replicaSet,
  watched,
} from './store-fixtures.ts';

type Store = ReturnType<typeof aStore>;

const ownedBy = (owner: KubeObject, more: object = {}) => ({
  ownerReferences: [
    { apiVersion: owner.apiVersion, kind: owner.kind, name: owner.metadata.name, uid: owner.metadata.uid, ...more },
  ],
});
const child = (store: Store, name: string, owner: KubeObject, more: object = {}) =>
  store.create(replicaSet, { metadata: { name, namespace: 'default', ...ownedBy(owner, more) } }, by('controller'));
const names = (store: Store, kind: Kind = replicaSet) => store.list(kind).items.map(({ metadata }) => metadata.name);
const gone = (store: Store, ref: { kind: Kind; name: string }) => !names(store, ref.kind).includes(ref.name);

describe('finalizers', () => {
  test('keep an object, marked and with its generation counted, until the last is taken away', () => {
    const store = aStore();
    const metadata = { name: 'shop', namespace: 'default', finalizers: ['linnet.dev/restore'] };
    store.create(deployment, aDeployment('shop', { metadata }), by('k'));
    const ref = at(deployment, 'shop');
    const marked = store.delete(ref).metadata;
    expect(marked).toMatchObject({
      generation: 2,
      deletionTimestamp: '2026-01-02T03:04:05Z',
      deletionGracePeriodSeconds: 0,
    });
    expect(store.delete(ref).metadata.resourceVersion).toBe(marked.resourceVersion);
    const watch = watched(store, deployment, { resourceVersion: marked.resourceVersion ?? '' });
    store.patch(ref, { type: 'merge', body: { metadata: { finalizers: null } } }, by('linnet'));
    expect(gone(store, ref)).toBe(true);
    expect(watch.names()).toEqual(['DELETED shop']);
  });

  test('cannot be added once an object is being deleted', () => {
    const store = aStore();
    const metadata = { name: 'a', namespace: 'default', finalizers: ['x.dev/y'] };
    store.create(configMap, { metadata }, by('k'));
    store.delete(at(configMap, 'a'));
    const body = { metadata: { finalizers: ['x.dev/y', 'x.dev/z'] } };
    const status = refusal(() => store.patch(at(configMap, 'a'), { type: 'merge', body }, by('k')));
    expect(status).toMatchObject({ code: 422 });
    expect(status.message).toContain(
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"x.dev/z"}',
    );
  });
});

test('preconditions on uid and resourceVersion are kept', () => {
  const store = aStore();
  store.create(configMap, { metadata: { name: 'a', namespace: 'default' } }, by('k'));
  const ref = at(configMap, 'a');
  expect(refusal(() => store.delete(ref, { preconditions: { uid: 'x' } })).message).toContain('UID in precondition: x');
  expect(refusal(() => store.delete(ref, { preconditions: { resourceVersion: '1' } })).code).toBe(409);
  store.delete(ref, { dryRun: true });
  expect(gone(store, ref)).toBe(false);
  store.delete(ref);
  expect(gone(store, ref)).toBe(true);
});

test('pods on a node get their grace period, all others go at once', () => {
  const store = aStore();
  for (const [name, spec] of Object.entries({ running: { nodeName: 'n' }, waiting: {} })) {
    store.create(pod, { metadata: { name, namespace: 'default' }, spec }, by('k'));
  }
  store.delete(at(pod, 'waiting'));
  expect(store.delete(at(pod, 'running')).metadata).toMatchObject({
    deletionTimestamp: '2026-01-02T03:04:35Z',
    deletionGracePeriodSeconds: 30,
  });
  expect(names(store, pod)).toEqual(['running']);
  store.delete(at(pod, 'running'), { gracePeriodSeconds: 0 });
  expect(names(store, pod)).toEqual([]);
});

describe('owners', () => {
  test('take their dependents with them in the background, but not those that another owner holds', () => {
    const store = aStore();
    const owner = store.create(deployment, aDeployment('shop'), by('k'));
    const other = store.create(deployment, aDeployment('other'), by('k'));
    const middle = child(store, 'middle', owner);
    store.create(pod, { metadata: { name: 'leaf', namespace: 'default', ...ownedBy(middle) } }, by('k'));
    const both = [...ownedBy(owner).ownerReferences, ...ownedBy(other).ownerReferences];
    store.create(replicaSet, { metadata: { name: 'shared', namespace: 'default', ownerReferences: both } }, by('k'));
    store.delete(at(deployment, 'shop'));
    expect(names(store, pod)).toEqual([]);
    expect(names(store)).toEqual(['shared']);
    expect(store.get(at(replicaSet, 'shared')).metadata).toMatchObject(ownedBy(other));
  });

  test('are orphaned from their dependents on request', () => {
    const store = aStore();
    child(store, 'rs', store.create(deployment, aDeployment('shop'), by('k')));
    store.delete(at(deployment, 'shop'), { propagationPolicy: 'Orphan' });
    expect(names(store, deployment)).toEqual([]);
    expect(store.get(at(replicaSet, 'rs')).metadata.ownerReferences).toBeUndefined();
  });

  test('wait in the foreground for the dependents that block them', () => {
    const store = aStore();
    const owner = store.create(deployment, aDeployment('shop'), by('k'));
    const held = { finalizers: ['x.dev/y'] };
    const metadata = { name: 'rs', namespace: 'default', ...held, ...ownedBy(owner, { blockOwnerDeletion: true }) };
    store.create(replicaSet, { metadata }, by('k'));
    const waiting = store.delete(at(deployment, 'shop'), { propagationPolicy: 'Foreground' });
    expect(waiting.metadata.finalizers).toEqual(['foregroundDeletion']);
    expect(store.get(at(replicaSet, 'rs')).metadata.deletionTimestamp).toBeDefined();
    store.patch(at(replicaSet, 'rs'), { type: 'merge', body: { metadata: { finalizers: null } } }, by('k'));
    expect(names(store, deployment)).toEqual([]);
    expect(names(store)).toEqual([]);
  });

  test('that are gone already are found out a moment after the dependent is made', () => {
    const store = aStore();
    const owner = store.create(deployment, aDeployment('shop'), by('k'));
    store.delete(at(deployment, 'shop'));
    child(store, 'late', owner);
    expect(names(store)).toEqual(['late']);
    store.clock.advance(0);
    expect(names(store)).toEqual([]);
  });
});

describe('namespaces', () => {
  test('are there from the start, and take their contents with them', () => {
    const store = aStore();
    expect(names(store, namespace)).toEqual(['default', 'kube-node-lease', 'kube-public', 'kube-system']);
    store.create(namespace, { metadata: { name: 'shop' } }, by('k'));
    const inShop = (name: string, more: object = {}) =>
      store.create(configMap, { metadata: { name, namespace: 'shop', ...more } }, by('k'));
    inShop('free');
    inShop('held', { finalizers: ['x.dev/y'] });
    const going = store.delete(at(namespace, 'shop'));
    expect(going).toMatchObject({ status: { phase: 'Terminating' } });
    expect(names(store, configMap)).toEqual(['held']);
    expect(refusal(() => inShop('late'))).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message:
        'configmaps "late" is forbidden: unable to create new content in namespace shop because it is being terminated',
    });
    const held = { kind: configMap, namespace: 'shop', name: 'held' };
    store.patch(held, { type: 'merge', body: { metadata: { finalizers: [] } } }, by('k'));
    expect(gone(store, at(namespace, 'shop'))).toBe(true);
  });
});

test('a write costs the same with thousands of objects', () => {
  const store = aStore();
  const owner = store.create(deployment, aDeployment('shop'), by('k'));
  for (let i = 0; i < 3000; i++) {
    store.create(pod, { metadata: { name: `p${i}`, namespace: 'default', ...ownedBy(owner) } }, by('k'));
  }
  for (let i = 0; i < 3000; i++) {
    const patch = { type: 'merge' as const, body: { metadata: { labels: { i: String(i) } } } };
    store.patch(at(pod, `p${i}`), patch, by('k'));
  }
  expect(names(store, pod)).toHaveLength(3000);
  store.delete(at(deployment, 'shop'));
  expect(names(store, pod)).toEqual([]);
});
