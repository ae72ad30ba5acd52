import type { Kind } from '../api/kinds.ts';
import type { KubeObject } from '../api/objects.ts';
import { KubeError } from '../ports/kube.ts';
import { type Call, fromNetwork, refusal } from './errors.ts';
import { open, type Wire } from './exchange.ts';
import { pathOf, queryOf } from './paths.ts';

/** One line of a watch, parsed. */
export interface WatchLine {
  type: 'put' | 'removed' | 'bookmark';
  object: KubeObject;
}

/** The stream cannot be taken up again where it ended: something in it may be lost, so the objects must be listed again. */
export class CannotResume extends Error {
  override readonly name = 'CannotResume';
}

export interface WatchOptions {
  namespace: string | undefined;
  resourceVersion: string;
  /** After which the server ends the stream. */
  timeoutSeconds: number;
  /** After so long without a byte the stream counts as dead. */
  silenceMs: number;
  stop: AbortSignal;
}

/** No object is nearly as long; a server that never ends its line must not fill the memory. */
const longestLine = 32 * 1024 * 1024;

/**
 * The lines of one watch until the server ends it. Throws {@link CannotResume} after 410, a torn line or one that is no
 * event; KubeError for everything else that goes wrong.
 */
export async function* watchLines(wire: Wire, kind: Kind, options: WatchOptions): AsyncGenerator<WatchLine, void> {
  const call: Call = { verb: 'watch', kind: kind.kind, namespace: options.namespace };
  const { namespace, resourceVersion, timeoutSeconds } = options;
  const query = queryOf({ watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds });
  const path = pathOf(kind, { ...call, namespace }) + query;
  const silence = watchSilence(wire, options.silenceMs);
  const signal = AbortSignal.any([silence.signal, options.stop]);
  try {
    const answer = await open(wire, call, { method: 'GET', path, signal });
    for await (const line of lines(call, answer.body, silence.heard)) yield readLine(call, line);
  } catch (error) {
    throw cannotResume(error) ?? fromNetwork(call, signal.aborted ? signal.reason : error);
  } finally {
    silence.end();
  }
}

/** A signal that aborts after a time without `heard()`; one timer at a time, whatever comes. */
function watchSilence(wire: Wire, silenceMs: number) {
  const controller = new AbortController();
  let heardAt = wire.clock.monotonic();
  let cancel = wire.clock.after(silenceMs, check);
  function check(): void {
    const restMs = heardAt + silenceMs - wire.clock.monotonic();
    if (restMs > 0) cancel = wire.clock.after(restMs, check);
    else controller.abort(new Error(`nothing came for ${silenceMs} ms`));
  }
  return {
    signal: controller.signal,
    heard: () => void (heardAt = wire.clock.monotonic()),
    /** Also closes the stream where the reader left before its end. */
    end() {
      cancel();
      controller.abort(new Error('the watch was left'));
    },
  };
}

async function* lines(call: Call, body: AsyncIterable<Uint8Array>, heard: () => void): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    heard();
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    if (rest.length > longestLine) throw new CannotResume(`${call.verb} ${call.kind}: a line is longer than 32 MiB`);
    for (const part of parts) if (part.trim() !== '') yield part;
  }
  if (rest.trim() !== '') throw new CannotResume(`${call.verb} ${call.kind}: the stream ended within a line`);
}

const types = { ADDED: 'put', MODIFIED: 'put', DELETED: 'removed', BOOKMARK: 'bookmark' } as const;

function readLine(call: Call, line: string): WatchLine {
  const { type, object } = parseLine(call, line);
  if (type === 'ERROR') throw refusal(call, Number(object?.code) || 500, JSON.stringify(object), undefined);
  const known = Object.hasOwn(types, String(type)) ? types[type as keyof typeof types] : undefined;
  const { name, resourceVersion } = object?.metadata ?? {};
  if (
    known !== undefined &&
    typeof resourceVersion === 'string' &&
    (known === 'bookmark' || typeof name === 'string')
  ) {
    return { type: known, object: object as KubeObject };
  }
  throw new CannotResume(`${call.verb} ${call.kind}: a line is no watch event: ${line.slice(0, 100)}`);
}

function parseLine(
  call: Call,
  line: string,
): { type?: unknown; object?: (Partial<KubeObject> & { code?: unknown }) | undefined } {
  try {
    const { type, object } = (JSON.parse(line) ?? {}) as Record<string, unknown>;
    return { type, object: typeof object === 'object' && object !== null ? { ...object } : undefined };
  } catch (error) {
    throw new CannotResume(`${call.verb} ${call.kind}: a line is not JSON`, { cause: error });
  }
}

/** 410, and requests that the server will refuse again as they are. */
function cannotResume(error: unknown): CannotResume | undefined {
  if (error instanceof CannotResume) return error;
  if (!(error instanceof KubeError)) return undefined;
  const lost = error.code === 410 || error.reason === 'invalid' || error.reason === 'notFound';
  return lost ? new CannotResume(error.message, { cause: error }) : undefined;
}
