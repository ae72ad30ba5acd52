import { badRequest } from './errors.ts';
import { clone, equal, fieldOf, isObject, type JsonObject, setField } from './json.ts';
import { fieldSchema, type Schema } from './schema/types.ts';

/** Merge keys of Kubernetes' own lists, where the schema does not name them. */
const mergeKeys: Record<string, string> = {
  conditions: 'type',
  containers: 'name',
  env: 'name',
  ephemeralContainers: 'name',
  hostAliases: 'ip',
  imagePullSecrets: 'name',
  initContainers: 'name',
  ownerReferences: 'uid',
  topologySpreadConstraints: 'topologyKey',
  volumeDevices: 'devicePath',
  volumeMounts: 'mountPath',
  volumes: 'name',
};

/** Lists of plain values that are merged. */
const mergedValues = new Set(['finalizers']);

interface Place {
  schema: Schema | undefined;
  /** Name of the list or object that holds the present field. */
  parent: string;
}

/** Strategic merge patch, for Kubernetes' own kinds. @returns a new value; neither argument is changed. Throws 400 when the patch is malformed. */
export function strategicPatch(schema: Schema | undefined, target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) throw badRequest('a strategic merge patch must be an object');
  return mergeObject(isObject(target) ? target : {}, patch, { schema, parent: '' });
}

function mergeObject(target: JsonObject, patch: JsonObject, place: Place): JsonObject | undefined {
  if (patch['$patch'] === 'delete') return undefined;
  if (patch['$patch'] === 'replace') return plain(patch);
  if (patch['$patch'] !== undefined && patch['$patch'] !== 'merge') {
    throw badRequest(`Unknown patch type ${JSON.stringify(patch['$patch'])} in map: ${JSON.stringify(patch)}`);
  }
  const result: JsonObject = clone(target);
  const retained = patch['$retainKeys'];
  if (Array.isArray(retained)) {
    for (const key of Object.keys(result)) if (!retained.includes(key)) delete result[key];
  }
  removeValues(result, patch);
  for (const [key, value] of Object.entries(patch)) {
    if (isDirective(key)) continue;
    const merged = value === null ? undefined : mergeField(key, fieldOf(result, key), value, place);
    if (merged === undefined) delete result[key];
    else setField(result, key, merged);
  }
  orderLists(result, target, patch, place);
  return result;
}

const isDirective = (key: string) =>
  key === '$patch' ||
  key === '$retainKeys' ||
  key.startsWith('$setElementOrder/') ||
  key.startsWith('$deleteFromPrimitiveList/');

function mergeField(key: string, target: unknown, value: unknown, place: Place): unknown {
  const schema = fieldSchema(place.schema, key);
  if (isObject(value)) return mergeObject(isObject(target) ? target : {}, value, { schema, parent: key });
  if (!Array.isArray(value)) return value;
  const items: unknown[] = value;
  const list: unknown[] = Array.isArray(target) ? target : [];
  const mergeKey = mergeKeyOf(key, schema, place);
  if (mergeKey !== undefined && items.every(isObject)) {
    return mergeItems(list, items, mergeKey, { schema: schema?.items, parent: key });
  }
  if (mergedValues.has(key)) return [...list, ...items.filter((item) => !list.some((other) => equal(item, other)))];
  return clone(items);
}

function mergeKeyOf(key: string, schema: Schema | undefined, place: Place): string | undefined {
  const declared = schema?.['x-kubernetes-patch-merge-key'];
  if (declared !== undefined) return declared;
  if (key === 'ports') return place.parent.toLowerCase().endsWith('containers') ? 'containerPort' : 'port';
  return Object.hasOwn(mergeKeys, key) ? mergeKeys[key] : undefined;
}

function mergeItems(list: unknown[], patches: JsonObject[], mergeKey: string, place: Place): unknown[] {
  if (patches.some((patch) => patch['$patch'] === 'replace')) {
    return patches.filter((patch) => patch['$patch'] !== 'replace').map(plain);
  }
  let result: unknown[] = clone(list);
  for (const patch of patches) {
    const id = patch[mergeKey];
    if (id === undefined) {
      throw badRequest(`map: ${JSON.stringify(patch)} does not contain declared merge key: ${mergeKey}`);
    }
    const index = result.findIndex((item) => equal(fieldOf(item, mergeKey), id));
    const merged = mergeObject(index < 0 ? {} : (result[index] as JsonObject), patch, place);
    if (merged === undefined) result = result.filter((item) => !equal(fieldOf(item, mergeKey), id));
    else if (index < 0) result.push(merged);
    else result[index] = merged;
  }
  return result;
}

function removeValues(result: JsonObject, patch: JsonObject): void {
  for (const [directive, values] of Object.entries(patch)) {
    if (!directive.startsWith('$deleteFromPrimitiveList/') || !Array.isArray(values)) continue;
    const key = directive.slice('$deleteFromPrimitiveList/'.length);
    const list = fieldOf(result, key);
    if (!Array.isArray(list)) continue;
    result[key] = list.filter((item) => !values.some((value) => equal(item, value)));
  }
}

/** Orders lists as the patch says; what it does not name stays after what it followed. */
function orderLists(result: JsonObject, target: JsonObject, patch: JsonObject, place: Place): void {
  for (const [directive, order] of Object.entries(patch)) {
    if (!directive.startsWith('$setElementOrder/') || !Array.isArray(order)) continue;
    const key = directive.slice('$setElementOrder/'.length);
    const list = fieldOf(result, key);
    if (!Array.isArray(list)) continue;
    const mergeKey = mergeKeyOf(key, fieldSchema(place.schema, key), place);
    const idOf = (item: unknown) => (mergeKey !== undefined && isObject(item) ? item[mergeKey] : item);
    const rankOf = (item: unknown) => order.findIndex((wanted) => equal(idOf(wanted), idOf(item)));
    const before = fieldOf(target, key);
    const old: unknown[] = Array.isArray(before) ? before : [];
    const ordered: unknown[] = list.filter((item) => rankOf(item) >= 0).toSorted((a, b) => rankOf(a) - rankOf(b));
    for (const item of list.filter((other) => rankOf(other) < 0)) {
      const oldIndex = old.findIndex((other) => equal(idOf(other), idOf(item)));
      const predecessor = old.slice(0, Math.max(0, oldIndex)).findLast((other) => has(ordered, other, idOf));
      const at = ordered.findIndex((other) => equal(idOf(other), idOf(predecessor)));
      ordered.splice(oldIndex < 0 ? ordered.length : at + 1, 0, item);
    }
    result[key] = ordered;
  }
}

const has = (list: unknown[], item: unknown, idOf: (item: unknown) => unknown) =>
  list.some((other) => equal(idOf(other), idOf(item)));

/** A patch's value without its directives. */
function plain(patch: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(patch)) {
    if (!isDirective(key)) setField(result, key, isObject(value) ? plain(value) : clone(value));
  }
  return result;
}
