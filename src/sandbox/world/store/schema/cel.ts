import { Optional, type ParseResult } from '@marcbachmann/cel-js';
import { childPath, duplicate, type FieldError, forbiddenField, invalid, required } from '../field-errors.ts';
import { canonicalJson, equal, fieldOf, isObject } from '../json.ts';
import { celEnvironment } from './cel-library.ts';
import { toCel } from './cel-values.ts';
import { fieldSchema, type Schema, type ValidationRule } from './types.ts';

/** Longest message that a `messageExpression` may give, in characters. */
const maxMessageLength = 5 * 1024;

type Evaluate = (variables: { self: unknown; oldSelf: unknown }) => unknown;

const environment = celEnvironment();
const programs = new Map<string, ParseResult>();

/** The library's has() takes no path with an index in it, as `has(self.matches[0].path)`; an optional field says the same. */
const hasOverIndex = /\bhas\(((?:[\w.]|\[\d+\])*\[\d+\])\.(\w+)\)/g;

function program(expression: string): ParseResult {
  let found = programs.get(expression);
  if (found === undefined) {
    found = environment.parse(expression.replaceAll(hasOverIndex, '$1.?$2.hasValue()'));
    programs.set(expression, found);
  }
  return found;
}

const firstLine = (error: unknown) => (error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));

/** What is wrong with the rules of a schema: those that do not compile. */
export function ruleErrors(schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  (schema['x-kubernetes-validations'] ?? []).forEach(({ rule, messageExpression }, index) => {
    const here = `${path}.x-kubernetes-validations[${index}]`;
    errors.push(...compileError(`${here}.rule`, rule, 'bool'));
    if (messageExpression !== undefined) {
      errors.push(...compileError(`${here}.messageExpression`, messageExpression, 'string'));
    }
  });
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    errors.push(...ruleErrors(inner, `${path}.properties[${name}]`));
  }
  if (schema.items !== undefined) errors.push(...ruleErrors(schema.items, `${path}.items`));
  if (typeof schema.additionalProperties === 'object') {
    errors.push(...ruleErrors(schema.additionalProperties, `${path}.additionalProperties`));
  }
  return errors;
}

function compileError(field: string, expression: string, wanted: 'bool' | 'string'): FieldError[] {
  try {
    const checked = program(expression).check();
    if (!checked.valid) return [invalid(field, expression, `compilation failed: ERROR: ${firstLine(checked.error)}`)];
    if (checked.type === wanted || checked.type === 'dyn') return [];
    return [invalid(field, expression, `cel expression must evaluate to a ${wanted}`)];
  } catch (error) {
    return [invalid(field, expression, `compilation failed: ERROR: ${firstLine(error)}`)];
  }
}

/** What the CEL rules of a schema say of a value. `old` is the value before the change, undefined on creation. */
export function checkRules(schema: Schema, value: unknown, old: unknown, path = ''): FieldError[] {
  if (value === null || value === undefined || !hasRules(schema) || isUnchanged(schema, value, old)) return [];
  const errors = (schema['x-kubernetes-validations'] ?? []).flatMap((rule) =>
    checkRule(schema, rule, { value, old, path }),
  );
  if (Array.isArray(value) && schema.items !== undefined) {
    const { items } = schema;
    const oldItem = itemFinder(schema, old);
    value.forEach((item, index) => errors.push(...checkRules(items, item, oldItem(item), `${path}[${index}]`)));
  }
  if (!isObject(value)) return errors;
  for (const [name, item] of Object.entries(value)) {
    const inner = fieldSchema(schema, name);
    if (inner !== undefined) errors.push(...checkRules(inner, item, fieldOf(old, name), childPath(path, name)));
  }
  return errors;
}

/** What did not change is not refused for rules that came later, and need not be asked again. */
function isUnchanged(schema: Schema, value: unknown, old: unknown): boolean {
  return isObject(value) && old !== undefined && !hasTransitions(schema) && equal(value, old);
}

/** Whether the schema, or any below it, has rules. */
const hasRules = ofAnyRule(() => true);

/** Whether the schema, or any below it, has rules about a change. */
const hasTransitions = ofAnyRule(({ rule }) => /\boldSelf\b/.test(rule));

function ofAnyRule(matches: (rule: ValidationRule) => boolean): (schema: Schema) => boolean {
  const known = new WeakMap<Schema, boolean>();
  const find = (schema: Schema): boolean => {
    let found = known.get(schema);
    if (found === undefined) {
      const inner = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties];
      found =
        (schema['x-kubernetes-validations'] ?? []).some(matches) ||
        inner.some((item) => typeof item === 'object' && find(item));
      known.set(schema, found);
    }
    return found;
  };
  return find;
}

/** Only items of lists with keys can be told again after a change. */
function itemFinder(schema: Schema, old: unknown): (item: unknown) => unknown {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old)) return () => undefined;
  const idOf = (item: unknown) => canonicalJson(keys.map((key) => fieldOf(item, key) ?? null));
  const byId = new Map(old.map((item) => [idOf(item), item as unknown]));
  return (item) => byId.get(idOf(item));
}

interface Subject {
  value: unknown;
  old: unknown;
  path: string;
}

function checkRule(schema: Schema, rule: ValidationRule, { value, old, path }: Subject): FieldError[] {
  const isTransition = /\boldSelf\b/.test(rule.rule);
  if (isTransition && old === undefined && rule.optionalOldSelf !== true) return [];
  const variables = { self: toCel(schema, value), oldSelf: oldValue(schema, rule, old) };
  try {
    const evaluate: Evaluate = program(rule.rule);
    if (evaluate(variables) === true) return [];
  } catch (error) {
    return [invalid(path, schema.type ?? '', `${firstLine(error)} evaluating rule: ${messageOf(rule)}`)];
  }
  const field = rule.fieldPath === undefined ? path : path + rule.fieldPath;
  const message = evaluatedMessage(rule, variables) ?? messageOf(rule);
  return [errorFor(rule, field.replace(/^\./, ''), schema.type ?? '', message)];
}

function oldValue(schema: Schema, rule: ValidationRule, old: unknown): unknown {
  if (rule.optionalOldSelf === true) return old === undefined ? Optional.none() : Optional.of(toCel(schema, old));
  return old === undefined ? null : toCel(schema, old);
}

const messageOf = (rule: ValidationRule) => rule.message ?? `failed rule: ${rule.rule.trim()}`;

function evaluatedMessage(rule: ValidationRule, variables: { self: unknown; oldSelf: unknown }): string | undefined {
  if (rule.messageExpression === undefined) return undefined;
  try {
    const evaluate: Evaluate = program(rule.messageExpression);
    const text = evaluate(variables);
    const isUsable =
      typeof text === 'string' && text.trim() !== '' && !text.includes('\n') && text.length <= maxMessageLength;
    return isUsable ? text.trim() : undefined;
  } catch {
    return undefined;
  }
}

function errorFor(rule: ValidationRule, field: string, type: string, message: string): FieldError {
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return forbiddenField(field, message);
    case 'FieldValueRequired':
      return required(field, message);
    case 'FieldValueDuplicate':
      return duplicate(field, type);
    default:
      return invalid(field, type, message);
  }
}
