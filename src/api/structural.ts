import type { TSchema } from 'typebox';
import type { CelRule } from './schema.ts';

/** A structural schema: the part of JSON Schema that a CustomResourceDefinition may hold. */
export interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  items?: JsonSchema;
  maxProperties?: number;
  required?: string[];
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-preserve-unknown-fields'?: true;
  'x-kubernetes-validations'?: CelRule[];
}

/** What TypeBox gives: the same, but for maps. */
interface Source extends Omit<JsonSchema, 'items' | 'properties' | 'additionalProperties'> {
  items?: Source;
  properties?: Record<string, Source>;
  patternProperties?: Record<string, Source>;
}

const scalars = [
  'type',
  'description',
  'default',
  'enum',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'pattern',
  'minItems',
  'maxItems',
  'maxProperties',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-validations',
] as const satisfies (keyof JsonSchema & keyof Source)[];
const known = new Set<string>([...scalars, 'items', 'properties', 'patternProperties', 'required']);

/**
 * The schema as the API server takes it. A field with a default is not required, because the server fills it in.
 * @throws TypeError when the schema has something that a structural schema cannot say
 */
export function structural(schema: TSchema): JsonSchema {
  return convert(schema, '', false);
}

/**
 * As {@link structural}, without defaults, patterns and CEL rules: for a status, which only Linnet writes and which must stay
 * writable when the rules become stricter in the middle of a release.
 */
export function structuralWithoutRules(schema: TSchema): JsonSchema {
  return convert(schema, '', true);
}

function convert(source: Source, path: string, withoutRules: boolean): JsonSchema {
  const strange = Object.keys(source).find((keyword) => !known.has(keyword));
  if (strange !== undefined) throw new TypeError(`${path}: "${strange}" cannot be said in a structural schema`);
  const out: JsonSchema = {};
  for (const keyword of scalars)
    if (keeps(source, keyword, withoutRules)) Object.assign(out, { [keyword]: source[keyword] });
  if (source.items !== undefined) out.items = convert(source.items, `${path}[]`, withoutRules);
  const map = Object.values(source.patternProperties ?? {})[0];
  if (map !== undefined) out.additionalProperties = convert(map, `${path}.*`, withoutRules);
  if (source.properties === undefined) return out;
  const fields = Object.entries(source.properties);
  const required = (source.required ?? []).filter((name) => source.properties?.[name]?.default === undefined);
  if (required.length > 0) out.required = required;
  out.properties = Object.fromEntries(
    fields.map(([name, field]) => [name, convert(field, `${path}.${name}`, withoutRules)]),
  );
  return out;
}

function keeps(source: Source, keyword: (typeof scalars)[number], withoutRules: boolean): boolean {
  if (source[keyword] === undefined) return false;
  if (keyword === 'pattern') return !withoutRules && !saidByRule(source);
  return !withoutRules || (keyword !== 'default' && keyword !== 'x-kubernetes-validations');
}

/** A rule says in words what the pattern would say in signs. */
function saidByRule({ pattern, 'x-kubernetes-validations': rules = [] }: Source): boolean {
  return rules.some(({ rule }) => pattern !== undefined && rule.includes(`self.matches('${pattern}')`));
}
