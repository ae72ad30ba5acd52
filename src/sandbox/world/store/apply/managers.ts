import type { ManagedFieldsEntry } from '../../../../api/objects.ts';
import { isObject } from '../json.ts';
import { type FieldSet, fromFieldsV1, isEmpty, toFieldsV1 } from './field-set.ts';

/** One entry of managedFields. */
export interface Manager {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  subresource?: string;
  /** RFC 3339. */
  time?: string;
  fields: FieldSet;
}

/** Managers by their identity. */
export type Managers = Map<string, Manager>;

/** Who a manager is: an applier stays the same whatever version it applies. */
export function identityOf(manager: Omit<Manager, 'fields' | 'time'>): string {
  const { operation, subresource = '', apiVersion } = manager;
  return JSON.stringify([manager.manager, operation, subresource, operation === 'Apply' ? '' : apiVersion]);
}

/** Reads managedFields. @returns undefined when an entry is malformed */
export function readManagers(entries: readonly ManagedFieldsEntry[]): Managers | undefined {
  const managers: Managers = new Map();
  for (const entry of entries) {
    const { manager, operation, apiVersion, subresource, time, fieldsV1 } = entry;
    const fields = fromFieldsV1(fieldsV1 ?? {});
    const isKnown = operation === 'Apply' || operation === 'Update';
    if (fields === undefined || !isKnown || typeof apiVersion !== 'string') return undefined;
    const read: Manager = {
      manager: manager ?? '',
      operation,
      apiVersion,
      ...(subresource === undefined || subresource === '' ? {} : { subresource }),
      ...(time === undefined ? {} : { time }),
      fields,
    };
    managers.set(identityOf(read), read);
  }
  return managers;
}

/** Writes managedFields, in the API server's order; managers that own nothing are left out. */
export function writeManagers(managers: Managers): ManagedFieldsEntry[] {
  const owning = [...managers.values()].filter((manager) => !isEmpty(manager.fields));
  return owning.toSorted(compareManagers).map(({ manager, operation, apiVersion, subresource, time, fields }) => ({
    manager,
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: toFieldsV1(fields),
    ...(subresource === undefined ? {} : { subresource }),
  }));
}

function compareManagers(a: Manager, b: Manager): number {
  const keys = (m: Manager) => [m.operation, m.time ?? '', m.manager, m.apiVersion, m.subresource ?? ''];
  const other = keys(b);
  for (const [index, key] of keys(a).entries()) {
    const against = other[index] ?? '';
    if (key !== against) return key < against ? -1 : 1;
  }
  return 0;
}

/** Whether a request resets managedFields: a list of one empty entry. An empty list does not, so that clients that do not know the field keep it. */
export function isReset(entries: readonly ManagedFieldsEntry[]): boolean {
  const [only] = entries;
  return entries.length === 1 && isObject(only) && Object.keys(only).length === 0;
}
