import type { KubeObject } from '../../../api/objects.ts';
import { ApiError, type ObjectStore, type Ref } from '../../world/types.ts';
import { bodyOf } from './api-request.ts';
import { type ResourceRequest, refOf, selectionOf } from './context.ts';
import { badRequest } from './refusals.ts';
import type { Reply } from './reply.ts';
import { isDryRun } from './write-options.ts';

type DeleteOptions = NonNullable<Parameters<ObjectStore['delete']>[1]>;

/** Deletes one object. Answers with the object while something still holds it, with success when it is gone. */
export function deleteOne(store: ObjectStore, resource: ResourceRequest): Reply {
  const ref = refOf(resource);
  const options = deleteOptionsOf(resource);
  const object = store.delete(ref, options);
  if (options.dryRun !== true && isThere(store, ref, object)) {
    return { code: 200, body: resource.kind.outward(object) };
  }
  const { group, plural } = resource.kind.served;
  const details = { name: ref.name, ...(group === '' ? {} : { group }), kind: plural, uid: object.metadata.uid };
  return { code: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } };
}

/** Deletes all objects of a selection and answers with the list of them. */
export function deleteCollection(store: ObjectStore, resource: ResourceRequest): Reply {
  const { served, stored, outward } = resource.kind;
  const options = deleteOptionsOf(resource);
  const { items, resourceVersion } = store.list(stored, selectionOf(resource));
  for (const { metadata } of items) {
    const namespace = metadata.namespace === undefined ? {} : { namespace: metadata.namespace };
    ignoreAbsent(() => store.delete({ kind: stored, ...namespace, name: metadata.name }, options));
  }
  const apiVersion = served.group === '' ? served.version : `${served.group}/${served.version}`;
  const body = { kind: `${served.kind}List`, apiVersion, metadata: { resourceVersion }, items: items.map(outward) };
  return { code: 200, body };
}

/** One deletion may take the others of a collection along. */
function ignoreAbsent(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (!(error instanceof ApiError) || error.status.code !== 404) throw error;
  }
}

function isThere(store: ObjectStore, ref: Ref, object: KubeObject): boolean {
  try {
    return store.get(ref).metadata.uid === object.metadata.uid;
  } catch {
    return false;
  }
}

/** From the body, where there is one, else from the query, as the API server does. */
function deleteOptionsOf({ request }: ResourceRequest): DeleteOptions {
  const body = bodyOf(request) ?? {};
  if (typeof body !== 'object' || Array.isArray(body)) throw badRequest('the body of a deletion is no DeleteOptions');
  const { preconditions, propagationPolicy, orphanDependents, dryRun } = body as Record<string, unknown>;
  const policy = propagationPolicy ?? request.query.get('propagationPolicy') ?? undefined;
  const conditions = preconditionsOf(preconditions);
  const dryRunValues = Array.isArray(dryRun) ? dryRun : request.query.getAll('dryRun');
  return {
    ...(conditions === undefined ? {} : { preconditions: conditions }),
    ...policyOf(orphanDependents === true ? 'Orphan' : policy),
    ...(isDryRun(dryRunValues) ? { dryRun: true } : {}),
  };
}

function preconditionsOf(value: unknown): DeleteOptions['preconditions'] {
  if (typeof value !== 'object' || value === null) return undefined;
  const { uid, resourceVersion } = value as Record<string, unknown>;
  return {
    ...(typeof uid === 'string' ? { uid } : {}),
    ...(typeof resourceVersion === 'string' ? { resourceVersion } : {}),
  };
}

function policyOf(policy: unknown): Pick<DeleteOptions, 'propagationPolicy'> {
  switch (policy) {
    case undefined:
    case '':
      return {};
    case 'Foreground':
    case 'Background':
    case 'Orphan':
      return { propagationPolicy: policy };
    default:
      throw badRequest(
        `propagationPolicy: Unsupported value: ${JSON.stringify(policy)}: supported values: "Foreground", "Background", "Orphan"`,
      );
  }
}
