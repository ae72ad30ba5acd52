import type { KubeObject } from '../../../api/objects.ts';

/** An object reduced to its metadata. */
export function metadataOf(object: KubeObject): KubeObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}
