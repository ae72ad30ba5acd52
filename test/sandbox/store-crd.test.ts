import { describe, expect, test } from 'vitest';
import type { Kind } from '../../src/api/kinds.ts';
import { aStore, at, by, crd, refusal, watched } from './store-fixtures.ts';

const widget: Kind = { group: 'example.dev', version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: true };
const ref = at(widget, 'w');

const definition = (spec: object, more: object = {}) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.dev' },
  spec: {
    group: 'example.dev',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', ...spec },
              status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            },
            ...more,
          },
        },
        subresources: { status: {} },
      },
    ],
  },
});

function withSpec(spec: object, more: object = {}) {
  const store = aStore();
  store.create(crd, definition(spec, more), by('kubectl'));
  return store;
}

const aWidget = (spec?: unknown) => ({
  apiVersion: 'example.dev/v1',
  kind: 'Widget',
  metadata: { name: 'w', namespace: 'default' },
  ...(spec === undefined ? {} : { spec }),
});

const property = (schema: object, required: string[] = []) => ({ properties: { x: schema }, required });

/** Messages of the causes with which an object is refused. */
function complaints(schema: object, spec: unknown): string[] {
  const store = withSpec(schema);
  const status = refusal(() => store.create(widget, aWidget(spec), by('k')));
  expect(status).toMatchObject({
    code: 422,
    reason: 'Invalid',
    details: { name: 'w', group: 'example.dev', kind: 'Widget' },
  });
  expect(status.message).toContain('Widget.example.dev "w" is invalid: ');
  return (status.details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`);
}

describe('a CustomResourceDefinition', () => {
  test('registers its kind and is established', () => {
    const store = withSpec(property({ type: 'string' }));
    expect(store.get({ kind: crd, name: 'widgets.example.dev' })).toMatchObject({
      spec: { names: { singular: 'widget', listKind: 'WidgetList' } },
      status: {
        acceptedNames: { plural: 'widgets' },
        conditions: [
          { type: 'NamesAccepted', status: 'True' },
          { type: 'Established', status: 'True' },
        ],
        storedVersions: ['v1'],
      },
    });
    expect(store.kinds().find((kind) => kind.kind === 'Widget')).toMatchObject({
      shortNames: ['wd'],
      statusSubresource: true,
    });
    expect(store.create(widget, aWidget({ x: 'y' }), by('k')).metadata.generation).toBe(1);
  });

  test('replaces the schema when it is changed', () => {
    const store = withSpec(property({ type: 'string' }));
    store.patch(
      { kind: crd, name: 'widgets.example.dev' },
      { type: 'apply', body: definition(property({ type: 'integer' })) },
      { ...by('k'), force: true },
    );
    expect(refusal(() => store.create(widget, aWidget({ x: 'y' }), by('k'))).code).toBe(422);
  });

  test('takes its objects with it', () => {
    const store = withSpec(property({ type: 'string' }));
    store.create(widget, aWidget({ x: 'y' }), by('k'));
    const watch = watched(store, widget);
    store.delete({ kind: crd, name: 'widgets.example.dev' });
    expect(watch.names()).toEqual(['ADDED w', 'DELETED w']);
    expect(refusal(() => store.list(widget)).message).toBe('the server could not find the requested resource');
  });

  test('is refused with a wrong name or with rules that do not compile', () => {
    const store = aStore();
    const wrong = { ...definition({}), metadata: { name: 'x' } };
    expect(refusal(() => store.create(crd, wrong, by('k'))).message).toContain(
      'must be spec.names.plural+"."+spec.group',
    );
    const rule = { 'x-kubernetes-validations': [{ rule: 'self.x ==' }] };
    expect(refusal(() => store.create(crd, definition(rule), by('k'))).message).toContain(
      'spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule: Invalid value: "self.x ==": compilation failed: ',
    );
    const unknown = { 'x-kubernetes-validations': [{ rule: 'self.x.frobnicate()' }] };
    expect(refusal(() => store.create(crd, definition(unknown), by('k'))).code).toBe(422);
  });
});

describe('a schema that is not structural is refused', () => {
  const place = 'spec.versions[0].schema.openAPIV3Schema.properties[spec]';
  const keyed = {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['n'],
    items: { type: 'object', properties: { n: { type: 'string' } } },
  };
  test.each<[string, object, string]>([
    [
      'no type',
      property({}),
      `${place}.properties[x].type: Required value: must not be empty for specified object fields`,
    ],
    [
      'a list without items',
      property({ type: 'array' }),
      `${place}.properties[x].items: Required value: must be specified`,
    ],
    [
      'no other fields',
      { additionalProperties: false },
      `${place}.additionalProperties: Forbidden: additionalProperties cannot be set to false`,
    ],
    [
      'a default of another type',
      property({ type: 'integer', default: 'a' }),
      `${place}.properties[x].default: Invalid value: "string"`,
    ],
    ['keys that may be absent', property(keyed), 'so it must have a default or be a required property'],
    ['properties that are none', { properties: 5 }, `${place}.properties: Invalid value: "number"`],
  ])('%s', (_, schema, message) => {
    const status = refusal(() => aStore().create(crd, definition(schema), by('k')));
    expect(status.code).toBe(422);
    expect(status.message).toContain(message);
  });
});

describe('validation names field, value and limit as the API server does', () => {
  const blocked =
    '<nil>: Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
  test.each<[string, object, unknown, string[]]>([
    ['a missing field', property({ type: 'string' }, ['x']), {}, ['spec.x: Required value', blocked]],
    [
      'a wrong type',
      property({ type: 'integer' }),
      { x: 'a' },
      ['spec.x: Invalid value: "string": spec.x in body must be of type integer: "string"', blocked],
    ],
    [
      'a fraction',
      property({ type: 'integer' }),
      { x: 50.5 },
      ['spec.x: Invalid value: "number": spec.x in body must be of type integer: "number"', blocked],
    ],
    [
      'null',
      property({ type: 'string' }),
      { x: null },
      ['spec.x: Invalid value: "null": spec.x in body must be of type string: "null"', blocked],
    ],
    [
      'too small',
      property({ type: 'integer', minimum: 0 }),
      { x: -1 },
      ['spec.x: Invalid value: -1: spec.x in body should be greater than or equal to 0'],
    ],
    [
      'too great',
      property({ type: 'integer', maximum: 100 }),
      { x: 101 },
      ['spec.x: Invalid value: 101: spec.x in body should be less than or equal to 100'],
    ],
    [
      'another word',
      property({ type: 'string', enum: ['hold', 'rollback'] }),
      { x: 'a' },
      ['spec.x: Unsupported value: "a": supported values: "hold", "rollback"', blocked],
    ],
    [
      'a pattern',
      property({ type: 'string', pattern: '^a+$' }),
      { x: 'b' },
      ['spec.x: Invalid value: "b": spec.x in body should match \'^a+$\''],
    ],
    [
      'too long',
      property({ type: 'string', maxLength: 2 }),
      { x: 'abc' },
      ['spec.x: Too long: may not be more than 2 bytes', blocked],
    ],
    [
      'too many',
      property({ type: 'array', maxItems: 1, items: { type: 'integer' } }),
      { x: [1, 2] },
      ['spec.x: Too many: 2: must have at most 1 items', blocked],
    ],
    [
      'too few',
      property({ type: 'array', minItems: 1, items: { type: 'integer' } }),
      { x: [] },
      ['spec.x: Invalid value: 0: spec.x in body should have at least 1 items'],
    ],
    [
      'an item',
      property({ type: 'array', items: { type: 'object', properties: { y: { type: 'integer', maximum: 1 } } } }),
      { x: [{ y: 1 }, { y: 2 }] },
      ['spec.x[1].y: Invalid value: 2: spec.x[1].y in body should be less than or equal to 1'],
    ],
    [
      'two items of a key',
      property({
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['n'],
        items: { type: 'object', required: ['n'], properties: { n: { type: 'string' } } },
      }),
      { x: [{ n: 'a' }, { n: 'a' }] },
      ['spec.x[1]: Duplicate value: {"n":"a"}'],
    ],
    [
      'two values of a set',
      property({ type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } }),
      { x: ['a', 'a'] },
      ['spec.x[1]: Duplicate value: "a"'],
    ],
    [
      'neither alternative',
      { ...property({ type: 'string' }), oneOf: [{ required: ['y'] }, { required: ['z'] }] },
      { x: 'a' },
      ['<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found none valid'],
    ],
    [
      'a format',
      property({ type: 'string', format: 'date-time' }),
      { x: 'today' },
      ['spec.x: Invalid value: "today": spec.x in body must be of type date-time: "today"', blocked],
    ],
  ])('%s', (_, schema, spec, expected) => {
    expect(complaints(schema, spec)).toEqual(expected);
  });

  test('nullable fields, numbers or texts and preserved fields pass', () => {
    const store = withSpec({
      properties: {
        n: { type: 'string', nullable: true },
        i: { 'x-kubernetes-int-or-string': true },
        any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    });
    const spec = { n: null, i: '25%', any: { a: [{ b: 1 }] } };
    expect(store.create(widget, aWidget(spec), by('k'))['spec']).toEqual(spec);
  });
});

describe('unknown fields', () => {
  const schema = property({ type: 'integer', default: 3 });
  test('are pruned with a warning, and defaults are set', () => {
    const store = withSpec(schema);
    const warnings: string[] = [];
    const made = store.create(widget, aWidget({ stepWeigth: 5 }), { ...by('k'), warn: (text) => warnings.push(text) });
    expect(made['spec']).toEqual({ x: 3 });
    expect(warnings).toEqual(['unknown field "spec.stepWeigth"']);
  });

  test('are refused when the request is strict', () => {
    const store = withSpec(schema);
    const strict = { ...by('k'), fieldValidation: 'Strict' as const };
    expect(refusal(() => store.create(widget, aWidget({ stepWeigth: 5 }), strict))).toMatchObject({
      code: 400,
      reason: 'BadRequest',
      message:
        'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.stepWeigth"',
    });
    store.create(widget, aWidget({}), strict);
    const patch = { type: 'merge' as const, body: { spec: { stepWeigth: 5 } } };
    const status = refusal(() => store.patch(ref, patch, strict));
    expect(status.code).toBe(422);
    expect(status.message).toContain('strict decoding error: unknown field \\"spec.stepWeigth\\"'.replaceAll('\\', ''));
  });
});

test('an update of a custom resource needs a resourceVersion', () => {
  const store = withSpec({});
  store.create(widget, aWidget(), by('k'));
  expect(refusal(() => store.update(ref, aWidget(), by('k'))).message).toContain(
    'metadata.resourceVersion: Invalid value: 0x0: must be specified for an update',
  );
});

test('kind and apiVersion are needed and must fit', () => {
  const store = withSpec({});
  expect(
    refusal(() => store.create(widget, { metadata: { name: 'w' } }, { ...by('k'), namespace: 'default' })).message,
  ).toContain("Object 'Kind' is missing in");
  expect(refusal(() => store.create(widget, { ...aWidget(), apiVersion: 'v2' }, by('k'))).code).toBe(400);
});
