import type { KubeObject } from '../../../api/objects.ts';
import { ApiError, type WatchEvent } from '../../world/types.ts';
import { isTrue } from './api-request.ts';
import { type ResourceRequest, type ServerContext, selectionOf } from './context.ts';
import { formatOf, presentList, presentOne } from './formats.ts';
import { refused } from '../../world/store/errors.ts';
import { badRequest } from './refusals.ts';
import type { StreamReply } from './reply.ts';

/** How long a watch is open that asks for no time. */
const defaultTimeoutSeconds = 1800;

/** How often a watch that wants bookmarks gets one. */
const bookmarkEveryMs = 5_000;

/** Answers with a stream of changes, one JSON object a line. */
export function watchReply(context: ServerContext, resource: ResourceRequest): StreamReply {
  const { query } = resource.request;
  const initial = isTrue(query.get('sendInitialEvents'));
  const bookmarks = isTrue(query.get('allowWatchBookmarks'));
  if (initial && query.get('resourceVersionMatch') !== 'NotOlderThan') {
    const message =
      'resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
    throw refused(422, 'Invalid', `ListOptions.meta.k8s.io "" is invalid: ${message}`);
  }
  const timeoutMs = 1000 * timeoutSecondsOf(query.get('timeoutSeconds'));
  const encode = encoderOf(context, resource);
  return {
    contentType: 'application/json',
    start(send, end) {
      const stops = [context.clock.after(timeoutMs, end)];
      const emit = (event: WatchEvent) => send(`${JSON.stringify(encode(event))}\n`);
      try {
        stops.push(initial ? afterInitialEvents(context, resource, emit) : following(context, resource, emit));
        if (bookmarks) stops.push(bookmarking(context, resource, emit));
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        emit({ type: 'ERROR', object: error.status });
        end();
      }
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}

function timeoutSecondsOf(value: string | null): number {
  if (value === null || value === '') return defaultTimeoutSeconds;
  const seconds = Number(value);
  if (!Number.isInteger(seconds) || seconds < 0) throw badRequest(`timeoutSeconds is "${value}", want seconds`);
  return seconds === 0 ? defaultTimeoutSeconds : Math.min(seconds, 86_400);
}

function following(context: ServerContext, resource: ResourceRequest, emit: (event: WatchEvent) => void): () => void {
  const resourceVersion = resource.request.query.get('resourceVersion') ?? '';
  return context.store.watch(resource.kind.stored, { ...selectionOf(resource), resourceVersion }, emit);
}

/** Watch-list: all objects as ADDED, a marked bookmark, then the changes. */
function afterInitialEvents(
  context: ServerContext,
  resource: ResourceRequest,
  emit: (event: WatchEvent) => void,
): () => void {
  const selection = selectionOf(resource);
  const { items, resourceVersion } = context.store.list(resource.kind.stored, selection);
  for (const object of items) emit({ type: 'ADDED', object });
  const annotations = { 'k8s.io/initial-events-end': 'true' };
  if (isTrue(resource.request.query.get('allowWatchBookmarks'))) emit(bookmark(resource, resourceVersion, annotations));
  return context.store.watch(resource.kind.stored, { ...selection, resourceVersion }, emit);
}

function bookmarking(context: ServerContext, resource: ResourceRequest, emit: (event: WatchEvent) => void): () => void {
  let cancel = () => {};
  const plan = () => {
    cancel = context.clock.after(bookmarkEveryMs, () => {
      // Events come with the change itself, so every watch has seen the present version.
      emit(bookmark(resource, currentVersion(context, resource)));
      plan();
    });
  };
  plan();
  return () => cancel();
}

/** The version of an empty list, which costs nothing. */
function currentVersion({ store }: ServerContext, { kind }: ResourceRequest): string {
  return store.list(kind.stored, { fieldSelector: 'metadata.name=-' }).resourceVersion;
}

function bookmark(
  { kind }: ResourceRequest,
  resourceVersion: string,
  annotations?: Record<string, string>,
): WatchEvent {
  const { group, version, kind: name } = kind.stored;
  const metadata = { resourceVersion, ...(annotations === undefined ? {} : { annotations }) };
  const apiVersion = group === '' ? version : `${group}/${version}`;
  return { type: 'BOOKMARK', object: { kind: name, apiVersion, metadata } as unknown as KubeObject };
}

/** Events in the format asked for; of a table only the first event carries the columns. */
function encoderOf(context: ServerContext, resource: ResourceRequest): (event: WatchEvent) => unknown {
  const { kind, request } = resource;
  const format = formatOf(request);
  const include = request.query.get('includeObject');
  let first = true;
  return ({ type, object }) => {
    if (type === 'ERROR') return { type, object };
    const own = object as KubeObject;
    const shown = format === 'table' ? own : kind.outward(own);
    const presentation = { kind: kind.stored, format, include, nowMs: context.clock.now() };
    const presented =
      format === 'table' && type === 'BOOKMARK'
        ? presentList([], own.metadata.resourceVersion ?? '', presentation)
        : presentOne(shown, presentation);
    if (format === 'table' && !first) delete (presented as { columnDefinitions?: unknown }).columnDefinitions;
    first = false;
    return { type, object: presented };
  };
}
