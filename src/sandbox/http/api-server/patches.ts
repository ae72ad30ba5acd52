import type { KubeObject } from '../../../api/objects.ts';
import type { ObjectStore, StorePatch } from '../../world/types.ts';
import { bodyOf, unsupportedBody } from './api-request.ts';
import { type ResourceRequest, refOf } from './context.ts';
import { badRequest, invalidOption, methodNotAllowed } from './refusals.ts';
import { writeOptionsOf } from './write-options.ts';

const patchTypes: Record<string, StorePatch['type']> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

/** Carries out a PATCH of an object or of its status. @returns the object after it, and whether an apply created it */
export function patchOne(store: ObjectStore, resource: ResourceRequest): { object: KubeObject; created: boolean } {
  const { kind, request, path } = resource;
  if (path.name === undefined) throw methodNotAllowed();
  const patch = patchOf(resource);
  const inward = patch.type === 'json' ? patch : { ...patch, body: kind.inward(patch.body) };
  if (patch.type === 'apply' && !request.query.get('fieldManager')) {
    throw invalidOption('PatchOptions', 'fieldManager', 'Required value: is required for apply patch');
  }
  const options = writeOptionsOf(resource);
  if (patch.type !== 'apply' && options.force !== undefined) {
    throw invalidOption('PatchOptions', 'force', 'Forbidden: may not be specified for non-apply patch');
  }
  return store.patch(refOf(resource), inward, options);
}

/** The body of a PATCH by its content type. Throws 415 for another one and 400 for an empty body. */
export function patchOf({ request }: ResourceRequest): StorePatch {
  const type = patchTypes[request.mediaType];
  if (type === undefined) throw unsupportedBody(Object.keys(patchTypes));
  const body = bodyOf(request);
  if (body === undefined) throw badRequest('the body of the patch is empty');
  return type === 'json' ? { type, ops: body } : { type, body };
}
