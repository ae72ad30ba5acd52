import { timingSafeEqual } from 'node:crypto';
import type { ApiRequest } from './api-request.ts';
import type { ServerContext } from './context.ts';
import { discoveryReply } from './discovery.ts';
import { openApiReply } from './open-api.ts';
import { refused } from '../../world/store/errors.ts';
import { methodNotAllowed, unknownPath } from './refusals.ts';
import type { Reply } from './reply.ts';
import { resourceReply } from './resources.ts';
import { reviewReply } from './reviews.ts';
import { servedKinds } from './served-kinds.ts';

/** The version that the sandbox says it is: that of the documents its kinds come from. */
const version = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.3+linnet-sandbox',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'linux/amd64',
};

/** Answers any request. Throws `ApiError` for what is refused. */
export function replyTo(context: ServerContext, request: ApiRequest): Reply {
  const [root, second] = request.path.split('/').filter((part) => part !== '');
  switch (root) {
    case 'api':
    case 'apis':
      if (request.resource !== undefined) return reviewReply(request) ?? resourceReply(context, request);
      requireGet(request);
      return discoveryReply(servedKinds(context.store), request);
    case 'openapi':
      requireGet(request);
      return openApiReply(servedKinds(context.store), request);
    case 'version':
      return { code: 200, body: version };
    case 'healthz':
    case 'livez':
    case 'readyz':
      if (second !== undefined) throw unknownPath();
      return { code: 200, body: 'ok', contentType: 'text/plain; charset=utf-8' };
    case undefined:
      return {
        code: 200,
        body: { paths: ['/api', '/apis', '/healthz', '/livez', '/openapi/v3', '/readyz', '/version'] },
      };
    default:
      throw unknownPath();
  }
}

/** Refuses requests without the right bearer token; probes need none. */
export function authenticate(request: ApiRequest, token: string | undefined): void {
  if (token === undefined || /^\/(healthz|livez|readyz)$/.test(request.path)) return;
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw refused(401, 'Unauthorized', 'Unauthorized');
  }
}

function requireGet({ method }: ApiRequest): void {
  if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed();
}
