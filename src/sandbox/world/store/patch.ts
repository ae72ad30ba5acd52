import { applyPatch, type Operation } from 'rfc6902';
import { badRequest, patchNotApplicable } from './errors.ts';
import { clone, fieldOf, isObject, type JsonObject, setField } from './json.ts';

/** RFC 7396. @returns a new value; neither argument is changed */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return clone(patch);
  const result: JsonObject = {};
  if (isObject(target)) for (const [key, value] of Object.entries(target)) setField(result, key, value);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setField(result, key, mergePatch(fieldOf(result, key), value));
  }
  return result;
}

const operations = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);

/** As many as the API server takes. */
const maxOperations = 10_000;

function isOperation(value: unknown): value is Operation {
  if (!isObject(value) || typeof value['path'] !== 'string' || typeof value['op'] !== 'string') return false;
  return operations.has(value['op']) && (value['path'] === '' || value['path'].startsWith('/'));
}

/**
 * RFC 6902. @returns a new value; neither argument is changed. Throws 400 when the patch is not one, 422 without detail
 * when a `test` fails or a path is missing.
 */
export function jsonPatch(target: unknown, ops: unknown): unknown {
  if (!Array.isArray(ops)) throw badRequest('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  if (ops.length > maxOperations) {
    throw badRequest(`The allowed maximum operations in a JSON patch is ${maxOperations}, got ${ops.length}`);
  }
  if (!ops.every(isOperation)) throw patchNotApplicable();
  // Operations on '' replace the document, which rfc6902 does only below a parent.
  const holder = { document: clone(target) };
  const below = ops.map((op) => ({
    ...op,
    path: `/document${op.path}`,
    ...('from' in op ? { from: `/document${op.from}` } : {}),
  })) as Operation[];
  let results: unknown[];
  try {
    results = applyPatch(holder, below);
  } catch {
    throw patchNotApplicable();
  }
  if (results.some((result) => result !== null)) throw patchNotApplicable();
  return holder.document;
}
