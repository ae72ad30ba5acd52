import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KubeObject, ManagedFieldsEntry } from '../../src/api/objects.ts';
import { kinds } from '../../src/api/kinds.ts';
import { aStore as storeWith, aDeployment, at, by, configMap, define, deployment, refusal } from './store-fixtures.ts';

const item = (properties: object, keys: string[]) => ({
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': keys,
  items: { type: 'object', properties },
});
const text = { type: 'string' };
const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        replicas: { type: 'integer' },
        paused: { type: 'boolean' },
        selector: { type: 'object', 'x-kubernetes-map-type': 'atomic', 'x-kubernetes-preserve-unknown-fields': true },
        template: {
          type: 'object',
          properties: {
            metadata: { type: 'object', properties: { labels: { type: 'object', additionalProperties: text } } },
            spec: {
              type: 'object',
              properties: {
                containers: item(
                  {
                    name: text,
                    image: text,
                    args: { type: 'array', items: text },
                    env: item({ name: text, value: text }, ['name']),
                  },
                  ['name'],
                ),
              },
            },
          },
        },
      },
    },
    status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
};

const aStore = () => storeWith(define(deployment, { schema }));
const ref = at(deployment, 'shop');
type Managed = { metadata: { managedFields?: ManagedFieldsEntry[] } };
const entries = (object: Managed) =>
  (object.metadata.managedFields ?? []).map(({ manager, operation, subresource, fieldsV1 }) => ({
    who: [manager, operation, subresource].filter((part) => part !== undefined).join(' '),
    fieldsV1,
  }));
const config = (spec?: object, metadata: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'shop', namespace: 'default', ...metadata },
  ...(spec === undefined ? {} : { spec }),
});
const apply = (body: unknown) => ({ type: 'apply' as const, body });

test('a create owns every field, in the form of the API server', () => {
  const made = aStore().create(deployment, aDeployment('shop'), by('kubectl-create'));
  expect(made.metadata.managedFields).toEqual([
    {
      manager: 'kubectl-create',
      operation: 'Update',
      apiVersion: 'apps/v1',
      time: '2026-01-02T03:04:05Z',
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
        'f:spec': {
          'f:replicas': {},
          'f:selector': {},
          'f:template': {
            'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
            'f:spec': {
              'f:containers': {
                'k:{"name":"app"}': {
                  '.': {},
                  'f:env': { '.': {}, 'k:{"name":"A"}': { '.': {}, 'f:name': {}, 'f:value': {} } },
                  'f:image': {},
                  'f:name': {},
                },
              },
            },
          },
        },
      },
    },
  ]);
});

test('an update takes what it changes from the others and nothing else', () => {
  const store = aStore();
  store.create(deployment, aDeployment('shop'), by('kubectl-create'));
  store.clock.advance(1000);
  const { object } = store.patch(ref, { type: 'merge', body: { spec: { replicas: 7 } } }, by('hpa'));
  const [creator, scaler] = entries(object);
  expect(scaler).toEqual({ who: 'hpa Update', fieldsV1: { 'f:spec': { 'f:replicas': {} } } });
  expect(Object.keys(creator?.fieldsV1?.['f:spec'] ?? {})).not.toContain('f:replicas');
});

