import { apiVersionOf } from '../../../../api/kinds.ts';
import type { KubeObject, ManagedFieldsEntry } from '../../../../api/objects.ts';
import type { KindDefinition } from '../../types.ts';
import { isBuiltIn } from '../built-in.ts';
import { applyConflict } from '../errors.ts';
import type { Schema } from '../schema/types.ts';
import { compare, fieldSetOf, type Comparison } from './compare.ts';
import {
  difference,
  emptySet,
  type FieldSet,
  intersection,
  isEmpty,
  pathsOf,
  printPath,
  union,
  without,
} from './field-set.ts';
import { identityOf, isReset, type Manager, type Managers, readManagers, writeManagers } from './managers.ts';
import { mergeApplied, removeUnowned } from './merge.ts';

/** Who writes, and when. */
export interface Writer {
  manager: string;
  subresource?: string;
  /** RFC 3339. */
  time: string;
}

/** What is written of. */
export interface Written {
  definition: KindDefinition;
  schema: Schema;
  live: KubeObject | undefined;
}

/** Fields that nobody owns. */
const unowned = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'generation',
  'managedFields',
  'resourceVersion',
];

function strip(set: FieldSet): FieldSet {
  let result = without(without(set, ['f:apiVersion']), ['f:kind']);
  for (const field of unowned) result = without(result, ['f:metadata', `f:${field}`]);
  const metadata = result.children.get('f:metadata');
  if (metadata?.member !== true) return result;
  const children = new Map(result.children).set('f:metadata', { ...metadata, member: false });
  return { member: result.member, children };
}

/** Objects of Kubernetes' own have their zero value's fields from before their creation, so nobody adds them. */
function before({ definition, live }: Written): unknown {
  if (!isBuiltIn(definition)) return live ?? { metadata: {} };
  if (live !== undefined) return { status: {}, ...live };
  return { metadata: {}, spec: { strategy: {}, template: { metadata: {}, spec: { containers: [] } } }, status: {} };
}

/**
 * managedFields after a create, update or patch: what changed goes to the writer and leaves the others. managedFields that the
 * request carries in `next` are the base.
 */
export function ownUpdated(written: Written, next: KubeObject, writer: Writer): ManagedFieldsEntry[] {
  const managers = baseManagers(written.live, next);
  const changes = strippedChanges(written, next);
  const taken = union(changes.modified, changes.added);
  release(managers, union(taken, changes.removed));
  if (!isEmpty(taken)) {
    const self = managerFor(written.definition, writer, 'Update', taken);
    const previous = managers.get(identityOf(self));
    managers.set(identityOf(self), { ...self, fields: union(taken, previous?.fields ?? emptySet()) });
  }
  return writeManagers(managers);
}

function baseManagers(live: KubeObject | undefined, next: KubeObject): Managers {
  const requested = next.metadata.managedFields ?? [];
  if (isReset(requested)) return new Map();
  const read = readManagers(requested);
  if (read !== undefined && read.size > 0) return read;
  return readManagers(live?.metadata.managedFields ?? []) ?? new Map<string, Manager>();
}

function strippedChanges(written: Written, next: unknown): Comparison {
  const { added, modified, removed } = compare(written.schema, before(written), next);
  return { added: strip(added), modified: strip(modified), removed: strip(removed) };
}

function release(managers: Managers, fields: FieldSet): void {
  for (const [id, manager] of managers) managers.set(id, { ...manager, fields: difference(manager.fields, fields) });
}

function managerFor(
  definition: KindDefinition,
  { manager, subresource, time }: Writer,
  operation: Manager['operation'],
  fields: FieldSet,
): Manager {
  const where = subresource === undefined ? {} : { subresource };
  return { manager, operation, apiVersion: apiVersionOf(definition), ...where, time, fields };
}

/**
 * Server-side apply. `config` is what the request names and nothing else. @returns the object as it becomes and its
 * managedFields. Throws 409 with a cause for each field that another manager owns and that would change, unless `force`.
 */
export function applyConfig(
  written: Written,
  config: KubeObject,
  writer: Writer,
  force: boolean,
): { next: KubeObject; managed: ManagedFieldsEntry[] } {
  const { live, schema, definition } = written;
  const managers = readManagers(live?.metadata.managedFields ?? []) ?? new Map<string, Manager>();
  const named = strip(fieldSetOf(schema, config));
  const self = managerFor(definition, writer, 'Apply', named);
  const id = identityOf(self);
  const last = managers.get(id)?.fields ?? emptySet();
  managers.delete(id);
  const merged = live === undefined ? config : mergeApplied(schema, live, config);
  const owned = [...managers.values()].reduce((all, manager) => union(all, manager.fields), named);
  const next = removeUnowned(schema, merged, last, owned) as KubeObject;

  const changes = strippedChanges(written, next);
  const taken = union(changes.modified, changes.added);
  if (!force) refuseConflicts(managers, taken);
  release(managers, union(taken, changes.removed));
  managers.set(id, self);
  return { next, managed: writeManagers(managers) };
}

function refuseConflicts(managers: Managers, taken: FieldSet): void {
  const conflicts = [...managers.values()]
    .map((manager) => ({
      who: printManager(manager),
      paths: pathsOf(intersection(manager.fields, taken)).map(printPath),
    }))
    .filter(({ paths }) => paths.length > 0)
    .toSorted((a, b) => (a.who < b.who ? -1 : 1));
  if (conflicts.length === 0) return;
  const causes = conflicts.flatMap(({ who, paths }) =>
    paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${who}`, field })),
  );
  const [only] = causes;
  const what =
    causes.length === 1 && only !== undefined
      ? `1 conflict: ${only.message}: ${only.field}`
      : `${causes.length} conflicts: ${conflicts.map(printConflict).join('\n')}`;
  throw applyConflict(`Apply failed with ${what}`, causes);
}

const printConflict = ({ who, paths }: { who: string; paths: string[] }) =>
  [`conflicts with ${who}:`, ...paths.map((path) => `- ${path}`)].join('\n');

function printManager({ manager, operation, subresource, apiVersion }: Manager): string {
  const name =
    JSON.stringify(manager) + (subresource === undefined ? '' : ` with subresource ${JSON.stringify(subresource)}`);
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}
