import { expect, test } from 'vitest';
import { strategicPatch } from '../../src/sandbox/world/store/strategic.ts';
import { mergePatch } from '../../src/sandbox/world/store/patch.ts';
import { kinds } from '../../src/api/kinds.ts';
import fc from 'fast-check';
import { aDeployment, aStore, at, by, define, deployment, refusal } from './store-fixtures.ts';

const patch = (target: unknown, body: unknown) => strategicPatch(undefined, target, body);
const spec = (containers: object[]) => ({ spec: { containers } });

test('kubectl set image changes one container and keeps the rest', () => {
  const store = aStore();
  store.create(deployment, aDeployment('shop'), by('kubectl'));
  const body = { spec: { template: { spec: { containers: [{ name: 'app', image: 'demo:v2' }] } } } };
  const { object } = store.patch(at(deployment, 'shop'), { type: 'strategic', body }, by('kubectl-set'));
  expect(object).toMatchObject({
    metadata: { generation: 2 },
    spec: {
      replicas: 2,
      template: { spec: { containers: [{ name: 'app', image: 'demo:v2', env: [{ name: 'A', value: '1' }] }] } },
    },
  });
});

test('custom resources refuse it with 415', () => {
  const route = kinds.httpRoute;
  const store = aStore(define(route));
  const body = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'r', namespace: 'default' },
  };
  store.create(route, body, by('k'));
  const status = refusal(() => store.patch(at(route, 'r'), { type: 'strategic', body: {} }, by('k')));
  expect(status).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' });
  expect(status.message).toContain('the body of the request was in an unknown format - accepted media types include:');
});

test('items are merged, added and deleted by their keys', () => {
  const before = spec([
    {
      name: 'a',
      env: [
        { name: 'X', value: '1' },
        { name: 'Y', value: '2' },
      ],
    },
    { name: 'b' },
  ]);
  const body = spec([
    {
      name: 'a',
      env: [
        { name: 'X', $patch: 'delete' },
        { name: 'Z', value: '3' },
      ],
    },
    { name: 'b', $patch: 'delete' },
    { name: 'c' },
  ]);
  expect(patch(before, body)).toEqual(
    spec([
      {
        name: 'a',
        env: [
          { name: 'Y', value: '2' },
          { name: 'Z', value: '3' },
        ],
      },
      { name: 'c' },
    ]),
  );
});

test('the keys of ports are those of containers or of services', () => {
  const container = spec([{ name: 'a', ports: [{ containerPort: 80, name: 'x' }] }]);
  expect(patch(container, spec([{ name: 'a', ports: [{ containerPort: 80, name: 'y' }] }]))).toEqual(
    spec([{ name: 'a', ports: [{ containerPort: 80, name: 'y' }] }]),
  );
  expect(patch({ spec: { ports: [{ port: 1, name: 'x' }] } }, { spec: { ports: [{ port: 2 }] } })).toEqual({
    spec: { ports: [{ port: 1, name: 'x' }, { port: 2 }] },
  });
});

test('directives replace, order, retain and delete', () => {
  expect(patch({ a: { b: 1, c: 2 } }, { a: { $patch: 'replace', d: 3 } })).toEqual({ a: { d: 3 } });
  expect(patch({ a: { b: 1 } }, { a: { $patch: 'delete' } })).toEqual({});
  expect(
    patch(
      { strategy: { type: 'RollingUpdate', rollingUpdate: {} } },
      { strategy: { $retainKeys: ['type'], type: 'Recreate' } },
    ),
  ).toEqual({ strategy: { type: 'Recreate' } });
  expect(
    patch(
      { metadata: { finalizers: ['a', 'b'] } },
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'], finalizers: ['c'] } },
    ),
  ).toEqual({ metadata: { finalizers: ['b', 'c'] } });
  expect(
    patch(spec([{ name: 'a' }, { name: 'b' }]), {
      spec: { '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }], containers: [{ name: 'c' }] },
    }),
  ).toEqual(spec([{ name: 'c' }, { name: 'a' }, { name: 'b' }]));
  expect(refusal(() => patch(spec([{ name: 'a' }]), spec([{ image: 'x' }]))).message).toContain(
    'does not contain declared merge key: name',
  );
});

test('merge patches: the empty one changes nothing, twice is once, and a patch to any object gives it', () => {
  const value = fc.letrec((tie) => ({
    leaf: fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.array(fc.integer())),
    node: fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), fc.oneof(tie('leaf'), tie('node')), {
      maxKeys: 3,
    }),
  })).node;
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(mergePatch(a, {})).toEqual(a);
      const once = mergePatch(a, b);
      expect(mergePatch(once, b)).toEqual(once);
      const removals = Object.fromEntries(Object.keys(a as object).map((key) => [key, null]));
      expect(mergePatch(mergePatch(a, removals), b)).toEqual(b);
    }),
  );
});
