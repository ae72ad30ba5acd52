import { apiVersionOf, type Kind } from '../api/kinds.ts';
import type { KubeObject } from '../api/objects.ts';
import { type Call, unknownResult } from './errors.ts';
import { exchange, type Wire } from './exchange.ts';
import { pathOf, queryOf } from './paths.ts';

const pageSize = 500;

export interface ListOptions {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  timeoutMs: number;
  stop?: AbortSignal;
}

export interface Listing {
  items: KubeObject[];
  resourceVersion: string;
}

/**
 * All objects of a kind, page by page, as the server has them now. An answer that is not clearly a whole list is an error:
 * nothing may ever be taken for deleted because an answer was short.
 */
export async function listAll(wire: Wire, kind: Kind, options: ListOptions): Promise<Listing> {
  const call: Call = { verb: 'list', kind: kind.kind, namespace: options.namespace };
  const items: KubeObject[] = [];
  let token: string | undefined;
  let resourceVersion: string | undefined;
  for (;;) {
    const query = queryOf({ limit: pageSize, continue: token, labelSelector: options.labelSelector });
    const { timeoutMs, stop } = options;
    const path = pathOf(kind, call) + query;
    const page = readPage(kind, call, await exchange(wire, call, { method: 'GET', path, timeoutMs, stop }));
    items.push(...page.items);
    resourceVersion ??= page.resourceVersion;
    if (page.next === undefined) return { items, resourceVersion };
    if (page.next === token) throw unknownResult(call, 'the server gave the same continue token twice');
    token = page.next;
  }
}

function readPage(kind: Kind, call: Call, body: Record<string, unknown>): Listing & { next: string | undefined } {
  const { resourceVersion, continue: next, remainingItemCount } = (body['metadata'] ?? {}) as Record<string, unknown>;
  const items = body['items'] === null && body['kind'] === `${kind.kind}List` ? [] : body['items'];
  if (!Array.isArray(items)) throw unknownResult(call, 'the answer has no items; wanted a list');
  if (typeof resourceVersion !== 'string' || !/^\d+$/.test(resourceVersion)) {
    throw unknownResult(call, `the list's resourceVersion is ${JSON.stringify(resourceVersion)}; wanted a number`);
  }
  const more = typeof next === 'string' && next !== '' ? next : undefined;
  if (more === undefined && typeof remainingItemCount === 'number' && remainingItemCount > 0) {
    throw unknownResult(call, `the list ends with ${remainingItemCount} objects missing`);
  }
  return { items: items.map((it) => readItem(kind, call, it)), resourceVersion, next: more };
}

/** Items of built-in kinds come without `apiVersion` and `kind`. */
function readItem(kind: Kind, call: Call, item: unknown): KubeObject {
  const object = { apiVersion: apiVersionOf(kind), kind: kind.kind, ...(item as object) } as KubeObject;
  if (typeof object.metadata?.name !== 'string') throw unknownResult(call, 'an item of the list has no name');
  return object;
}
