import Type, { type TSchema } from 'typebox';

/**
 * Small pieces from which the resources' schemas are made. They are JSON Schema with the Kubernetes extensions that a
 * CustomResourceDefinition may carry; TypeBox gives the TypeScript type of the same value.
 */

/** A CEL rule of a CustomResourceDefinition: `rule` must be true of `self`, else the write is refused with `message`. */
export interface CelRule {
  rule: string;
  message: string;
  fieldPath?: string;
}

/** Schema options with CEL rules. */
export function rules(...list: CelRule[]): { 'x-kubernetes-validations': CelRule[] } {
  return { 'x-kubernetes-validations': list };
}

/** A name of an object in the same namespace; DNS-1123 subdomain. */
export function objectName(description: string) {
  return Type.String({
    description,
    minLength: 1,
    maxLength: 253,
    pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
  });
}

/** Up to four numbers with units; too few digits to overflow what a Go duration can hold. */
const durationPattern = '^([0-9]{1,5}(ms|s|m|h)){1,4}$';

/** CEL: whether `value` can be given to `duration()`, which otherwise ends a rule with an error that nobody understands. */
export function isDuration(value: string): string {
  return `${value}.matches('${durationPattern}')`;
}

/** A Go duration such as `90s` or `1m30s`, between `min` and `max`. */
export function duration(description: string, bounds: { min: string; max: string; default?: string }) {
  return Type.String({
    description: `${description} A duration such as 30s or 1m30s, from ${bounds.min} to ${bounds.max}.`,
    maxLength: 28,
    pattern: durationPattern,
    ...(bounds.default === undefined ? {} : { default: bounds.default }),
    ...rules({
      rule: `${isDuration('self')} && duration(self) >= duration('${bounds.min}') && duration(self) <= duration('${bounds.max}')`,
      message: `must be a duration such as 30s or 1m30s, from ${bounds.min} to ${bounds.max}`,
    }),
  });
}

/** An array whose items have the key `keys`, each once. */
export function listMap<T extends TSchema>(
  item: T,
  keys: string[],
  options: { description: string; minItems?: number; maxItems: number },
) {
  return Type.Array(item, { ...options, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys });
}

/** An array that is replaced as a whole. */
export function atomicList<T extends TSchema>(
  item: T,
  options: { description: string; minItems?: number; maxItems: number },
) {
  return Type.Array(item, { ...options, 'x-kubernetes-list-type': 'atomic' });
}

/** Free text of at most `maxLength` characters. */
export function text(description: string, maxLength: number) {
  return Type.String({ description, maxLength });
}

/** A moment as ISO 8601 in UTC. */
export function moment(description: string) {
  return Type.String({ description, maxLength: 40 });
}

/** A string that is one of `values`. */
export function oneOf<const T extends string>(
  values: readonly T[],
  options: { description: string; default?: NoInfer<T> },
) {
  return Type.Unsafe<T>({ type: 'string', enum: [...values], ...options });
}
