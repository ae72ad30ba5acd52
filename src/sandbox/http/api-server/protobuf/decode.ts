import messages from './generated/messages.json' with { type: 'json' };
import type { Field, MessageTable } from './message-table.ts';
import { type WireField, wireFields } from './wire.ts';

type Json = Record<string, unknown>;

const table = messages as MessageTable;
const magic = Buffer.from('k8s\0');

const deleteOptions = 'k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions';

/** Zeros of these fields mean something, because Go keeps them apart from «not set». Other zeros are what Go writes for «not set». */
const meaningfulZeros = new Set([
  'allowPrivilegeEscalation',
  'automountServiceAccountToken',
  'enableServiceLinks',
  'gracePeriodSeconds',
  'intVal',
  'minReplicas',
  'partition',
  'replicas',
  'revisionHistoryLimit',
  'runAsGroup',
  'runAsNonRoot',
  'runAsUser',
  'terminationGracePeriodSeconds',
]);

/**
 * Reads an object in Kubernetes' protobuf form.
 * @returns undefined when its kind is not known here. Throws when the bytes cannot be read
 */
export function decodeObject(bytes: Buffer): Json | undefined {
  if (!bytes.subarray(0, 4).equals(magic))
    throw new RangeError('the body does not begin as a protobuf object of Kubernetes');
  const envelope = byNumber(bytes.subarray(4));
  const typeMeta = byNumber(bytesOf(envelope.get(1)));
  const apiVersion = String(typeMeta.get(1) ?? '');
  const kind = String(typeMeta.get(2) ?? '');
  const message = messageOf(apiVersion, kind);
  if (message === undefined) return undefined;
  return { apiVersion, kind, ...decodeMessage(message, bytesOf(envelope.get(2))) };
}

/** `apps/v1` and `networking.k8s.io/v1` are in packages named by their first word; the core group's is `core`. */
function messageOf(apiVersion: string, kind: string): string | undefined {
  if (kind === 'DeleteOptions') return deleteOptions;
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion];
  const name = `k8s.io.api.${group?.split('.')[0]}.${version}.${kind}`;
  return table[name] === undefined ? undefined : name;
}

function decodeMessage(name: string, bytes: Buffer): Json {
  const fields = table[name] ?? {};
  const result: Json = {};
  for (const wire of wireFields(bytes)) {
    const field = fields[wire.number];
    if (field !== undefined) setField(result, field, wire);
  }
  return result;
}

function setField(result: Json, field: Field, wire: WireField): void {
  if (field.many === 'map') {
    const entry = byNumber(bytesOf(wire.value));
    const value = decodeValue(field.type, entry.get(2) ?? Buffer.alloc(0));
    result[field.name] = { ...(result[field.name] as Json | undefined), [String(entry.get(1) ?? '')]: value };
    return;
  }
  const value = decodeValue(field.type, wire.value);
  if (field.many === 'list') {
    result[field.name] = [...((result[field.name] as unknown[] | undefined) ?? []), value];
  } else if (field.inline === true) {
    Object.assign(result, value);
  } else if (value !== undefined && (meaningfulZeros.has(field.name) || !isZero(value))) {
    result[field.name] = value;
  }
}

function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false;
}

function decodeValue(type: string, value: number | Buffer): unknown {
  switch (type) {
    case 'string':
      return String(value);
    case 'bytes':
      return bytesOf(value).toString('base64');
    case 'bool':
      return value === 1;
    case 'int32':
    case 'int64':
    case 'double':
      return value;
    default:
      return decodeNamed(type, bytesOf(value));
  }
}

function decodeNamed(type: string, bytes: Buffer): unknown {
  const special = specialTypes[type.slice(type.lastIndexOf('.') + 1)];
  if (special !== undefined) return special(bytes);
  return table[type] === undefined ? undefined : decodeMessage(type, bytes);
}

/** Go types with a JSON form of their own. A time that is not set is undefined. */
const specialTypes: Record<string, (bytes: Buffer) => unknown> = {
  Quantity: (bytes) => String(byNumber(bytes).get(1) ?? '0'),
  Time: (bytes) => (bytes.length === 0 ? undefined : timeOf(byNumber(bytes), false)),
  MicroTime: (bytes) => (bytes.length === 0 ? undefined : timeOf(byNumber(bytes), true)),
  IntOrString: (bytes) => {
    const fields = byNumber(bytes);
    return fields.get(1) === 1 ? String(fields.get(3) ?? '') : Number(fields.get(2) ?? 0);
  },
  ExtraValue: (bytes) => wireFields(bytes).map(({ value }) => String(value)),
  FieldsV1: (bytes) => JSON.parse(String(byNumber(bytes).get(1) ?? '{}')) as unknown,
  RawExtension: (bytes) => JSON.parse(String(byNumber(bytes).get(1) ?? '{}')) as unknown,
};

function byNumber(bytes: Buffer): Map<number, number | Buffer> {
  return new Map(wireFields(bytes).map(({ number, value }) => [number, value]));
}

function timeOf(fields: Map<number, number | Buffer>, micro: boolean): string {
  const seconds = Number(fields.get(1) ?? 0);
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  if (!micro) return `${text}Z`;
  return `${text}.${String(Math.floor(Number(fields.get(2) ?? 0) / 1000)).padStart(6, '0')}Z`;
}

function bytesOf(value: number | Buffer | undefined): Buffer {
  if (value === undefined) return Buffer.alloc(0);
  if (typeof value === 'number') throw new RangeError('a number stands where bytes are wanted');
  return value;
}
