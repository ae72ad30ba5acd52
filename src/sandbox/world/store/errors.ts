import type { Kind } from '../../../api/kinds.ts';
import { ApiError, type ApiStatus } from '../types.ts';
import type { FieldError } from './field-errors.ts';

type Details = NonNullable<ApiStatus['details']>;

/** A refused request with this HTTP status, Kubernetes' reason and a message for people. */
export function refused(code: number, reason: string, message: string, details?: Details): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code,
  });
}

/** `deployments.apps`, or `pods` for the core group. */
function resourceName(kind: Kind): string {
  return kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
}

const detailsOf = (kind: Kind, name: string): Details => ({
  name,
  ...(kind.group === '' ? {} : { group: kind.group }),
  kind: kind.plural,
});

/** 404: this server does not serve the kind. */
export function unknownKind(): ApiError {
  return refused(404, 'NotFound', 'the server could not find the requested resource', {});
}

/** 404: no object of that name. */
export function notFound(kind: Kind, name: string): ApiError {
  return refused(404, 'NotFound', `${resourceName(kind)} "${name}" not found`, detailsOf(kind, name));
}

/** 409: an object of that name is there. */
export function alreadyExists(kind: Kind, name: string): ApiError {
  return refused(409, 'AlreadyExists', `${resourceName(kind)} "${name}" already exists`, detailsOf(kind, name));
}

/** 409: the object is not in the state that the request is based on. */
export function conflict(kind: Kind, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${resourceName(kind)} "${name}": ${why}`;
  return refused(409, 'Conflict', message, detailsOf(kind, name));
}

/** 409: the request is based on an old resourceVersion. */
export function staleVersion(kind: Kind, name: string): ApiError {
  return conflict(
    kind,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );
}

/** 409: the object has another uid than the request asks for. */
export function otherUid(kind: Kind, name: string, wanted: string, found: string): ApiError {
  const why = `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${found}`;
  return conflict(kind, name, why);
}

/** 409 of server-side apply: other managers own fields that the request sets differently. */
export function applyConflict(message: string, causes: Details['causes']): ApiError {
  return refused(409, 'Conflict', message, causes === undefined ? {} : { causes });
}

/** 422: fields are wrong. Each error becomes one cause. */
export function invalidObject(kind: Pick<Kind, 'group' | 'kind'>, name: string, errors: FieldError[]): ApiError {
  const qualified = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  const texts = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))];
  const what = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  return refused(422, 'Invalid', `${qualified} "${name}" is invalid: ${what}`, {
    name,
    ...(kind.group === '' ? {} : { group: kind.group }),
    ...(kind.kind === '' ? {} : { kind: kind.kind }),
    causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
  });
}

/** 422 without detail: a JSON Patch whose `test` failed or whose path is missing. */
export function patchNotApplicable(): ApiError {
  return refused(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
}

/** 400. */
export function badRequest(message: string): ApiError {
  return refused(400, 'BadRequest', message);
}

/** 403: the namespace is going away. */
export function namespaceTerminating(kind: Kind, name: string, namespace: string): ApiError {
  const message = `${resourceName(kind)} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`;
  return refused(403, 'Forbidden', message, {
    ...detailsOf(kind, name),
    causes: [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  });
}

/** 410: the history that the request needs is forgotten. */
export function expired(asked: number, oldest: number): ApiError {
  return refused(410, 'Expired', `too old resource version: ${asked} (${oldest})`);
}

/** 504: the request asks for a resourceVersion that does not exist yet. */
export function versionTooLarge(asked: number, current: number): ApiError {
  return refused(504, 'Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
  });
}

/** 415: the patch format is not supported for the kind. */
export function unsupportedPatch(accepted: readonly string[]): ApiError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return refused(415, 'UnsupportedMediaType', message, {});
}

/** 500 without a reason, as the API server answers errors that it does not classify. */
export function unclassified(message: string): ApiError {
  return refused(500, '', message);
}
