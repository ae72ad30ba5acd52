import type { KubeObject } from '../../../../api/objects.ts';
import type { KindDefinition, WriteOptions } from '../../types.ts';
import { isBuiltIn } from '../built-in.ts';
import { badRequest, invalidObject, unclassified } from '../errors.ts';
import { type FieldError, invalid } from '../field-errors.ts';
import { clone, type JsonObject, objectAt } from '../json.ts';
import { cannotDecode } from '../meta.ts';
import { checkRules } from './cel.ts';
import { dropNulls, prune, setDefaults } from './fields.ts';
import { objectSchema, type Schema } from './types.ts';
import { validate } from './validate.ts';

const schemas = new WeakMap<KindDefinition, Schema>();

/** The schema of whole objects of a kind. */
export function schemaOf(definition: KindDefinition): Schema {
  let found = schemas.get(definition);
  if (found === undefined) {
    found = objectSchema(definition.schema);
    schemas.set(definition, found);
  }
  return found;
}

const strictError = (fields: string[]) =>
  `strict decoding error: ${fields.map((field) => `unknown field ${JSON.stringify(field)}`).join(', ')}`;

/**
 * Removes unknown fields and sets defaults, in place. Unknown fields are refused with 400 (422 in a patch) or warned of, as the
 * request asks.
 */
export function admitFields(
  definition: KindDefinition,
  object: KubeObject,
  live: KubeObject | undefined,
  { options, verb }: { options: WriteOptions; verb: 'write' | 'patch' },
): void {
  const schema = schemaOf(definition);
  const given = verb === 'patch' ? JSON.stringify(object) : '';
  const unknown = prune(schema, object);
  if (unknown.length > 0 && options.fieldValidation === 'Strict') {
    const message = strictError(unknown);
    if (verb === 'patch') throw invalidObject({ group: '', kind: '' }, '', [invalid('patch', given, message)]);
    const { kind, version } = definition;
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${message}`);
  }
  if (options.fieldValidation !== 'Ignore') {
    for (const field of unknown) options.warn?.(`unknown field ${JSON.stringify(field)}`);
  }
  definition.defaultObject?.(object, live);
  setDefaults(schema, object);
}

/** Checks a configuration of server-side apply. Throws 500 without a reason, as the API server does, when it names unknown fields or one item of a list twice. */
export function admitConfig(definition: KindDefinition, config: KubeObject): void {
  const schema = schemaOf(definition);
  dropNulls(schema, config);
  const [unknown] = prune(schema, clone(config));
  const [duplicated] = validate(schema, config).filter((error) => error.reason === 'FieldValueDuplicate');
  if (unknown === undefined && duplicated === undefined) return;
  const why =
    unknown === undefined
      ? `${duplicated?.field}: duplicate entries for key`
      : `${unknown}: field not declared in schema`;
  const { name, namespace = '' } = config.metadata;
  throw unclassified(
    `failed to create typed patch object (${namespace}/${name}; ${config.apiVersion}, Kind=${config.kind}): .${why}`,
  );
}

const blocking = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

const rulesNotChecked: FieldError = {
  reason: 'FieldValueInvalid',
  field: '<nil>',
  message:
    'Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
};

/** What is wrong with an object by its kind's schema. Throws 400 for a built-in kind's field of a wrong type. */
export function schemaErrors(definition: KindDefinition, next: KubeObject, live: KubeObject | undefined): FieldError[] {
  if (definition.schema === undefined) return [];
  const schema = schemaOf(definition);
  const errors = validate(schema, next);
  const wrongType = errors.find((error) => error.reason === 'FieldValueTypeInvalid');
  if (wrongType !== undefined && isBuiltIn(definition)) throw cannotDecode(definition, wrongType.field, undefined);
  if (isBuiltIn(definition)) return errors;
  if (errors.some((error) => blocking.has(error.reason))) return [...errors, rulesNotChecked];
  return [...errors, ...checkRules(schema, forRules(next), live === undefined ? undefined : forRules(live))];
}

/** Rules see an object's name and nothing else of its metadata. */
function forRules(object: KubeObject): JsonObject {
  const { name, generateName } = objectAt(object, 'metadata');
  return {
    ...object,
    metadata: { ...(name === undefined ? {} : { name }), ...(generateName === undefined ? {} : { generateName }) },
  };
}
