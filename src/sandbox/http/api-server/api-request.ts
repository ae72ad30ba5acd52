import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { parse as parseYaml } from 'yaml';
import { decodeObject } from './protobuf/decode.ts';
import { refused } from '../../world/store/errors.ts';
import { badRequest } from './refusals.ts';

/** What a path of the Kubernetes API names: a group's version, a collection, an object, or a part of one. */
export interface ResourcePath {
  group: string;
  version: string;
  plural: string;
  namespace?: string;
  name?: string;
  subresource?: string;
}

/** One request as the API server understands it; also what fault hooks get to decide on. */
export interface ApiRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** Media type of the body, without parameters. */
  mediaType: string;
  /** Body as text; one that came as protobuf is here in JSON. */
  body: string;
  /** As in audit logs: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; else the method in lower case. */
  verb: string;
  /** Absent when the path names no resource. */
  resource?: ResourcePath;
}

/** The API server's own limit. */
const largestBody = 3 * 1024 * 1024;

/** Reads a request to its end. Throws 413 when its body is too large and 400 when its URL cannot be read. */
export async function readRequest(incoming: IncomingMessage): Promise<ApiRequest> {
  const url = urlOf(incoming);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestBody) {
      throw refused(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${largestBody}`);
    }
    chunks.push(chunk);
  }
  const resource = resourceOf(url.pathname);
  const method = incoming.method ?? 'GET';
  return {
    method,
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    ...textOf(Buffer.concat(chunks), incoming.headers['content-type']),
    verb: verbOf(method, resource, url.searchParams),
    ...(resource === undefined ? {} : { resource }),
  };
}

/** kubectl sends what it creates as protobuf and does not fall back to JSON. */
function textOf(body: Buffer, contentType = 'application/json'): Pick<ApiRequest, 'mediaType' | 'body'> {
  const mediaType = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  if (mediaType !== 'application/vnd.kubernetes.protobuf') return { mediaType, body: body.toString('utf8') };
  if (body.length === 0) return { mediaType: 'application/json', body: '' };
  const object = decoded(body);
  if (object === undefined) throw unsupportedBody(['application/json', 'application/yaml']);
  return { mediaType: 'application/json', body: JSON.stringify(object) };
}

function decoded(body: Buffer): unknown {
  try {
    return decodeObject(body);
  } catch (error) {
    throw badRequest(`the protobuf body cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function urlOf(incoming: IncomingMessage): URL {
  try {
    const url = new URL(`http://sandbox${incoming.url ?? '/'}`);
    decodeURIComponent(url.pathname);
    return url;
  } catch {
    throw badRequest(`the URL ${JSON.stringify(incoming.url)} cannot be read`);
  }
}

function resourceOf(path: string): ResourcePath | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  const [root, ...rest] = parts.map(decodeURIComponent);
  if (root === 'api') return resourceIn('', rest);
  return root === 'apis' && rest[0] !== undefined ? resourceIn(rest[0], rest.slice(1)) : undefined;
}

function resourceIn(group: string, [version, ...parts]: string[]): ResourcePath | undefined {
  const [first, namespace, plural, ...rest] = parts;
  if (version === undefined || first === undefined) return undefined;
  const partOfNamespace = group === '' && (plural === 'status' || plural === 'finalize');
  if (first === 'namespaces' && namespace !== undefined && plural !== undefined && !partOfNamespace) {
    return withNames({ group, version, plural, namespace }, rest);
  }
  return withNames({ group, version, plural: first }, parts.slice(1));
}

function withNames(collection: ResourcePath, [name, ...subresource]: string[]): ResourcePath {
  if (name === undefined) return collection;
  if (subresource.length === 0) return { ...collection, name };
  return { ...collection, name, subresource: subresource.join('/') };
}

function verbOf(method: string, resource: ResourcePath | undefined, query: URLSearchParams): string {
  if (resource === undefined) return method.toLowerCase();
  const one = resource.name !== undefined;
  switch (method) {
    case 'GET':
    case 'HEAD':
      return isTrue(query.get('watch')) ? 'watch' : one ? 'get' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'DELETE':
      return one ? 'delete' : 'deletecollection';
    default:
      return method.toLowerCase();
  }
}

/** A boolean query parameter as the API server reads it: absent, `0` and `false` are false. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}

/** The body as a value, from JSON or YAML. An empty one is undefined. Throws 415 for another media type and 400 for what cannot be read. */
export function bodyOf(request: ApiRequest): unknown {
  const { mediaType } = request;
  if (mediaType.endsWith('json')) return parsed(request.body, JSON.parse);
  if (mediaType.endsWith('yaml')) return parsed(request.body, parseYaml);
  throw unsupportedBody(['application/json', 'application/yaml']);
}

function parsed(text: string, parse: (text: string) => unknown): unknown {
  if (text.trim() === '') return undefined;
  try {
    return parse(text);
  } catch (error) {
    throw badRequest(
      `the body of the request cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** 415, in the API server's words. */
export function unsupportedBody(accepted: string[]): Error {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return refused(415, 'UnsupportedMediaType', message);
}
