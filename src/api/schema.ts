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

const subdomain = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';
const dnsLabel = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$';
const serviceName = '^[a-z]([-a-z0-9]*[a-z0-9])?$';
const baseUrl = '^https?://[^/?#@ ]+(/[^?#@ ]*)?$';

const kindAndName = '^[A-Za-z0-9]+/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$';

const labelName = '[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';
const labelValuePattern = `^(${labelName})?$`;
export const labelKeyPattern = `^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?${labelName}$`;

/** Patterns in the words of messages and documentation. */
export const patternWords: ReadonlyMap<string, string> = new Map([
  [subdomain, 'a name of lower-case letters, digits, - and .'],
  [dnsLabel, 'a name of lower-case letters, digits and -'],
  [serviceName, 'a name of lower-case letters, digits and -, with a letter first'],
  [baseUrl, 'an http or https URL without user, query and fragment'],
  [kindAndName, 'Kind/name, such as NetworkPolicy/shop'],
  [labelValuePattern, 'a label value of letters, digits, -, _ and .'],
]);

/** A name as checks have it; DNS-1123 label. */
export function label(description: string) {
  return Type.String({ description, minLength: 1, maxLength: 63, pattern: dnsLabel });
}

/** A name as Services have it, and Deployments that get one; DNS-1035 label. */
export function serviceLikeName(description: string, maxLength = 63) {
  return Type.String({ description, minLength: 1, maxLength, pattern: serviceName });
}

/** An object in the same namespace, as `Kind/name`. */
export function objectReference() {
  return Type.String({ maxLength: 317, pattern: kindAndName });
}

/** A value of a label. */
export function labelValue() {
  return Type.String({ maxLength: 63, pattern: labelValuePattern });
}

/** The address of a server, to which paths are added. */
export function url(description: string) {
  return Type.String({ description, maxLength: 2048, pattern: baseUrl });
}

/** A name of an object in the same namespace; DNS-1123 subdomain. */
export function objectName(description: string) {
  return Type.String({
    description,
    minLength: 1,
    maxLength: 253,
    pattern: subdomain,
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
