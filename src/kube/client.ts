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
  /** Told of each object that a write gave back, e.g. for the cache's `noteWrite`. */
  onWrite?: (object: KubeObject) => void;
  /** Told of each object that a deletion has removed. */
  onGone?: (ref: ObjectRef, uid: string) => void;
}

const readTries = 3;
const firstRetryMs = 100;
const longestRetryMs = 2_000;

/**
 * The {@link Kube} port over HTTP: raw JSON in and out, so that no field is lost. Reads are tried up to three times; writes
 * once, because after a lost answer nobody knows what they did: the caller looks again.
 */
export function createKube(options: KubeOptions): Kube {
  return new KubeClient(options);
}

class KubeClient implements Kube {
  readonly #options: KubeOptions;
  readonly #timeoutMs: number;

  constructor(options: KubeOptions) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? 10_000;
  }

  async get<T extends KubeObject>(ref: ObjectRef): Promise<T | undefined> {
    const call = callOf('get', ref);
    const request = { method: 'GET', path: pathOf(ref.kind, call) } as const;
    try {
      return await this.#read(async (timeoutMs) =>
        asObject<T>(call, await exchange(this.#options, call, { ...request, timeoutMs })),
      );
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async list<T extends KubeObject>(kind: Kind, namespace?: string, labelSelector?: string): Promise<T[]> {
    const once = (timeoutMs: number) => listAll(this.#options, kind, { namespace, labelSelector, timeoutMs });
    return (await this.#read(once)).items as T[];
  }

  async create<T extends KubeObject>(kind: Kind, object: T): Promise<T> {
    const { namespace, name } = object.metadata;
    const call: Call = { verb: 'create', kind: kind.kind, namespace: kind.namespaced ? namespace : undefined, name };
    const path = pathOf(kind, { ...call, name: undefined }) + queryOf({ fieldManager });
    return this.#write(call, { method: 'POST', path, body: JSON.stringify(object), contentType: 'application/json' });
  }

  async patch<T extends KubeObject>(ref: ObjectRef, patch: Patch, subresource?: 'status'): Promise<T> {
    const tests = patch.type === 'json' && patch.ops.some((it) => it.op === 'test');
    const call: Call = { ...callOf('patch', ref), tests };
    const force = patch.type === 'apply' ? (patch.force ?? false) : undefined;
    const path = pathOf(ref.kind, call, subresource) + queryOf({ fieldManager, force });
    return this.#write(call, { method: 'PATCH', path, ...encodePatch(patch) });
  }

  async delete(ref: ObjectRef, preconditions: Preconditions): Promise<void> {
    if (await this.#isGoneAfter(ref, preconditions)) this.#options.onGone?.(ref, preconditions.uid);
  }

  /** Where something still holds the object the server answers with the object, else with `Status`. */
  async #isGoneAfter(ref: ObjectRef, preconditions: Preconditions): Promise<boolean> {
    const call = callOf('delete', ref);
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', preconditions };
    try {
      const answer = await exchange(this.#options, call, {
        method: 'DELETE',
        path: pathOf(ref.kind, call),
        body: JSON.stringify(body),
        contentType: 'application/json',
        timeoutMs: this.#timeoutMs,
      });
      return answer['kind'] === 'Status';
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return true;
    }
  }

  async #write<T extends KubeObject>(call: Call, request: Omit<WireRequest, 'signal'>): Promise<T> {
    const answer = await exchange(this.#options, call, { ...request, timeoutMs: this.#timeoutMs });
    const object = asObject<T>(call, answer);
    this.#options.onWrite?.(object);
    return object;
  }

  /** All tries together have the time of one request. */
  async #read<T>(once: (timeoutMs: number) => Promise<T>): Promise<T> {
    const { clock, random } = this.#options;
    const deadline = clock.monotonic() + this.#timeoutMs;
    for (let tries = 1; ; tries++) {
      try {
        return await once(deadline - clock.monotonic());
      } catch (error) {
        const delayMs = retryDelay(error, tries, random);
        if (delayMs === undefined || clock.monotonic() + delayMs >= deadline) throw error;
        await sleep(clock, delayMs);
      }
    }
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof KubeError && error.reason === 'notFound';
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
