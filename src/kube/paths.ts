import type { Kind } from '../api/kinds.ts';
import { type Call, impossible } from './errors.ts';

/**
 * The path of a kind's collection, or of one object in it. A name that would change the path (empty, `.`, `..`) is refused:
 * an empty one would turn the deletion of an object into the deletion of all.
 */
export function pathOf(kind: Kind, call: Call, subresource?: 'status'): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const wantsNamespace = kind.namespaced && (call.name !== undefined || call.verb === 'create');
  if (wantsNamespace && call.namespace === undefined) throw impossible(call, `a ${kind.kind} needs a namespace`);
  const parts = kind.namespaced && call.namespace !== undefined ? ['namespaces', call.namespace] : [];
  parts.push(kind.plural);
  if (call.name !== undefined) parts.push(call.name);
  if (subresource !== undefined) parts.push(subresource);
  for (const part of parts) {
    if (/^\.{0,2}$/.test(part)) throw impossible(call, `"${part}" is not a name`);
  }
  return `${root}/${parts.map(encodeURIComponent).join('/')}`;
}

/** `?a=b&c=d`, without the absent ones. */
export function queryOf(parameters: Record<string, string | number | boolean | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== '') query.set(name, String(value));
  }
  return query.size === 0 ? '' : `?${query.toString()}`;
}
