import type { KubeObject } from '../../../api/objects.ts';
import type { ObjectStore } from '../../world/types.ts';
import { bodyOf } from './api-request.ts';
import { type ResourceRequest, refOf } from './context.ts';
import { patchOf } from './patches.ts';
import { at, number } from './tables/printer.ts';
import { badRequest, methodNotAllowed, unknownPath } from './refusals.ts';
import type { Reply } from './reply.ts';
import { writeOptionsOf } from './write-options.ts';

const scalable = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'ReplicationController']);

/** Whether objects of a kind can be read and written as a Scale. */
export function isScalable(kind: { kind: string }): boolean {
  return scalable.has(kind.kind);
}

/** Reads or changes the number of replicas as an `autoscaling/v1` Scale. */
export function scaleReply(store: ObjectStore, resource: ResourceRequest): Reply {
  if (!isScalable(resource.kind.stored)) throw unknownPath();
  const object = store.get(refOf(resource));
  switch (resource.request.verb) {
    case 'get':
      return { code: 200, body: scaleOf(object) };
    case 'update':
      return { code: 200, body: scaleOf(changed(store, resource, bodyOf(resource.request))) };
    case 'patch':
      return { code: 200, body: scaleOf(changed(store, resource, patchBodyOf(resource, object))) };
    default:
      throw methodNotAllowed();
  }
}

function scaleOf(object: KubeObject): unknown {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const labels = Object.entries(at(object, 'spec', 'selector', 'matchLabels'));
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: number(at(object, 'spec').replicas) },
    status: {
      replicas: number(at(object, 'status').replicas),
      selector: labels.map(([key, value]) => `${key}=${String(value)}`).join(','),
    },
  };
}

/** What a patch of a Scale says; JSON Patch only in the form in which clients use it here. */
function patchBodyOf(resource: ResourceRequest, object: KubeObject): unknown {
  const patch = patchOf(resource);
  if (patch.type !== 'json') return patch.body;
  const operations = Array.isArray(patch.ops) ? (patch.ops as Record<string, unknown>[]) : [];
  const replicas = operations.findLast(({ path, op }) => path === '/spec/replicas' && op !== 'test')?.value;
  return { metadata: { resourceVersion: object.metadata.resourceVersion }, spec: { replicas } };
}

function changed(store: ObjectStore, resource: ResourceRequest, scale: unknown): KubeObject {
  const { replicas } = at(scale, 'spec');
  if (typeof replicas !== 'number') {
    throw badRequest(`Scale in version "v1": spec.replicas is ${JSON.stringify(replicas)}, want a number`);
  }
  const { resourceVersion } = at(scale, 'metadata');
  const metadata = typeof resourceVersion === 'string' ? { metadata: { resourceVersion } } : {};
  const body = { ...metadata, spec: { replicas } };
  return store.patch(refOf(resource), { type: 'merge', body }, { ...writeOptionsOf(resource), subresource: 'scale' })
    .object;
}