test('writes through subresources have entries of their own', () => {
  const store = aStore();
  store.create(deployment, aDeployment('shop'), by('kubectl-create'));
  store.clock.advance(1000);
  const status = { type: 'merge' as const, body: { status: { replicas: 1 } } };
  store.patch(ref, status, { ...by('controller'), subresource: 'status' });
  const scale = { type: 'merge' as const, body: { spec: { replicas: 1, paused: true } } };
  const { object } = store.patch(ref, scale, { ...by('kubectl'), subresource: 'scale' });
  expect(object['spec']).toMatchObject({ replicas: 1 });
  expect(object['spec']).not.toHaveProperty('paused');
  expect(entries(object).slice(1)).toEqual([
    { who: 'controller Update status', fieldsV1: { 'f:status': { 'f:replicas': {} } } },
    { who: 'kubectl Update scale', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
  ]);
});

describe('server-side apply', () => {
  test('creates an object and owns what it names, without what is defaulted', () => {
    const store = aStore();
    const { object, created } = store.patch(ref, apply(config({ replicas: 1 }, { labels: { a: 'b' } })), by('linnet'));
    expect(created).toBe(true);
    expect(object.metadata.generation).toBe(1);
    expect(entries(object)).toEqual([
      {
        who: 'linnet Apply',
        fieldsV1: { 'f:metadata': { 'f:labels': { 'f:a': {} } }, 'f:spec': { 'f:replicas': {} } },
      },
    ]);
  });

  test('is refused where another manager owns a field with another value, naming manager and field', () => {
    const store = aStore();
    store.create(deployment, aDeployment('shop'), by('creator'));
    store.patch(ref, { type: 'merge', body: { spec: { paused: true } } }, by('kubectl'));
    const status = refusal(() => store.patch(ref, apply(config({ paused: false })), by('linnet')));
    expect(status).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: .spec.paused',
      details: {
        causes: [
          { reason: 'FieldManagerConflict', message: 'conflict with "kubectl" using apps/v1', field: '.spec.paused' },
        ],
      },
    });
  });

  test('names several conflicts manager by manager', () => {
    const store = aStore();
    store.create(deployment, aDeployment('shop'), by('creator'));
    store.patch(ref, apply(config({ paused: true })), by('argo'));
    const body = config({ paused: false, template: { spec: { containers: [{ name: 'app', image: 'demo:v2' }] } } });
    expect(refusal(() => store.patch(ref, apply(body), by('linnet'))).message).toBe(
      'Apply failed with 2 conflicts: conflicts with "argo":\n- .spec.paused\nconflicts with "creator" using apps/v1:\n- .spec.template.spec.containers[name="app"].image',
    );
  });

  test('takes the field with force, and shares it where the value is the same', () => {
    const store = aStore();
    store.create(deployment, aDeployment('shop'), by('creator'));
    store.patch(ref, { type: 'merge', body: { spec: { paused: true } } }, by('kubectl'));
    const same = store.patch(ref, apply(config({ paused: true })), by('linnet')).object;
    expect(entries(same).map(({ who }) => who)).toEqual(['linnet Apply', 'creator Update', 'kubectl Update']);
    const taken = store.patch(ref, apply(config({ paused: false })), { ...by('linnet'), force: true }).object;
    expect(entries(taken).map(({ who }) => who)).toEqual(['linnet Apply', 'creator Update']);
    expect(taken['spec']).toMatchObject({ paused: false, replicas: 2 });
  });

  test('removes what the applier no longer names and nobody else owns', () => {
    const store = aStore();
    store.create(deployment, aDeployment('shop'), by('creator'));
    const sidecar = { name: 'sidecar', image: 'proxy:1', env: [{ name: 'X', value: '1' }] };
    store.patch(
      ref,
      apply(
        config({ paused: true, replicas: 2, template: { spec: { containers: [sidecar] } } }, { labels: { l: '1' } }),
      ),
      by('linnet'),
    );
    const { object } = store.patch(ref, apply(config()), by('linnet'));
    const { object: fresh } = aStore().patch(ref, apply(aDeployment('shop')), by('x'));
    expect(object['spec']).toEqual(fresh['spec']);
    expect(object.metadata.labels).toEqual({ app: 'shop' });
    expect(entries(object).map(({ who }) => who)).toEqual(['creator Update']);
  });

  test('merges list items by their keys and keeps the order', () => {
    const store = aStore();
    const containers = (...list: object[]) => config({ template: { spec: { containers: list } } });
    const names = (object: KubeObject) =>
      (
        object as never as { spec: { template: { spec: { containers: { name: string }[] } } } }
      ).spec.template.spec.containers.map(({ name }) => name);
    store.patch(ref, apply(containers({ name: 'a' }, { name: 'c' })), by('one'));
    const { object } = store.patch(ref, apply(containers({ name: 'b' }, { name: 'c', image: 'x' })), by('two'));
    expect(names(object)).toEqual(['a', 'b', 'c']);
  });

  test('replaces atomic lists whole', () => {
    const store = aStore();
    const args = (...list: string[]) => config({ template: { spec: { containers: [{ name: 'a', args: list }] } } });
    store.patch(ref, apply(args('x', 'y')), by('one'));
    expect(refusal(() => store.patch(ref, apply(args('x')), by('two'))).message).toBe(
      'Apply failed with 1 conflict: conflict with "one": .spec.template.spec.containers[name="a"].args',
    );
  });

  test('leaves status and old versions alone, and refuses managedFields and unknown fields', () => {
    const store = aStore();
    store.create(deployment, aDeployment('shop'), by('creator'));
    const withStatus = { ...config({ paused: true }), status: { replicas: 9 } };
    expect(store.patch(ref, apply(withStatus), by('linnet')).object['status']).toBeUndefined();
    const stale = config({ paused: true }, { resourceVersion: '1' });
    expect(refusal(() => store.patch(ref, apply(stale), by('linnet'))).code).toBe(409);
    const managed = config({}, { managedFields: [] });
    expect(refusal(() => store.patch(ref, apply(managed), by('linnet')))).toMatchObject({
      code: 400,
      message: 'metadata.managedFields must be nil',
    });
    expect(refusal(() => store.patch(ref, apply(config({ pausd: true })), by('linnet'))).message).toBe(
      'failed to create typed patch object (default/shop; apps/v1, Kind=Deployment): .spec.pausd: field not declared in schema',
    );
  });

  test('of status owns status only', () => {
    const store = aStore();
    store.create(deployment, aDeployment('shop'), by('creator'));
    const body = { ...config({ replicas: 9 }), status: { replicas: 3 } };
    const { object } = store.patch(ref, apply(body), { ...by('linnet'), subresource: 'status' });
    expect(object).toMatchObject({ spec: { replicas: 2 }, status: { replicas: 3 } });
    expect(entries(object)[0]).toEqual({ who: 'linnet Apply status', fieldsV1: { 'f:status': { 'f:replicas': {} } } });
  });

  test('is idempotent, and giving everything up restores what was there', () => {
    const spec = fc.record(
      {
        paused: fc.boolean(),
        template: fc.record({
          metadata: fc.record({ labels: fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.constantFrom('1', '2')) }),
          spec: fc.record({
            containers: fc.uniqueArray(
              fc.record(
                {
                  name: fc.constantFrom('b', 'c', 'd'),
                  image: fc.constantFrom('1', '2'),
                  args: fc.array(fc.constant('x')),
                },
                { requiredKeys: ['name'] },
              ),
              { selector: (container) => container.name },
            ),
          }),
        }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(spec, spec, (first, second) => {
        const store = aStore();
        const before = store.create(deployment, aDeployment('shop'), by('creator'));
        store.patch(ref, apply(config(first)), by('linnet'));
        const once = store.patch(ref, apply(config(second)), by('linnet')).object;
        store.clock.advance(5000);
        expect(store.patch(ref, apply(config(second)), by('linnet')).object).toEqual(once);
        const after = store.patch(ref, apply(config()), by('linnet')).object;
        expect(after['spec']).toEqual(before['spec']);
        expect(entries(after)).toEqual(entries(before));
      }),
    );
  });
});

