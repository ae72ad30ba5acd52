import type { KubeObject } from '../../../api/objects.ts';
import { isBuiltIn } from '../../world/store/built-in.ts';
import type { ApiRequest } from './api-request.ts';
import { bodyOf } from './api-request.ts';
import { type ResourceRequest, refOf, type ServerContext, selectionOf } from './context.ts';
import { deleteCollection, deleteOne } from './deletion.ts';
import { formatOf, presentList, presentOne } from './formats.ts';
import { patchOne } from './patches.ts';
import { methodNotAllowed, unknownPath } from './refusals.ts';
import type { Reply } from './reply.ts';
import { scaleReply } from './scale.ts';
import { servedKind } from './served-kinds.ts';
import { watchReply } from './watches.ts';
import { writeOptionsOf } from './write-options.ts';

/** Answers a request whose path names a collection, an object or a part of one. Throws `ApiError`. */
export function resourceReply(context: ServerContext, request: ApiRequest): Reply {
  const path = request.resource;
  if (path === undefined) throw unknownPath();
  const kind = servedKind(context.store, path);
  if (path.name !== undefined && kind.served.namespaced && path.namespace === undefined) throw unknownPath();
  if (path.namespace !== undefined && !kind.served.namespaced) throw unknownPath();
  const resource: ResourceRequest = { request, path, kind, warnings: [] };
  const reply = path.subresource === undefined ? mainReply(context, resource) : partReply(context, resource);
  return 'start' in reply ? reply : { ...reply, warnings: resource.warnings };
}

function mainReply(context: ServerContext, resource: ResourceRequest): Reply {
  switch (resource.request.verb) {
    case 'get':
      return objectReply(context, resource, 200, context.store.get(refOf(resource)));
    case 'list':
      return listReply(context, resource);
    case 'watch':
      return watchReply(context, resource);
    case 'create':
      return createReply(context, resource);
    case 'update':
      return updateReply(context, resource);
    case 'patch':
      return patchReply(context, resource);
    case 'delete':
      return deleteOne(context.store, resource);
    case 'deletecollection':
      return deleteCollection(context.store, resource);
    default:
      throw methodNotAllowed();
  }
}

function partReply(context: ServerContext, resource: ResourceRequest): Reply {
  const { path, kind, request } = resource;
  switch (path.subresource) {
    case 'status':
      if (!kind.served.statusSubresource) throw unknownPath();
      return statusReply(context, resource);
    case 'scale':
      return scaleReply(context.store, resource);
    case 'finalize':
      if (kind.stored.kind !== 'Namespace') throw unknownPath();
      return updateReply(context, resource);
    case 'log':
      if (kind.stored.kind !== 'Pod') throw unknownPath();
      return logReply(context, resource);
    case 'eviction':
      if (kind.stored.kind !== 'Pod' || request.verb !== 'create') throw unknownPath();
      context.store.delete(refOf(resource));
      return { code: 201, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } };
    default:
      throw unknownPath();
  }
}

function statusReply(context: ServerContext, resource: ResourceRequest): Reply {
  switch (resource.request.verb) {
    case 'get':
      return objectReply(context, resource, 200, context.store.get(refOf(resource)));
    case 'update':
      return updateReply(context, resource);
    case 'patch':
      return patchReply(context, resource);
    default:
      throw methodNotAllowed();
  }
}

function objectReply(context: ServerContext, resource: ResourceRequest, code: number, object: KubeObject): Reply {
  const { kind, request } = resource;
  const presentation = {
    kind: kind.stored,
    format: formatOf(request),
    include: request.query.get('includeObject'),
    nowMs: context.clock.now(),
  };
  // A table has the columns of the stored kind, everything else the names of the served one.
  const shown = presentation.format === 'table' ? object : kind.outward(object);
  return { code, body: presentOne(shown, presentation) };
}

function listReply(context: ServerContext, resource: ResourceRequest): Reply {
  const { kind, request } = resource;
  const format = formatOf(request);
  const { items, resourceVersion } = context.store.list(kind.stored, selectionOf(resource));
  const outward = format === 'table' ? items : items.map((item) => listed(resource, kind.outward(item)));
  const presentation = {
    kind: format === 'table' ? kind.stored : kind.served,
    format,
    include: request.query.get('includeObject'),
    nowMs: context.clock.now(),
  };
  return { code: 200, body: presentList(outward, resourceVersion, presentation) };
}

/** Lists of Kubernetes' own kinds leave out kind and version of their items. */
function listed({ kind }: ResourceRequest, object: KubeObject): KubeObject {
  if (!isBuiltIn(kind.served)) return object;
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
  return rest as KubeObject;
}

function createReply(context: ServerContext, resource: ResourceRequest): Reply {
  const { path, kind, request } = resource;
  if (path.name !== undefined && path.subresource === undefined) throw methodNotAllowed();
  if (kind.served.namespaced && path.namespace === undefined) throw methodNotAllowed();
  const options = writeOptionsOf(resource);
  const namespace = path.namespace === undefined ? {} : { namespace: path.namespace };
  const created = context.store.create(kind.stored, kind.inward(bodyOf(request)), { ...options, ...namespace });
  return objectReply(context, resource, 201, created);
}

function updateReply(context: ServerContext, resource: ResourceRequest): Reply {
  const { kind, request, path } = resource;
  if (path.name === undefined) throw methodNotAllowed();
  const body = kind.inward(bodyOf(request));
  const updated = context.store.update(refOf(resource), body, writeOptionsOf(resource));
  return objectReply(context, resource, 200, updated);
}

function patchReply(context: ServerContext, resource: ResourceRequest): Reply {
  const { object, created } = patchOne(context.store, resource);
  return objectReply(context, resource, created ? 201 : 200, object);
}

function logReply(context: ServerContext, resource: ResourceRequest): Reply {
  const pod = context.store.get(refOf(resource));
  const text = context.podLog?.(pod, resource.request.query) ?? '';
  return { code: 200, body: text, contentType: 'text/plain' };
}
