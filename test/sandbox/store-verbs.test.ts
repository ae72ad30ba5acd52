import { describe, expect, test } from 'vitest';
import {
  aDeployment,
  aStore,
  at,
  by,
  configMap,
  define,
  deployment,
  namespace,
  refusal,
  service,
} from './store-fixtures.ts';

const settings = (data: Record<string, string> = { a: '1' }) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings', namespace: 'default' },
  data,
});

describe('create', () => {
  test('gives an object uid, creationTimestamp, resourceVersion and, where counted, generation 1', () => {
    const store = aStore();
    const made = store.create(deployment, aDeployment('shop'), by('kubectl'));
    expect(made.metadata).toMatchObject({ generation: 1, creationTimestamp: '2026-01-02T03:04:05Z' });
    expect(made.metadata.uid).toMatch(/^0000/);
    expect(store.get(at(deployment, 'shop'))).toEqual(made);
    expect(store.create(configMap, settings(), by('kubectl')).metadata.generation).toBeUndefined();
  });

  test('ignores what a client cannot choose: uid, times, generation, status', () => {
    const store = aStore();
    const wish = aDeployment('shop', { status: { replicas: 9 } });
    Object.assign(wish.metadata, { uid: 'mine', generation: 7, creationTimestamp: '2000-01-01T00:00:00Z' });
    const made = store.create(deployment, wish, by('kubectl'));
    expect(made.metadata.uid).not.toBe('mine');
    expect(made.metadata.generation).toBe(1);
    expect(made['status']).toBeUndefined();
  });

  test('refuses a second object of the name, an object with a resourceVersion and one in a missing namespace', () => {
    const store = aStore();
    store.create(configMap, settings(), by('kubectl'));
    const again = refusal(() => store.create(configMap, settings(), by('kubectl')));
    expect(again).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "settings" already exists',
    });
    const versioned = { ...settings(), metadata: { name: 'x', namespace: 'default', resourceVersion: '1' } };
    expect(refusal(() => store.create(configMap, versioned, by('kubectl'))).code).toBe(500);
    const elsewhere = { ...settings(), metadata: { name: 'x', namespace: 'nowhere' } };
    const missing = refusal(() => store.create(configMap, elsewhere, by('kubectl')));
    expect(missing).toMatchObject({ code: 404, message: 'namespaces "nowhere" not found' });
  });

  test.each([
    ['Upper', 'a lowercase RFC 1123 subdomain must consist of'],
    ['a/b', 'a lowercase RFC 1123 subdomain must consist of'],
    ['x'.repeat(254), 'must be no more than 253 bytes'],
  ])('refuses the name %s', (name, message) => {
    const store = aStore();
    const object = { ...settings(), metadata: { name, namespace: 'default' } };
    const status = refusal(() => store.create(configMap, object, by('kubectl')));
    expect(status).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(status.message).toContain('metadata.name: Invalid value: ');
    expect(status.message).toContain(message);
  });

  test('limits names of Services to 63 characters and needs a name at all', () => {
    const store = aStore();
    const long = { metadata: { name: 'x'.repeat(64), namespace: 'default' } };
    expect(refusal(() => store.create(service, long, by('kubectl'))).message).toContain(
      'must be no more than 63 bytes',
    );
    const nameless = refusal(() => store.create(service, { metadata: { namespace: 'default' } }, by('kubectl')));
    expect(nameless.message).toBe(
      'Service "" is invalid: metadata.name: Required value: name or generateName is required',
    );
  });

  test('generates a name from generateName', () => {
    const store = aStore();
    const body = { metadata: { generateName: 'shop-' } };
    const made = store.create(configMap, body, { ...by('kubectl'), namespace: 'default' });
    expect(made.metadata.name).toMatch(/^shop-[a-z0-9]{5}$/);
  });

  test('keeps an annotation named __proto__ as data', () => {
    const store = aStore();
    const body = JSON.parse('{"metadata":{"name":"odd"},"data":{"__proto__":"x"}}') as object;
    const made = store.create(configMap, body, { ...by('kubectl'), namespace: 'default' });
    expect(JSON.stringify(made['data'])).toBe('{"__proto__":"x"}');
  });

  test('stores nothing in a dry run', () => {
    const store = aStore();
    store.create(configMap, settings(), { ...by('kubectl'), dryRun: true });
    expect(refusal(() => store.get(at(configMap, 'settings')))).toMatchObject({
      code: 404,
      reason: 'NotFound',
      message: 'configmaps "settings" not found',
      details: { name: 'settings', kind: 'configmaps' },
    });
  });
});