describe('managedFields in a request', () => {
  test('a JSON Patch that removes one entry removes it, and no new one appears', () => {
    const store = aStore();
    store.create(deployment, aDeployment('shop'), by('creator'));
    store.patch(ref, { type: 'merge', body: { metadata: { annotations: { a: '1' } } } }, by('linnet'));
    const ops = [{ op: 'remove', path: '/metadata/managedFields/1' }];
    const { object } = store.patch(ref, { type: 'json', ops }, by('linnet'));
    expect(entries(object).map(({ who }) => who)).toEqual(['creator Update']);
    expect(object.metadata.annotations).toEqual({ a: '1' });
  });

  test('one empty entry resets them; an empty list or a malformed one does not', () => {
    const store = aStore();
    store.create(configMap, { metadata: { name: 'a', namespace: 'default' }, data: { a: '1' } }, by('creator'));
    const set = (managedFields: unknown) =>
      store.patch(at(configMap, 'a'), { type: 'merge', body: { metadata: { managedFields } } }, by('linnet')).object;
    expect(entries(set([])).map(({ who }) => who)).toEqual(['creator Update']);
    expect(entries(set([{ manager: 'x', operation: 'Nonsense' }])).map(({ who }) => who)).toEqual(['creator Update']);
    expect(set([{}]).metadata.managedFields).toBeUndefined();
  });

  test('a JSON Patch on a whole atomic list takes the list', () => {
    const route = kinds.httpRoute;
    const rules = { type: 'array', items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    const spec = { type: 'object', properties: { rules } };
    const store = storeWith(define(route, { generation: true, schema: { type: 'object', properties: { spec } } }));
    const body = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'r', namespace: 'default' },
      spec: { rules: [{ backendRefs: [{ name: 'a', weight: 1 }] }] },
    };
    store.patch(at(route, 'r'), apply(body), by('user'));
    const ops = [{ op: 'replace', path: '/spec/rules/0/backendRefs/0/weight', value: 5 }];
    const { object } = store.patch(at(route, 'r'), { type: 'json', ops }, by('linnet'));
    expect(entries(object)).toEqual([{ who: 'linnet Update', fieldsV1: { 'f:spec': { 'f:rules': {} } } }]);
    expect(object.metadata.generation).toBe(2);
  });
});
