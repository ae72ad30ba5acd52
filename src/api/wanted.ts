import type { JsonSchema } from './structural.ts';

/** What a schema asks of a value, in a few words: `a whole number from 1 to 100`, `one of hold, rollback`. */
export function wanted(schema: JsonSchema): string {
  if (schema.enum !== undefined)
    return schema.enum.length === 1 ? String(schema.enum[0]) : `one of ${schema.enum.join(', ')}`;
  switch (schema.type) {
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `a whole number${range(schema.minimum, schema.maximum, '')}`;
    case 'number':
      return `a number${range(schema.minimum, schema.maximum, '')}`;
    case 'array':
      return `a list${range(schema.minItems, schema.maxItems, ' items', ' of')}`;
    case 'string':
      return text(schema);
    default:
      return schema.maxProperties === undefined ? 'an object' : `an object of at most ${schema.maxProperties} fields`;
  }
}

function text(schema: JsonSchema): string {
  const said = schema['x-kubernetes-validations']?.[0]?.message;
  if (said !== undefined) return said.replace(/^must be /, '');
  const length = range(schema.minLength, schema.maxLength, ' characters', ' of');
  return schema.pattern === undefined ? `text${length}` : `text${length} like ${schema.pattern}`;
}

function range(min: number | undefined, max: number | undefined, unit: string, from = ' from'): string {
  if (min !== undefined && max !== undefined) return `${from} ${min} to ${max}${unit}`;
  if (max !== undefined) return `${unit === '' ? '' : from} at most ${max}${unit}`;
  return min === undefined ? '' : `${unit === '' ? '' : from} at least ${min}${unit}`;
}
