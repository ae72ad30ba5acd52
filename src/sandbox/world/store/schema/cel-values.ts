import { Duration } from '@marcbachmann/cel-js/evaluator';
import { isObject, type JsonObject } from '../json.ts';
import { durationSeconds } from './formats.ts';
import type { Schema } from './types.ts';

const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

/** Names come from schemas, so they are few; values of every write are converted. */
const escapedNames = new Map<string, string>();

/** How CEL rules write a property's name: what is no identifier is escaped. */
function escapeName(name: string): string {
  const known = escapedNames.get(name);
  if (known !== undefined) return known;
  const escaped = reserved.has(name) ? `__${name}__` : escapeCharacters(name);
  escapedNames.set(name, escaped);
  return escaped;
}

function escapeCharacters(name: string): string {
  return name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
}

/** A JSON value as CEL sees it: whole numbers as int, formats as their types, and of objects only what the schema names. */
export function toCel(schema: Schema | undefined, value: unknown): unknown {
  if (typeof value === 'number') return isInt(schema, value) ? BigInt(value) : value;
  if (typeof value === 'string') return fromText(schema, value);
  if (Array.isArray(value)) return value.map((item) => toCel(schema?.items, item));
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const [name, property] of Object.entries(schema?.properties ?? {})) {
    if (Object.hasOwn(value, name)) result[escapeName(name)] = toCel(property, value[name]);
  }
  const { additionalProperties } = schema ?? {};
  if (typeof additionalProperties !== 'object') return result;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, toCel(additionalProperties, item)]));
}

function isInt(schema: Schema | undefined, value: number): boolean {
  if (schema?.type === 'number') return false;
  return Number.isInteger(value);
}

function fromText(schema: Schema | undefined, value: string): unknown {
  if (schema?.format === 'date-time' || schema?.format === 'date') return new Date(value);
  if (schema?.format !== 'duration') return value;
  const seconds = durationSeconds(value);
  if (seconds === undefined) return value;
  const nanos = BigInt(Math.round(seconds * 1e9));
  return new Duration(nanos / 1_000_000_000n, Number(nanos % 1_000_000_000n));
}
