import {
  childPath,
  duplicate,
  type FieldError,
  invalid,
  notSupported,
  required,
  tooLong,
  tooMany,
  typeInvalid,
} from '../field-errors.ts';
import { canonicalJson, equal, isObject, type JsonObject } from '../json.ts';
import { isOfFormat } from './formats.ts';
import { fieldSchema, type Schema } from './types.ts';

/** What is wrong with a value, but for CEL rules, worded as the API server does for custom resources. */
export function validate(schema: Schema, value: unknown, path = ''): FieldError[] {
  if (value === null && schema.nullable === true) return [];
  const typeError = checkType(schema, value, path);
  if (typeError !== undefined) return [typeError];
  return [
    ...checkEnum(schema, value, path),
    ...(typeof value === 'number' ? checkNumber(schema, value, path) : []),
    ...(typeof value === 'string' ? checkString(schema, value, path) : []),
    ...(Array.isArray(value) ? checkList(schema, value, path) : []),
    ...(isObject(value) ? checkObject(schema, value, path) : []),
    ...checkCombinations(schema, value, path),
  ];
}

/** The name that the API server has for a value's type. */
function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function checkType(schema: Schema, value: unknown, path: string): FieldError | undefined {
  const found = typeOf(value);
  if (schema['x-kubernetes-int-or-string'] === true) {
    // Quantities have the same schema, and may be fractions.
    if (typeof value === 'number' || found === 'string') return undefined;
    return typeInvalid(path, found, `${path} in body must be of type integer,string: "${found}"`);
  }
  const { type } = schema;
  if (type === undefined || type === found || (type === 'number' && found === 'integer')) return undefined;
  return typeInvalid(path, found, `${path} in body must be of type ${type}: "${found}"`);
}

function checkEnum(schema: Schema, value: unknown, path: string): FieldError[] {
  if (schema.enum === undefined || schema.enum.some((allowed) => equal(allowed, value))) return [];
  return [notSupported(path, value, schema.enum)];
}

function checkNumber(schema: Schema, value: number, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const complain = (text: string) => errors.push(invalid(path, value, `${path} in body should be ${text}`));
  const { minimum = -Infinity, maximum = Infinity, multipleOf } = schema;
  const orEqual = (isExclusive: boolean | undefined) => (isExclusive === true ? '' : ' or equal to');
  const isBelow = schema.exclusiveMinimum === true ? value <= minimum : value < minimum;
  const isAbove = schema.exclusiveMaximum === true ? value >= maximum : value > maximum;
  if (isBelow) complain(`greater than${orEqual(schema.exclusiveMinimum)} ${minimum}`);
  if (isAbove) complain(`less than${orEqual(schema.exclusiveMaximum)} ${maximum}`);
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) complain(`a multiple of ${multipleOf}`);
  return errors;
}

function checkString(schema: Schema, value: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { minLength, maxLength, pattern, format } = schema;
  const length = minLength === undefined && maxLength === undefined ? 0 : Array.from(value).length;
  if (maxLength !== undefined && length > maxLength) errors.push(tooLong(path, maxLength));
  if (minLength !== undefined && length < minLength) {
    errors.push(invalid(path, value, `${path} in body should be at least ${minLength} chars long`));
  }
  if (pattern !== undefined && !compiled(pattern).test(value)) {
    errors.push(invalid(path, value, `${path} in body should match '${pattern}'`));
  }
  if (format !== undefined && !isOfFormat(format, value)) {
    errors.push(typeInvalid(path, value, `${path} in body must be of type ${format}: ${JSON.stringify(value)}`));
  }
  return errors;
}

const patterns = new Map<string, RegExp>();

/** Patterns are Go's; what they share with JavaScript's is what schemas use. */
function compiled(pattern: string): RegExp {
  let found = patterns.get(pattern);
  if (found === undefined) {
    found = new RegExp(pattern, 'u');
    patterns.set(pattern, found);
  }
  return found;
}

function checkList(schema: Schema, list: unknown[], path: string): FieldError[] {
  const { minItems, maxItems, items } = schema;
  const errors: FieldError[] = [];
  if (maxItems !== undefined && list.length > maxItems) errors.push(tooMany(path, list.length, maxItems));
  if (minItems !== undefined && list.length < minItems) {
    errors.push(invalid(path, list.length, `${path} in body should have at least ${minItems} items`));
  }
  if (items !== undefined) {
    list.forEach((item, index) => errors.push(...validate(items, item, `${path}[${index}]`)));
  }
  return [...errors, ...checkDuplicates(schema, list, path)];
}

function checkDuplicates(schema: Schema, list: unknown[], path: string): FieldError[] {
  const listType = schema['x-kubernetes-list-type'];
  const isSet = listType === 'set' || schema.uniqueItems === true;
  if (!isSet && listType !== 'map') return [];
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  list.forEach((item, index) => {
    const key = isSet ? item : keysOf(schema, item);
    const text = canonicalJson(key);
    if (seen.has(text)) errors.push(duplicate(`${path}[${index}]`, key));
    seen.add(text);
  });
  return errors;
}

function keysOf(schema: Schema, item: unknown): JsonObject {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const value = isObject(item) ? item : {};
  return Object.fromEntries(keys.filter((key) => value[key] !== undefined).map((key) => [key, value[key]]));
}

function checkObject(schema: Schema, object: JsonObject, path: string): FieldError[] {
  const { minProperties, maxProperties } = schema;
  const errors: FieldError[] = [];
  const count = Object.keys(object).length;
  if (maxProperties !== undefined && count > maxProperties) errors.push(tooMany(path, count, maxProperties));
  if (minProperties !== undefined && count < minProperties) {
    errors.push(invalid(path, count, `${path} in body should have at least ${minProperties} properties`));
  }
  for (const name of schema.required ?? []) {
    if (!Object.hasOwn(object, name)) errors.push(required(childPath(path, name)));
  }
  for (const [name, value] of Object.entries(object)) {
    const inner = fieldSchema(schema, name);
    if (inner !== undefined) errors.push(...validate(inner, value, childPath(path, name)));
  }
  return errors;
}

function checkCombinations(schema: Schema, value: unknown, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const passes = (inner: Schema) => validate(inner, value, path).length === 0;
  const complain = (text: string) => errors.push(invalid('<nil>', '', `"${path}" ${text}`));
  for (const inner of schema.allOf ?? []) errors.push(...validate(inner, value, path));
  if (schema.anyOf !== undefined && !schema.anyOf.some(passes)) {
    complain('must validate at least one schema (anyOf)');
    // The API server adds what is wrong with the best fitting branch.
    const [best] = schema.anyOf.map((inner) => validate(inner, value, path)).toSorted((a, b) => a.length - b.length);
    errors.push(...(best ?? []));
  }
  if (schema.oneOf !== undefined) {
    const count = schema.oneOf.filter(passes).length;
    const found = count > 1 ? `. Found ${count} valid alternatives` : '. Found none valid';
    if (count !== 1) complain(`must validate one and only one schema (oneOf)${found}`);
  }
  if (schema.not !== undefined && passes(schema.not)) complain('must not validate the schema (not)');
  return errors;
}
