import { patternWords } from './schema.ts';
import type { JsonSchema } from './structural.ts';

/** What a schema asks of a value, in a few words: `a whole number from 1 to 100`, `one of hold, rollback`. */
export function wanted(schema: JsonSchema): string {
  if (schema.enum !== undefined) {
    return schema.enum.length === 1 ? String(schema.enum[0]) : `one of ${schema.enum.join(', ')}`;
  }
  switch (schema.type) {
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `a whole number${range(schema)}`;
    case 'number':
      return `a number${range(schema)}`;
    case 'array':
      return `a list${size('items', schema.minItems, schema.maxItems)}`;
    case 'string':
      return text(schema);
    default:
      return `an object${size('fields', undefined, schema.maxProperties)}`;
  }
}

function text(schema: JsonSchema): string {
  const { pattern, minLength, maxLength } = schema;
  const said = schema['x-kubernetes-validations']?.[0]?.message;
  if (said?.startsWith('must be ') === true) return said.replace('must be ', '');
  const length = size('characters', minLength, maxLength);
  if (pattern === undefined) return `text${length}`;
  const words = patternWords.get(pattern);
  return words === undefined ? `text${length} like ${pattern}` : `${words};${length.replace(' of', '')}`;
}

function range({ minimum, maximum }: JsonSchema): string {
  const from = minimum === undefined ? '' : ` from ${minimum}`;
  return maximum === undefined ? from : `${from}${from === '' ? ' up' : ''} to ${maximum}`;
}

function size(unit: string, min: number | undefined, max: number | undefined): string {
  if (max === undefined) return min === undefined ? '' : ` of at least ${min} ${unit}`;
  return min === undefined ? ` of at most ${max} ${unit}` : ` of ${min} to ${max} ${unit}`;
}
