import type { KubeObject } from '../../../api/objects.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { ObjectStore, Ref, Selection } from '../../world/types.ts';
import type { ApiRequest, ResourcePath } from './api-request.ts';
import type { ServedKind } from './served-kinds.ts';

/** What every handler works with. */
export interface ServerContext {
  store: ObjectStore;
  clock: Clock;
  /** The text of a pod's log; without it logs are empty. */
  podLog?: ((pod: KubeObject, query: URLSearchParams) => string) | undefined;
}

/** A request for objects of one kind. */
export interface ResourceRequest {
  request: ApiRequest;
  path: ResourcePath;
  kind: ServedKind;
  /** Collects what the answer's Warning headers say. */
  warnings: string[];
}

/** The object that a path names. Only for paths with a name. */
export function refOf({ path, kind }: ResourceRequest): Ref {
  const namespace = path.namespace === undefined ? {} : { namespace: path.namespace };
  return { kind: kind.stored, ...namespace, name: path.name ?? '' };
}

/** The objects that a request for a collection means; one name in the path of a watch is a selection, too. */
export function selectionOf({ path, request: { query } }: ResourceRequest): Selection {
  const labelSelector = query.get('labelSelector');
  const fields = [query.get('fieldSelector'), path.name === undefined ? null : `metadata.name=${path.name}`];
  const fieldSelector = fields.filter((part) => part !== null && part !== '').join(',');
  return {
    ...(path.namespace === undefined ? {} : { namespace: path.namespace }),
    ...(labelSelector === null || labelSelector === '' ? {} : { labelSelector }),
    ...(fieldSelector === '' ? {} : { fieldSelector }),
  };
}
