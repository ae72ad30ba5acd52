import { createHash } from 'node:crypto';
import { isBuiltIn } from '../../world/store/built-in.ts';
import { kubernetesDefinitions } from '../../world/kinds/kinds.ts';
import type { KindDefinition } from '../../world/types.ts';
import type { ApiRequest } from './api-request.ts';
import { refused } from '../../world/store/errors.ts';
import { unknownPath } from './refusals.ts';
import type { Reply } from './reply.ts';
import { definitionName, publishedObject, publishedSchema, referencedFrom } from './open-api-schemas.ts';

type Json = Record<string, unknown>;

const info = { title: 'Kubernetes', version: 'sandbox' };
const protobufTwo = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

/**
 * Answers `/openapi/v3` and below, for `kubectl explain`, `apply` and field validation. `/openapi/v2` has an empty document: kubectl only
 * looks there for kinds that it did not find in version 3, to say that there are none.
 */
export function openApiReply(kinds: KindDefinition[], request: ApiRequest): Reply {
  if (request.path === '/openapi/v2') return versionTwo(request);
  if (request.path === '/openapi/v3' || request.path === '/openapi/v3/') return { code: 200, body: index(kinds) };
  const own = kinds.filter((kind) => `/openapi/v3/${rootOf(kind)}` === request.path);
  if (own.length === 0) throw unknownPath();
  return { code: 200, body: documentOf(own) };
}

function versionTwo(request: ApiRequest): Reply {
  const accept = request.headers.accept ?? '*/*';
  // The type that is asked for is no valid media type; servers answer with a valid one.
  if (accept.includes(protobufTwo))
    return { code: 200, body: emptyProtobuf(), contentType: protobufTwo.replace('@', '.') };
  if (!/json|\*\/\*/.test(accept)) {
    throw refused(
      406,
      'NotAcceptable',
      `only the following media types are accepted: application/json, ${protobufTwo}`,
    );
  }
  return { code: 200, body: { swagger: '2.0', info, paths: {}, definitions: {} } };
}

/** The empty document as gnostic's `openapi.v2.Document`: swagger is field 1, info 2 with title 1 and version 2, paths 8. */
function emptyProtobuf(): Buffer {
  const field = (number: number, value: Buffer | string): Buffer =>
    Buffer.concat([Buffer.from([(number << 3) | 2, Buffer.byteLength(value)]), Buffer.from(value)]);
  const about = Buffer.concat([field(1, info.title), field(2, info.version)]);
  return Buffer.concat([field(1, '2.0'), field(2, about), field(8, '')]);
}

function rootOf({ group, version }: KindDefinition): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}

/** Clients keep a document until its hash changes. */
function index(kinds: KindDefinition[]): Json {
  const paths: Json = {};
  for (const root of new Set(kinds.map(rootOf))) {
    const document = JSON.stringify(documentOf(kinds.filter((kind) => rootOf(kind) === root)));
    const hash = createHash('sha256').update(document).digest('hex').slice(0, 32);
    paths[root] = { serverRelativeURL: `/openapi/v3/${root}?hash=${hash}` };
  }
  return { paths };
}

function documentOf(kinds: KindDefinition[]): Json {
  const schemas: Json = {};
  const paths: Json = {};
  for (const kind of kinds) {
    const name = definitionName(kind);
    const schema = kubernetesDefinitions[name] ?? kind.schema ?? { type: 'object' };
    const { group, version } = kind;
    schemas[name] = {
      ...publishedObject(schema),
      'x-kubernetes-group-version-kind': [{ group, version, kind: kind.kind }],
    };
    for (const other of referencedFrom(schema)) schemas[other] ??= publishedSchema(kubernetesDefinitions[other] ?? {});
    Object.assign(paths, pathsOf(kind));
  }
  return { openapi: '3.0.0', info, paths, components: { schemas } };
}

const writeParameters = ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map((name) => ({
  name,
  in: 'query',
  schema: { type: name === 'force' ? 'boolean' : 'string', uniqueItems: true },
}));

/** The paths of a kind with as much as clients look at: which operations exist, on what, and how they take patches. */
function pathsOf(kind: KindDefinition): Json {
  const collection = `/${rootOf(kind)}/${kind.namespaced ? 'namespaces/{namespace}/' : ''}${kind.plural}`;
  const { group, version } = kind;
  const operation = (action: string, more: Json = {}) => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind: kind.kind },
    responses: { 200: { description: 'OK' } },
    ...more,
  });
  const types = [
    'json-patch+json',
    'merge-patch+json',
    ...(isBuiltIn(kind) ? ['strategic-merge-patch+json'] : []),
    'apply-patch+yaml',
  ];
  const content = Object.fromEntries(types.map((type) => [`application/${type}`, { schema: { type: 'object' } }]));
  const write = { parameters: writeParameters };
  return {
    [collection]: { get: operation('list'), post: operation('post', write) },
    [`${collection}/{name}`]: {
      get: operation('get'),
      put: operation('put', write),
      patch: operation('patch', { ...write, requestBody: { content, required: true } }),
      delete: operation('delete'),
    },
  };
}
