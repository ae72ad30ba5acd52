import type { KindDefinition } from '../types.ts';
import { type FieldError, invalid, tooLong } from './field-errors.ts';
import { isObject, type JsonObject } from './json.ts';

const labelForm = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const label1035Form = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const subdomainForm = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const qualifiedForm = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

const label1123Message =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const label1035Message =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const subdomainMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const qualifiedMessage =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const labelValueMessage =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** Total size of all annotations, keys and values, in bytes. */
const maxAnnotationBytes = 256 * 1024;

function nameRule(definition: KindDefinition): { form: RegExp; max: number; message: string } {
  if (definition.group === '' && definition.kind === 'Service') {
    return { form: label1035Form, max: 63, message: label1035Message };
  }
  if (definition.group === '' && definition.kind === 'Namespace') {
    return { form: labelForm, max: 63, message: label1123Message };
  }
  return { form: subdomainForm, max: 253, message: subdomainMessage };
}

/** Names of RBAC objects are path segments: nearly anything. */
const isPathSegment = (definition: KindDefinition) => definition.group === 'rbac.authorization.k8s.io';

/** What is wrong with the name of an object of this kind. */
export function nameErrors(definition: KindDefinition, name: string): FieldError[] {
  if (isPathSegment(definition)) {
    const bad = name === '.' || name === '..' || /[/%]/.test(name);
    return bad ? [invalid('metadata.name', name, "may not be '.', '..' or contain '/' or '%'")] : [];
  }
  const { form, max, message } = nameRule(definition);
  const errors: FieldError[] = [];
  if (name.length > max) errors.push(invalid('metadata.name', name, `must be no more than ${max} bytes`));
  if (!form.test(name)) errors.push(invalid('metadata.name', name, message));
  return errors;
}

/** A name from `generateName`: the prefix, shortened if need be, and five characters as Kubernetes chooses them. */
export function generatedName(prefix: string, next: () => number): string {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  let suffix = '';
  for (let i = 0; i < 5; i++) suffix += alphabet[Math.floor(next() * alphabet.length)] ?? 'b';
  return prefix.slice(0, 58) + suffix;
}

function qualifiedNameErrors(field: string, key: string): FieldError[] {
  const slash = key.indexOf('/');
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const name = key.slice(slash + 1);
  const errors: FieldError[] = [];
  if (prefix !== undefined && !subdomainForm.test(prefix)) {
    errors.push(
      invalid(field, key, prefix === '' ? 'prefix part must be non-empty' : `prefix part ${subdomainMessage}`),
    );
  }
  if (name === '') errors.push(invalid(field, key, 'name part must be non-empty'));
  if (name.length > 63) errors.push(invalid(field, key, 'name part must be no more than 63 bytes'));
  if (!qualifiedForm.test(name)) errors.push(invalid(field, key, qualifiedMessage));
  return errors;
}

/** What is wrong with `metadata.labels`. */
export function labelErrors(labels: JsonObject | undefined): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    errors.push(...qualifiedNameErrors('metadata.labels', key));
    if (typeof value !== 'string') continue;
    if (value.length > 63) errors.push(invalid('metadata.labels', value, 'must be no more than 63 bytes'));
    if (value !== '' && !qualifiedForm.test(value)) errors.push(invalid('metadata.labels', value, labelValueMessage));
  }
  return errors;
}

/** What is wrong with `metadata.annotations`. */
export function annotationErrors(annotations: JsonObject | undefined): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    // Annotation keys are compared in lower case: upper case prefixes are allowed for old clients.
    errors.push(...qualifiedNameErrors('metadata.annotations', key.toLowerCase()));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(String(value));
  }
  if (bytes > maxAnnotationBytes) errors.push(tooLong('metadata.annotations', maxAnnotationBytes));
  return errors;
}

/** What is wrong with finalizers: their names must be qualified. */
export function finalizerErrors(finalizers: readonly string[]): FieldError[] {
  return finalizers.flatMap((name) => qualifiedNameErrors('metadata.finalizers', name));
}

/** The first of `labels` or `annotations` whose value is not a string; the API server cannot decode such an object. */
export function nonStringEntry(metadata: JsonObject): string | undefined {
  for (const field of ['labels', 'annotations']) {
    const map = metadata[field];
    if (map === undefined || map === null) continue;
    if (!isObject(map)) return `metadata.${field}`;
    const bad = Object.entries(map).find(([, value]) => typeof value !== 'string');
    if (bad !== undefined) return `metadata.${field}.${bad[0]}`;
  }
  return undefined;
}
