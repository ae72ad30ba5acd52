import { kubernetesDefinitions } from '../../world/kinds/kinds.ts';
import type { KindDefinition } from '../../world/types.ts';

type Json = Record<string, unknown>;

const prefix = '#/components/schemas/';
const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** The name under which a kind's schema is published: Kubernetes' own, or made from group, version and kind. */
export function definitionName({ group, version, kind }: KindDefinition): string {
  for (const [name, schema] of Object.entries(kubernetesDefinitions)) {
    const [own] = (schema['x-kubernetes-group-version-kind'] ?? []) as KindDefinition[];
    if (own?.group === group && own.version === version && own.kind === kind) return name;
  }
  return [...group.split('.').toReversed(), version, kind].join('.');
}

/** A schema as clients expect it: references in full, integers or strings as alternatives. */
export function publishedSchema(schema: Json): Json {
  const { $ref, ...own } = schema;
  const result = { ...own };
  if (typeof $ref === 'string') result.allOf = [{ $ref: `${prefix}${$ref}` }];
  if (own['x-kubernetes-int-or-string'] === true) result.oneOf = [{ type: 'integer' }, { type: 'string' }];
  for (const part of ['items', 'additionalProperties']) {
    if (isObject(own[part])) result[part] = publishedSchema(own[part]);
  }
  if (isObject(own.properties)) result.properties = publishedProperties(own.properties);
  return result;
}

function publishedProperties(properties: Json): Json {
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, publishedSchema(property as Json)]),
  );
}

/** The schema of a whole object: as {@link publishedSchema}, with Kubernetes' metadata. */
export function publishedObject(schema: Json): Json {
  const published = publishedSchema(schema);
  if (!isObject(published.properties)) return published;
  const metadata = { allOf: [{ $ref: `${prefix}${objectMeta}` }] };
  return { ...published, properties: { ...published.properties, metadata } };
}

/** Names of all definitions that a schema leads to, `ObjectMeta` always among them. */
export function referencedFrom(schema: Json): string[] {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    for (const [, name] of JSON.stringify(value).matchAll(/"\$ref":"([^"]+)"/g)) {
      if (name === undefined || found.has(name)) continue;
      found.add(name);
      visit(kubernetesDefinitions[name] ?? {});
    }
  };
  visit({ schema, metadata: { $ref: objectMeta } });
  return [...found];
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null;
}
