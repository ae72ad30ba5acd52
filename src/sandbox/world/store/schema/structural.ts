import { childPath, type FieldError, forbiddenField, invalid, required, typeInvalid } from '../field-errors.ts';
import { isObject } from '../json.ts';
import type { Schema } from './types.ts';
import { validate } from './validate.ts';

const place = {
  root: 'at the root',
  field: 'for specified object fields',
  items: 'for specified array items',
} as const;

/** Keywords of JSON Schema that the API server refuses in a definition. */
const refused = [
  '$ref',
  'const',
  'definitions',
  'dependencies',
  'if',
  'then',
  'else',
  'patternProperties',
  'deprecated',
];

/** What keeps a schema from being structural, so that the API server would refuse its CustomResourceDefinition. */
export function structuralErrors(schema: unknown, path: string, where: keyof typeof place = 'root'): FieldError[] {
  if (!isObject(schema)) return [typeInvalid(path, typeof schema, `${path} must be a schema`)];
  const errors = refused
    .filter((keyword) => Object.hasOwn(schema, keyword))
    .map((keyword) => forbiddenField(childPath(path, keyword), `${keyword} is not supported`));
  errors.push(...typeErrors(schema, path, where), ...listErrors(schema, path), ...innerErrors(schema, path));
  // The checks that read a schema's parts need those to be schemas.
  return errors.length > 0 ? errors : valueErrors(schema, path);
}

function typeErrors(schema: Schema, path: string, where: keyof typeof place): FieldError[] {
  const isOpen =
    schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema.type === undefined || schema.type === '') {
    return isOpen && where !== 'root' ? [] : [required(`${path}.type`, `must not be empty ${place[where]}`)];
  }
  if (where === 'root' && schema.type !== 'object') {
    return [invalid(`${path}.type`, schema.type, 'must be object at the root')];
  }
  const known = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
  return known.includes(schema.type)
    ? []
    : [invalid(`${path}.type`, schema.type, `must be one of ${known.join(', ')}`)];
}

function listErrors(schema: Schema, path: string): FieldError[] {
  if (schema.type === 'array' && schema.items === undefined) return [required(`${path}.items`, 'must be specified')];
  if (schema['x-kubernetes-list-type'] !== 'map') return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (keys.length === 0) {
    return [required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map')];
  }
  return keys.flatMap((key) => {
    const property = schema.items?.properties?.[key];
    if (property === undefined) {
      return [
        invalid(`${path}.x-kubernetes-list-map-keys`, keys, `entries must all be names of item properties: "${key}"`),
      ];
    }
    if (property.default !== undefined || schema.items?.required?.includes(key) === true) return [];
    const why = 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property';
    return [required(`${path}.items.properties[${key}].default`, why)];
  });
}

function innerErrors(schema: Schema, path: string): FieldError[] {
  const { properties = {}, items, additionalProperties } = schema;
  if (!isObject(properties))
    return [typeInvalid(`${path}.properties`, typeof properties, 'must be an object of schemas')];
  const errors = Object.entries(properties).flatMap(([name, inner]) =>
    // The API server puts its own schema there.
    path.endsWith('openAPIV3Schema') && name === 'metadata'
      ? []
      : structuralErrors(inner, `${path}.properties[${name}]`, 'field'),
  );
  if (items !== undefined) errors.push(...structuralErrors(items, `${path}.items`, 'items'));
  if (additionalProperties === false) {
    errors.push(forbiddenField(`${path}.additionalProperties`, 'additionalProperties cannot be set to false'));
  } else if (additionalProperties !== undefined && additionalProperties !== true) {
    errors.push(...structuralErrors(additionalProperties, `${path}.additionalProperties`, 'field'));
  }
  return errors;
}

function valueErrors(schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.pattern !== undefined) {
    try {
      new RegExp(schema.pattern, 'u');
    } catch {
      errors.push(invalid(`${path}.pattern`, schema.pattern, "must be a valid regular expression, but isn't"));
    }
  }
  if (schema.default !== undefined && errors.length === 0)
    errors.push(...validate(schema, schema.default, `${path}.default`));
  return errors;
}
