import { refused } from '../../world/store/errors.ts';
import type { ApiError } from '../../world/types.ts';

/** 400. */
export function badRequest(message: string): ApiError {
  return refused(400, 'BadRequest', message);
}

/** 404 for a path that names nothing. */
export function unknownPath(): ApiError {
  return refused(404, 'NotFound', 'the server could not find the requested resource', {});
}

/** 405. */
export function methodNotAllowed(): ApiError {
  return refused(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

/** 422 for one field of the request's options. */
export function invalidOption(kind: string, field: string, message: string): ApiError {
  return refused(422, 'Invalid', `${kind}.meta.k8s.io "" is invalid: ${field}: ${message}`, {
    group: 'meta.k8s.io',
    kind,
    causes: [{ reason: 'FieldValueInvalid', message, field }],
  });
}
