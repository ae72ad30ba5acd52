import { describe, expect, it } from 'vitest';
import { canaryCrd, metricTemplateCrd, schemaOf } from '../../src/api/crd.ts';
import type { JsonSchema } from '../../src/api/structural.ts';

const crds = [canaryCrd, metricTemplateCrd];

interface Node {
  path: string;
  schema: JsonSchema;
}

/** Every schema within a schema, with its path. */
function nodes(schema: JsonSchema, path = ''): Node[] {
  const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => nodes(field, `${path}.${name}`));
  const items = schema.items === undefined ? [] : nodes(schema.items, `${path}[]`);
  const values = schema.additionalProperties === undefined ? [] : nodes(schema.additionalProperties, `${path}.*`);
  return [{ path, schema }, ...fields.flat(), ...items, ...values];
}

/** The API server checks these two itself. */
const ofTheServer = ['.apiVersion', '.kind'];

describe.each(crds.map((crd) => ({ name: crd.metadata.name, all: nodes(schemaOf(crd)), crd })))(
  '$name',
  ({ all, crd }) => {
    const paths = (wrong: (schema: JsonSchema) => boolean) =>
      all.filter(({ path, schema }) => !ofTheServer.includes(path) && wrong(schema)).map(({ path }) => path);

    it('bounds every text, list and map, so that rules have a known cost and objects a known size', () => {
      const free = ({ maxLength, enum: values }: JsonSchema) => maxLength === undefined && values === undefined;
      expect(paths((schema) => schema.type === 'string' && free(schema))).toEqual([]);
      expect(paths((schema) => schema.type === 'array' && schema.maxItems === undefined)).toEqual([]);
      const isMap = (schema: JsonSchema) =>
        schema.additionalProperties !== undefined || schema['x-kubernetes-preserve-unknown-fields'] === true;
      expect(paths((schema) => isMap(schema) && schema.maxProperties === undefined)).toEqual([]);
    });

    it('says of every list how it is merged', () => {
      expect(paths((schema) => schema.type === 'array' && schema['x-kubernetes-list-type'] === undefined)).toEqual([]);
    });

    it('gives every field a type and every field of a spec a description', () => {
      expect(paths((schema) => schema.type === undefined)).toEqual([]);
      const mute = all.filter(({ path, schema }) => /^\.spec.*[^\]*]$/.test(path) && (schema.description ?? '') === '');
      expect(mute.map(({ path }) => path)).toEqual([]);
    });

    it('requires no field that has a default', () => {
      for (const { schema } of all) {
        for (const name of schema.required ?? []) expect(schema.properties?.[name]?.default).toBeUndefined();
      }
    });

    it('takes the keys of a list from fields that are always there', () => {
      for (const { path, schema } of all) {
        for (const key of schema['x-kubernetes-list-map-keys'] ?? []) {
          const always =
            schema.items?.required?.includes(key) === true || schema.items?.properties?.[key]?.default !== undefined;
          expect(always, `${path} has the key ${key}`).toBe(true);
        }
      }
    });

    it('compares each with each only in lists of at most 50', () => {
      const lists = all.filter(
        ({ schema }) => schema.type === 'array' && JSON.stringify(schema).includes('exists_one'),
      );
      for (const { schema } of lists) expect(schema.maxItems).toBeLessThanOrEqual(50);
    });

    it('is served and stored in one version', () => {
      expect(crd.spec.versions.map(({ name, served, storage }) => ({ name, served, storage }))).toEqual([
        { name: 'v1beta1', served: true, storage: true },
      ]);
    });
  },
);

describe('The status of a Canary', () => {
  it('has no rule, pattern or default, so that it can be written when rules become stricter during a release', () => {
    const status = schemaOf(canaryCrd).properties?.['status'];
    const strict = nodes(status ?? {}).filter(
      ({ schema }) =>
        schema['x-kubernetes-validations'] !== undefined ||
        schema.pattern !== undefined ||
        schema.default !== undefined,
    );
    expect(strict.map(({ path }) => path)).toEqual([]);
  });

  it('is a subresource, and its columns say what people ask for first', () => {
    const [version] = canaryCrd.spec.versions;
    expect(version?.subresources).toEqual({ status: {} });
    const columns = version?.additionalPrinterColumns ?? [];
    expect(columns.filter((column) => column.priority === undefined).map((column) => column.name)).toEqual([
      'Phase',
      'Weight',
      'Revision',
      'Hold',
      'Ready',
      'Age',
    ]);
  });
});
