import type { Kind } from '../../api/kinds.ts';
import type { KubeObject } from '../../api/objects.ts';

/** Everything the sandbox's API server must know to serve one kind. */
export interface KindDefinition extends Kind {
  singular: string;
  shortNames: string[];
  categories?: string[];
  /** Whether `/status` is a subresource: status is then ignored on the main resource, and spec on `/status`. */
  statusSubresource: boolean;
  /** Whether `metadata.generation` counts changes outside metadata and status. */
  generation: boolean;
  /** OpenAPI v3 structural schema with Kubernetes extensions (`x-kubernetes-*`); absent keeps everything as it is. */
  schema?: Record<string, unknown>;
  /** Printer columns of tables, as in a CustomResourceDefinition. */
  columns?: {
    name: string;
    type: string;
    jsonPath: string;
    format?: string;
    description?: string;
    priority?: number;
  }[];
  /** Other served versions' kinds of the same objects are not supported. */
  verbs?: string[];
  /**
   * Sets in place the defaults that are code in Kubernetes and not in a schema (a Deployment's strategy, a Service's clusterIP).
   * The store calls it on each create, update and patch of the main resource, after it took out what the client may not set and before
   * the schema's defaults and validation. `old` is the object as it was stored, absent on create.
   */
  defaultObject?(object: KubeObject, old?: KubeObject): void;
}

/** The `Status` object with which Kubernetes answers a refused request. */
export interface ApiStatus {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: Record<string, never>;
  status: 'Failure';
  message: string;
  /** `NotFound`, `AlreadyExists`, `Conflict`, `Invalid`, `BadRequest`, `Expired`, `MethodNotAllowed`, `UnsupportedMediaType`, ... */
  reason: string;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    causes?: { reason?: string; message: string; field?: string }[];
  };
  code: number;
}

/** A refused request. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: ApiStatus;
  constructor(status: ApiStatus) {
    super(status.message);
    this.status = status;
  }
}

export interface Ref {
  kind: Kind;
  namespace?: string;
  name: string;
}

export interface WriteOptions {
  /** Name in managedFields; the user agent's first part where the client names none. */
  fieldManager: string;
  dryRun?: boolean;
  subresource?: 'status' | 'scale';
  /** Server-side apply only: take over fields of other managers. */
  force?: boolean;
  /** What to do with unknown fields; `Warn` is the API server's default, `Strict` kubectl's. */
  fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
  /** Called with each warning that the answer shall carry. */
  warn?: (message: string) => void;
}

export type StorePatch =
  | { type: 'json'; ops: unknown }
  | { type: 'merge'; body: unknown }
  | { type: 'strategic'; body: unknown }
  | { type: 'apply'; body: unknown };

export interface Selection {
  namespace?: string;
  /** In the API's syntax: `a=b,c!=d,e in (f,g),!h`. */
  labelSelector?: string;
  /** `metadata.name=x,metadata.namespace=y,spec.nodeName=z,involvedObject.name=...`. */
  fieldSelector?: string;
}

export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: KubeObject | ApiStatus;
}

/**
 * The object store of the sandbox: Kubernetes' meaning of resourceVersion, generation, managedFields, finalizers, owner
 * garbage collection and watches, in memory and synchronous, so that a simulation can order every call. Methods throw {@link ApiError}.
 * Objects that go in and come out are never shared: callers may change what they get.
 */
export interface ObjectStore {
  kinds(): KindDefinition[];
  /** Adds or replaces a kind; CustomResourceDefinition objects that are created do the same. */
  register(definition: KindDefinition): void;
  get(ref: Ref): KubeObject;
  list(kind: Kind, selection?: Selection): { items: KubeObject[]; resourceVersion: string };
  create(kind: Kind, object: unknown, options: WriteOptions & { namespace?: string }): KubeObject;
  update(ref: Ref, object: unknown, options: WriteOptions): KubeObject;
  /** @returns the stored object, and whether an `apply` created it */
  patch(ref: Ref, patch: StorePatch, options: WriteOptions): { object: KubeObject; created: boolean };
  /** @returns the object as it is after the call: still there with a deletionTimestamp, or as it was when it went */
  delete(
    ref: Ref,
    options?: {
      preconditions?: { uid?: string; resourceVersion?: string };
      propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
      /** Pods on a node only: seconds to stop, 0 to go at once. Default: the pod's own, else 30. */
      gracePeriodSeconds?: number;
      dryRun?: boolean;
    },
  ): KubeObject;
  /**
   * Calls `onEvent` for each change after `resourceVersion` ('' or '0': first ADDED for all present objects), synchronously with the change.
   * Throws 410 `Expired` when the version is older than what is kept. @returns a function that ends the watch
   */
  watch(
    kind: Kind,
    selection: Selection & { resourceVersion?: string; bookmarks?: boolean },
    onEvent: (event: WatchEvent) => void,
  ): () => void;
  /** Sends a BOOKMARK with the newest resourceVersion to every watch that asked for bookmarks. */
  bookmark(): void;
  /** Forgets the history of changes, so that watches and lists from older versions get 410. */
  compact(): void;
}