describe('update', () => {
  test('keeps the resourceVersion when nothing changes', () => {
    const store = aStore();
    const made = store.create(configMap, settings(), by('kubectl'));
    store.clock.advance(5000);
    expect(store.update(at(configMap, 'settings'), made, by('kubectl'))).toEqual(made);
    expect(store.list(configMap).resourceVersion).toBe(made.metadata.resourceVersion);
  });

  test('refuses an old resourceVersion', () => {
    const store = aStore();
    const made = store.create(configMap, settings(), by('kubectl'));
    store.update(at(configMap, 'settings'), settings({ a: '2' }), by('kubectl'));
    const status = refusal(() => store.update(at(configMap, 'settings'), made, by('kubectl')));
    expect(status).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "settings": the object has been modified; please apply your changes to the latest version and try again',
    });
  });

  test('refuses another uid and another name', () => {
    const store = aStore();
    store.create(configMap, settings(), by('kubectl'));
    const other = { ...settings(), metadata: { name: 'settings', uid: 'other' } };
    expect(refusal(() => store.update(at(configMap, 'settings'), other, by('kubectl'))).message).toContain(
      'Precondition failed: UID in precondition: other, UID in object meta: ',
    );
    const renamed = { ...settings(), metadata: { name: 'renamed' } };
    expect(refusal(() => store.update(at(configMap, 'settings'), renamed, by('kubectl'))).code).toBe(400);
  });

  test('counts generation on changes of the spec only', () => {
    const store = aStore();
    store.create(deployment, aDeployment('shop'), by('kubectl'));
    const ref = at(deployment, 'shop');
    const relabel = store.patch(ref, { type: 'merge', body: { metadata: { labels: { x: 'y' } } } }, by('kubectl'));
    expect(relabel.object.metadata.generation).toBe(1);
    const scaled = store.patch(ref, { type: 'merge', body: { spec: { replicas: 5 } } }, by('kubectl'));
    expect(scaled.object.metadata.generation).toBe(2);
  });

  test('writes status only through its subresource, and nothing else through it', () => {
    const store = aStore();
    store.create(deployment, aDeployment('shop'), by('kubectl'));
    const ref = at(deployment, 'shop');
    const both = { type: 'merge' as const, body: { spec: { replicas: 3 }, status: { replicas: 3 } } };
    expect(store.patch(ref, both, { ...by('c'), subresource: 'status' }).object).toMatchObject({
      metadata: { generation: 1 },
      spec: { replicas: 2 },
      status: { replicas: 3 },
    });
    const main = store.patch(ref, { type: 'merge', body: { spec: { replicas: 4 }, status: null } }, by('c')).object;
    expect(main).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 4 }, status: { replicas: 3 } });
  });
});

test('selectors of workloads stay as they are and select their own template', () => {
  const store = aStore();
  store.create(deployment, aDeployment('shop'), by('kubectl'));
  const body = { spec: { replicas: -1, selector: { matchLabels: { app: 'other' } } } };
  const status = refusal(() => store.patch(at(deployment, 'shop'), { type: 'merge', body }, by('kubectl')));
  expect(status.details?.causes?.map(({ field, message }) => `${field}: ${message}`)).toEqual([
    'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    'spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable',
    'spec.template.metadata.labels: Invalid value: {"app":"shop"}: `selector` does not match template `labels`',
  ]);
});

