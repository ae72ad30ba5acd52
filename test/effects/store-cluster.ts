import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Kind } from '../../src/api/kinds.ts';
import { fieldManager } from '../../src/api/names.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import { type Call, refusal } from '../../src/kube/errors.ts';
import type { Kube, KubeCache, ObjectRef } from '../../src/ports/kube.ts';
import { sandboxKinds } from '../../src/sandbox/world/kinds/kinds.ts';
import { createObjectStore } from '../../src/sandbox/world/store/object-store.ts';
import { ApiError, type ObjectStore, type StorePatch } from '../../src/sandbox/world/types.ts';

/** When the cluster of a test was made. */
export const startMs = Date.parse('2026-01-02T03:00:00Z');

const clock = { now: () => startMs, monotonic: () => startMs, after: () => () => {} };

/** The sandbox's object store with Linnet's own kinds and a namespace, and both ports on it. */
export interface Cluster {
  store: ObjectStore;
  kube: Kube;
  /** Always what the store has. */
  cache: KubeCache;
  /** Requests by `verb Kind`, in their order. */
  requests: string[];
  /** Creates objects as a user of kubectl does. */
  apply(...manifests: string[]): void;
  get<T extends KubeObject>(kind: Kind, name: string): T;
  find<T extends KubeObject>(kind: Kind, name: string): T | undefined;
  /** Changes an object by a merge patch. */
  edit(kind: Kind, name: string, body: unknown, manager?: string): void;
  /** The same for the status, as a controller does. */
  report(kind: Kind, name: string, status: unknown): void;
  /** Answers every request for this kind with this code. */
  refuse(kind: Kind, code: number): void;
}

export const namespace = 'shop';

export function aCluster(...manifests: string[]): Cluster {
  let count = 0;
  const uuid = () => `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}`;
  const store = createObjectStore({ clock, random: { next: () => 0.5, uuid }, kinds: sandboxKinds() });
  const requests: string[] = [];
  const refused = new Map<Kind, number>();
  const cluster: Cluster = {
    store,
    requests,
    kube: kubeOn(store, (call, kind) => {
      requests.push(`${call.verb} ${call.kind}`);
      const code = refused.get(kind);
      if (code !== undefined) throw refusal(call, code, '', undefined);
    }),
    cache: { get: (ref) => found(store, ref), list: (kind, within) => listed(store, kind, within) },
    apply(...more) {
      for (const object of more.flatMap(objectsIn)) applyObject(store, object);
    },
    get<T extends KubeObject>(kind: Kind, name: string): T {
      const object = found<T>(store, { kind, namespace, name });
      if (object === undefined) throw new Error(`${kind.kind} ${name} is not there`);
      return object;
    },
    find: (kind, name) => found(store, { kind, namespace, name }),
    edit(kind, name, body, manager = 'kubectl-edit') {
      store.patch({ kind, namespace, name }, { type: 'merge', body }, { fieldManager: manager });
    },
    report(kind, name, status) {
      const options = { fieldManager: 'controller', subresource: 'status' as const };
      store.patch({ kind, namespace, name }, { type: 'merge', body: { status } }, options);
    },
    refuse: (kind, code) => void refused.set(kind, code),
  };
  const crds = join(import.meta.dirname, '../../crds');
  for (const file of readdirSync(crds)) cluster.apply(readFileSync(join(crds, file), 'utf8'));
  cluster.apply(`{apiVersion: v1, kind: Namespace, metadata: {name: ${namespace}}}`, ...manifests);
  return cluster;
}

function kubeOn(store: ObjectStore, before: (call: Call, kind: Kind) => void): Kube {
  const ask = async <T>(call: Call, kind: Kind, answer: () => T): Promise<T> => {
    before(call, kind);
    try {
      return answer();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw refusal(call, error.status.code, JSON.stringify(error.status), undefined);
    }
  };
  const callOf = (verb: Call['verb'], kind: Kind, name?: string): Call => ({ verb, kind: kind.kind, namespace, name });
  return {
    get: <T extends KubeObject>(ref: ObjectRef) =>
      ask(callOf('get', ref.kind, ref.name), ref.kind, () => found<T>(store, ref)),
    list: <T extends KubeObject>(kind: Kind, within?: string, labelSelector?: string) =>
      ask(callOf('list', kind), kind, () => listed<T>(store, kind, within, labelSelector)),
    create: <T extends KubeObject>(kind: Kind, object: T) =>
      ask(callOf('create', kind, object.metadata.name), kind, () => {
        const within = object.metadata.namespace;
        return store.create(kind, object, { fieldManager, ...(within && { namespace: within }) }) as T;
      }),
    patch: <T extends KubeObject>(ref: ObjectRef, patch: StorePatch & { force?: boolean }, subresource?: 'status') =>
      ask({ ...callOf('patch', ref.kind, ref.name), tests: true }, ref.kind, () => {
        const options = { fieldManager, ...(subresource && { subresource }), ...(patch.force && { force: true }) };
        return store.patch(ref, patch, options).object as T;
      }),
    delete: (ref, preconditions) =>
      ask(callOf('delete', ref.kind, ref.name), ref.kind, () => {
        if (found(store, ref) === undefined) return;
        store.delete(ref, { preconditions, propagationPolicy: 'Background' });
      }),
  };
}

function found<T extends KubeObject>(store: ObjectStore, { kind, namespace: within, name }: ObjectRef): T | undefined {
  return listed<T>(store, kind, within).find(({ metadata }) => metadata.name === name);
}

function listed<T extends KubeObject>(store: ObjectStore, kind: Kind, within?: string, labelSelector?: string): T[] {
  const selection = { ...(within && { namespace: within }), ...(labelSelector && { labelSelector }) };
  return store.list(kind, selection).items as T[];
}

function objectsIn(text: string): KubeObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
}

function applyObject(store: ObjectStore, object: KubeObject): void {
  const kind = store
    .kinds()
    .find(
      (one) =>
        one.kind === object.kind && (one.group === '' ? '' : `${one.group}/`) + one.version === object.apiVersion,
    );
  if (kind === undefined) throw new Error(`the store does not know ${object.apiVersion} ${object.kind}`);
  const { status, ...rest } = object;
  const ref = { kind, name: object.metadata.name, ...(kind.namespaced ? { namespace } : {}) };
  store.patch(ref, { type: 'apply', body: rest }, { fieldManager: 'kubectl' });
  if (status !== undefined && kind.kind !== 'CustomResourceDefinition') {
    store.patch(ref, { type: 'merge', body: { status } }, { fieldManager: 'kubectl', subresource: 'status' });
  }
}
