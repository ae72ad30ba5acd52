import type { KubeObject } from '../../../api/objects.ts';
import type { KindDefinition } from '../types.ts';
import { type FieldError, invalid, required } from './field-errors.ts';
import { clone, fieldOf, isObject, type JsonObject, objectAt } from './json.ts';
import type { Schema } from './schema/types.ts';

export function isCrd(definition: KindDefinition): boolean {
  return definition.group === 'apiextensions.k8s.io' && definition.kind === 'CustomResourceDefinition';
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
const versionsOf = (crd: KubeObject): JsonObject[] => {
  const versions = objectAt(crd, 'spec')['versions'];
  return Array.isArray(versions) ? versions.filter(isObject) : [];
};

/** The kind that a CustomResourceDefinition describes, at its stored version. */
export function definitionOfCrd(crd: KubeObject): KindDefinition {
  const spec = objectAt(crd, 'spec');
  const names = objectAt(spec, 'names');
  const version = versionsOf(crd).find((item) => item['storage'] === true) ?? versionsOf(crd)[0] ?? {};
  const schema = fieldOf(version['schema'], 'openAPIV3Schema');
  const columns = version['additionalPrinterColumns'];
  const kind = text(names['kind']);
  return {
    group: text(spec['group']),
    version: text(version['name']),
    kind,
    plural: text(names['plural']),
    namespaced: spec['scope'] !== 'Cluster',
    singular: text(names['singular']) === '' ? kind.toLowerCase() : text(names['singular']),
    shortNames: texts(names['shortNames']),
    categories: texts(names['categories']),
    statusSubresource: isObject(fieldOf(version['subresources'], 'status')),
    generation: true,
    ...(isObject(schema) ? { schema: clone(schema) } : {}),
    ...(Array.isArray(columns) ? { columns: clone(columns) as NonNullable<KindDefinition['columns']> } : {}),
  };
}

/** What is wrong with a CustomResourceDefinition, apart from its schema's own rules. */
export function crdErrors(crd: KubeObject): FieldError[] {
  const spec = objectAt(crd, 'spec');
  const names = objectAt(spec, 'names');
  const errors: FieldError[] = [];
  for (const field of ['group', 'scope']) if (text(spec[field]) === '') errors.push(required(`spec.${field}`));
  for (const field of ['plural', 'kind']) if (text(names[field]) === '') errors.push(required(`spec.names.${field}`));
  const wanted = `${text(names['plural'])}.${text(spec['group'])}`;
  if (crd.metadata.name !== wanted) {
    errors.push(invalid('metadata.name', crd.metadata.name, 'must be spec.names.plural+"."+spec.group'));
  }
  const versions = versionsOf(crd);
  if (versions.filter((version) => version['storage'] === true).length !== 1) {
    errors.push(invalid('spec.versions', versions, 'must have exactly one version marked as storage version'));
  }
  versions.forEach((version, index) => {
    if (!isObject(fieldOf(version['schema'], 'openAPIV3Schema'))) {
      errors.push(required(`spec.versions[${index}].schema.openAPIV3Schema`, 'schemas are required'));
    }
  });
  return errors;
}

/** The schemas of all versions, with the paths under which errors in them are told. */
export function schemasOfCrd(crd: KubeObject): { schema: Schema; path: string }[] {
  return versionsOf(crd).flatMap((version, index) => {
    const schema = fieldOf(version['schema'], 'openAPIV3Schema');
    const path = `spec.versions[${index}].schema.openAPIV3Schema`;
    return isObject(schema) ? [{ schema, path }] : [];
  });
}

/** Marks a CustomResourceDefinition as served. @param now RFC 3339 */
export function establishCrd(crd: KubeObject, now: string): void {
  const definition = definitionOfCrd(crd);
  const names = objectAt(objectAt(crd, 'spec'), 'names');
  names['singular'] = definition.singular;
  names['listKind'] ??= `${definition.kind}List`;
  const before = objectAt(crd, 'status')['conditions'];
  const conditions: unknown[] = Array.isArray(before) ? before : [];
  const condition = (type: string, reason: string, message: string) => {
    const kept = conditions.find((item) => fieldOf(item, 'type') === type);
    return kept ?? { type, status: 'True', lastTransitionTime: now, reason, message };
  };
  crd['status'] = {
    acceptedNames: clone(names),
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    storedVersions: [definition.version],
  };
}
