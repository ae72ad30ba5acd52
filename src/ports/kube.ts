import type { JsonPatchOp } from '../api/json-patch.ts';
import type { Kind } from '../api/kinds.ts';
import type { KubeObject } from '../api/objects.ts';

/** One object by name. `namespace` is absent for kinds of the cluster's scope. */
export interface ObjectRef {
  kind: Kind;
  namespace?: string;
  name: string;
}

/**
 * A change to one object. `json` and `merge` are RFC 6902 and RFC 7396; `apply` is server-side apply under Linnet's field
 * manager, `force` false unless said.
 */
export type Patch =
  | { type: 'json'; ops: JsonPatchOp[] }
  | { type: 'merge'; body: unknown }
  | { type: 'apply'; body: KubeObject; force?: boolean };

/** What must still be true of the object for a deletion to happen. */
export interface Preconditions {
  uid: string;
  resourceVersion?: string;
}

/**
 * The Kubernetes API as the engine uses it. Every read is fresh (from the server, not from a cache). Every method throws
 * {@link KubeError} and nothing else.
 */
export interface Kube {
  /** @returns the object, or undefined when there is none */
  get<T extends KubeObject>(ref: ObjectRef): Promise<T | undefined>;
  /** @param labelSelector in the API's own syntax, e.g. `app=shop,tier!=db` */
  list<T extends KubeObject>(kind: Kind, namespace?: string, labelSelector?: string): Promise<T[]>;
  create<T extends KubeObject>(kind: Kind, object: T): Promise<T>;
  /** @param subresource `status` to change only the status */
  patch<T extends KubeObject>(ref: ObjectRef, patch: Patch, subresource?: 'status'): Promise<T>;
  /** Background propagation. Resolves when the API server has accepted the deletion; an absent object is success. */
  delete(ref: ObjectRef, preconditions: Preconditions): Promise<void>;
}

/**
 * Objects seen by watches. May be behind the server, never goes back to an older resourceVersion. Used to find out that
 * there is work and to look at many objects cheaply.
 */
export interface KubeCache {
  get<T extends KubeObject>(ref: ObjectRef): T | undefined;
  /** All objects of a kind in a namespace (of all namespaces when absent), in no particular order. */
  list<T extends KubeObject>(kind: Kind, namespace?: string): T[];
}

/**
 * Why a call to the API failed:
 * `conflict` 409 on a resourceVersion or field manager, or a JSON Patch whose `test` failed (422 without detail) · `exists` 409 on create ·
 * `notFound` 404 · `invalid` 400, 422 · `forbidden` 403 · `unauthorized` 401 · `throttled` 429 or 503 with Retry-After ·
 * `unknown` the result is not known: 5xx, time-out, connection lost, an answer that cannot be read.
 */
export type KubeErrorReason =
  | 'conflict'
  | 'exists'
  | 'notFound'
  | 'invalid'
  | 'forbidden'
  | 'unauthorized'
  | 'throttled'
  | 'unknown';

/** The one error of the {@link Kube} port. The message names verb, kind and object, and what the server said. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly reason: KubeErrorReason;
  /** HTTP status, 0 when there was no answer. */
  readonly code: number;
  /** From Retry-After, where the server sent one. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    details: { reason: KubeErrorReason; code: number; retryAfterMs?: number | undefined; cause?: unknown },
  ) {
    super(message, { cause: details.cause });
    this.reason = details.reason;
    this.code = details.code;
    this.retryAfterMs = details.retryAfterMs;
  }
}
