import type { Kind } from '../api/kinds.ts';
import { fieldManager } from '../api/names.ts';
import type { KubeObject } from '../api/objects.ts';
import { type Clock, sleep } from '../ports/clock.ts';
import { type Kube, KubeError, type ObjectRef, type Patch, type Preconditions } from '../ports/kube.ts';
import type { Random } from '../ports/random.ts';
import type { WireRequest } from './connection.ts';
import { type Call, unknownResult } from './errors.ts';
import { exchange, type Wire } from './exchange.ts';
import { listAll } from './list.ts';
import { pathOf, queryOf } from './paths.ts';

export interface KubeOptions extends Wire {
  clock: Clock;
  random: Random;
  /** Limit of each request, default 10 s. */
  timeoutMs?: number;
}

const readTries = 3;
const firstRetryMs = 100;
const longestRetryMs = 2_000;

/**
 * The {@link Kube} port over HTTP: raw JSON in and out, so that no field is lost. Reads are tried up to three times; writes
 * once, because after a lost answer nobody knows what they did: the caller looks again.
 */
export function createKube(options: KubeOptions): Kube {
  const timeoutMs = options.timeoutMs ?? 10_000;

  async function write(call: Call, request: Omit<WireRequest, 'signal'>): Promise<Record<string, unknown>> {
    return exchange(options, call, request, timeoutMs);
  }

  /** All tries together have the time of one request. */
  async function read<T>(once: (restMs: number) => Promise<T>): Promise<T> {
    const deadline = options.clock.monotonic() + timeoutMs;
    for (let tries = 1; ; tries++) {
      const restMs = deadline - options.clock.monotonic();
      try {
        return await once(restMs);
      } catch (error) {
        const delayMs = retryDelay(error, tries, options.random);
        if (delayMs === undefined || options.clock.monotonic() + delayMs >= deadline) throw error;
        await sleep(options.clock, delayMs);
      }
    }
  }

  async function get<T extends KubeObject>(ref: ObjectRef): Promise<T | undefined> {
    const call = callOf('get', ref);
    const request = { method: 'GET', path: pathOf(ref.kind, call) } as const;
    try {
      return await read(async (restMs) => asObject<T>(call, await exchange(options, call, request, restMs)));
    } catch (error) {
      if (error instanceof KubeError && error.reason === 'notFound') return undefined;
      throw error;
    }
  }

  async function list<T extends KubeObject>(kind: Kind, namespace?: string, labelSelector?: string): Promise<T[]> {
    const listing = await read((restMs) => listAll(options, kind, { namespace, labelSelector, timeoutMs: restMs }));
    return listing.items as T[];
  }

  async function create<T extends KubeObject>(kind: Kind, object: T): Promise<T> {
    const { namespace, name } = object.metadata;
    const call: Call = { verb: 'create', kind: kind.kind, namespace, name };
    const path = pathOf(kind, { ...call, name: undefined }) + queryOf({ fieldManager });
    const request = { method: 'POST', path, body: JSON.stringify(object), contentType: 'application/json' } as const;
    return asObject<T>(call, await write(call, request));
  }

  async function patch<T extends KubeObject>(ref: ObjectRef, change: Patch, subresource?: 'status'): Promise<T> {
    const call: Call = {
      ...callOf('patch', ref),
      tests: change.type === 'json' && change.ops.some((it) => it.op === 'test'),
    };
    const force = change.type === 'apply' ? (change.force ?? false) : undefined;
    const path = pathOf(ref.kind, call, subresource) + queryOf({ fieldManager, force });
    return asObject<T>(call, await write(call, { method: 'PATCH', path, ...encodePatch(change) }));
  }

  async function remove(ref: ObjectRef, preconditions: Preconditions): Promise<void> {
    const call = callOf('delete', ref);
    const body = JSON.stringify({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      preconditions,
    });
    try {
      await write(call, { method: 'DELETE', path: pathOf(ref.kind, call), body, contentType: 'application/json' });
    } catch (error) {
      if (!(error instanceof KubeError && error.reason === 'notFound')) throw error;
    }
  }

  return { get, list, create, patch, delete: remove };
}

function callOf(verb: Call['verb'], { kind, namespace, name }: ObjectRef): Call {
  return { verb, kind: kind.kind, namespace: kind.namespaced ? namespace : undefined, name };
}

function encodePatch(patch: Patch): { body: string; contentType: string } {
  switch (patch.type) {
    case 'json':
      return { body: JSON.stringify(patch.ops), contentType: 'application/json-patch+json' };
    case 'merge':
      return { body: JSON.stringify(patch.body), contentType: 'application/merge-patch+json' };
    case 'apply':
      // JSON is YAML.
      return { body: JSON.stringify(patch.body), contentType: 'application/apply-patch+yaml' };
  }
}

function asObject<T extends KubeObject>(call: Call, body: Record<string, unknown>): T {
  const object = body as T;
  if (typeof object.metadata?.name === 'string' && typeof object.kind === 'string') return object;
  throw unknownResult(call, 'the answer is not an object with kind and metadata.name');
}

/** Milliseconds to wait before a read is tried again (full jitter), or undefined when it is not. */
function retryDelay(error: unknown, tries: number, random: Random): number | undefined {
  if (!(error instanceof KubeError) || tries >= readTries) return undefined;
  if (error.reason !== 'unknown' && error.reason !== 'throttled') return undefined;
  const askedMs = error.retryAfterMs ?? 0;
  if (askedMs > longestRetryMs) return undefined;
  return askedMs + random.next() * Math.min(longestRetryMs, firstRetryMs * 2 ** tries);
}