describe('patch', () => {
  test('merges as RFC 7396 says', () => {
    const store = aStore();
    store.create(configMap, settings({ a: '1', b: '2' }), by('kubectl'));
    const { object } = store.patch(
      at(configMap, 'settings'),
      { type: 'merge', body: { data: { a: null, c: '3' } } },
      by('kubectl'),
    );
    expect(object['data']).toEqual({ b: '2', c: '3' });
  });

  test('refuses a merge patch that carries an old resourceVersion', () => {
    const store = aStore();
    const { metadata } = store.create(configMap, settings(), by('kubectl'));
    const ref = at(configMap, 'settings');
    const body = (value: string) => ({
      metadata: { resourceVersion: metadata.resourceVersion },
      data: { a: value },
    });
    store.patch(ref, { type: 'merge', body: body('2') }, by('kubectl'));
    expect(refusal(() => store.patch(ref, { type: 'merge', body: body('3') }, by('kubectl'))).code).toBe(409);
  });

  test('answers a JSON Patch that sets an old resourceVersion with 409, and a failed test with 422 without detail', () => {
    const store = aStore();
    const old = store.create(configMap, settings(), by('kubectl')).metadata.resourceVersion;
    const ref = at(configMap, 'settings');
    store.patch(ref, { type: 'merge', body: { data: { a: '2' } } }, by('kubectl'));
    const replace = { op: 'replace', path: '/metadata/resourceVersion', value: old };
    const stale = refusal(() => store.patch(ref, { type: 'json', ops: [replace] }, by('kubectl')));
    expect(stale).toMatchObject({ code: 409, reason: 'Conflict' });
    const ops = [{ op: 'test', path: '/data/a', value: '1' }];
    const failed = refusal(() => store.patch(ref, { type: 'json', ops }, by('kubectl')));
    expect(failed).toMatchObject({
      code: 422,
      reason: 'Invalid',
      message: 'the server rejected our request due to an error in our request',
      details: {},
    });
  });

  test('applies all operations of a JSON Patch or none', () => {
    const store = aStore();
    store.create(configMap, settings(), by('kubectl'));
    const ref = at(configMap, 'settings');
    const ops = [
      { op: 'add', path: '/data/b', value: '2' },
      { op: 'remove', path: '/data/missing' },
    ];
    expect(refusal(() => store.patch(ref, { type: 'json', ops }, by('kubectl'))).code).toBe(422);
    expect(store.get(ref)['data']).toEqual({ a: '1' });
  });

  test('gives 404 for kinds, versions and objects that are not there', () => {
    const store = aStore();
    const patch = { type: 'merge' as const, body: {} };
    expect(refusal(() => store.patch(at(configMap, 'none'), patch, by('k'))).code).toBe(404);
    const unknown = { ...configMap, version: 'v2' };
    expect(refusal(() => store.list(unknown)).message).toBe('the server could not find the requested resource');
  });
});

test('what goes in and comes out is never shared', () => {
  const store = aStore();
  const body = settings();
  const made = store.create(configMap, body, by('kubectl'));
  body.data['a'] = 'changed';
  (made['data'] as Record<string, string>)['a'] = 'changed';
  for (const item of store.list(configMap).items) item['data'] = 'changed';
  expect(store.get(at(configMap, 'settings'))['data']).toEqual({ a: '1' });
});

test('lists by namespace and name, with label and field selectors', () => {
  const store = aStore();
  store.create(namespace, { metadata: { name: 'other' } }, by('kubectl'));
  for (const [ns, name, tier] of [
    ['other', 'a', 'web'],
    ['default', 'c', 'web'],
    ['default', 'b', 'db'],
  ]) {
    store.create(configMap, { metadata: { name, namespace: ns, labels: { tier } } }, by('kubectl'));
  }
  const names = (selection: object) =>
    store.list(configMap, selection).items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  expect(names({})).toEqual(['default/b', 'default/c', 'other/a']);
  expect(names({ namespace: 'default', labelSelector: 'tier=web' })).toEqual(['default/c']);
  expect(names({ labelSelector: 'tier in (web,db),tier!=db' })).toEqual(['default/c', 'other/a']);
  expect(names({ labelSelector: '!tier' })).toEqual([]);
  expect(names({ fieldSelector: 'metadata.name=b,metadata.namespace!=other' })).toEqual(['default/b']);
  expect(refusal(() => names({ labelSelector: 'a b' })).code).toBe(400);
});

test('custom resources come back with their fields in order of their names, as from the API server', () => {
  const store = aStore();
  const widget = { group: 'example.com', version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: true };
  store.register(define(widget));
  const made = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w', namespace: 'default' } };
  store.create(widget, { ...made, spec: { b: 1, a: { d: 1, c: 2 } } }, by('kubectl'));
  expect(JSON.stringify(store.get(at(widget, 'w'))['spec'])).toBe('{"a":{"c":2,"d":1},"b":1}');
});
