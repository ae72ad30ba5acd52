import type { RequestOptions } from 'node:https';
import { HttpMethod, type KubeConfig, RequestContext } from '@kubernetes/client-node';
import { Agent, type Dispatcher } from 'undici';
import type { Clock } from '../ports/clock.ts';

/** One HTTP request to the API server. */
export interface WireRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Path and query below the server's address. */
  path: string;
  body?: string;
  contentType?: string;
  signal: AbortSignal;
}

export interface WireAnswer {
  code: number;
  retryAfter: string | undefined;
  /** Must be read to its end or destroyed. */
  body: Dispatcher.ResponseData['body'];
}

/** A way to the API server that knows how to authenticate. Throws whatever the network throws. */
export interface Connection {
  send(request: WireRequest): Promise<WireAnswer>;
  /** Cuts everything that is under way. */
  close(): Promise<void>;
}

interface Session {
  server: string;
  headers: Record<string, string>;
  dispatcher: Dispatcher;
  readAt: number;
}

/** Rotated files are noticed after this long, and at once when the server answers 401. */
const rereadMs = 60_000;

/**
 * Opens a connection with what `load` says. It is asked again for rotated credentials, so it must read its sources anew
 * each time.
 */
export function createConnection(load: () => KubeConfig, clock: Clock): Connection {
  let config = load();
  let session: Promise<Session> | undefined;
  const pool = createPool();

  async function open(): Promise<Session> {
    const readAt = clock.monotonic();
    return { ...(await authenticate(config, pool)), readAt };
  }

  async function current(refused: Session | undefined): Promise<Session> {
    const known = await session?.catch(() => undefined);
    if (known === undefined) {
      session = open();
    } else if (known === refused || clock.monotonic() - known.readAt > rereadMs) {
      if (refused !== undefined) config = reload(load) ?? config;
      session = open();
    }
    return session ?? open();
  }

  async function attempt(request: WireRequest, it: Session): Promise<WireAnswer> {
    const base = new URL(it.server);
    const answer = await it.dispatcher.request({
      origin: base.origin,
      path: `${base.pathname.replace(/\/$/, '')}${request.path}`,
      method: request.method,
      headers: {
        ...it.headers,
        accept: 'application/json',
        'user-agent': 'linnet',
        ...(request.contentType === undefined ? {} : { 'content-type': request.contentType }),
      },
      body: request.body ?? null,
      signal: request.signal,
      // Every request has a limit of its own in `signal`; a watch is silent for longer than undici's limits.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const retryAfter = answer.headers['retry-after'];
    return {
      code: answer.statusCode,
      retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
      body: answer.body,
    };
  }

  return {
    async send(request) {
      const first = await current(undefined);
      const answer = await attempt(request, first);
      if (answer.code !== 401) return answer;
      await answer.body.dump();
      return attempt(request, await current(first));
    },
    close: () => pool.close(),
  };
}

/** A file that is just being replaced leaves us with what we had; the server's own answer says that it is not enough. */
function reload(load: () => KubeConfig): KubeConfig | undefined {
  try {
    return load();
  } catch {
    return undefined;
  }
}

interface Pool {
  /** @returns the dispatcher for this TLS material: the last one as long as nothing changes */
  get(identity: string, make: () => Dispatcher): Dispatcher;
  close(): Promise<void>;
}

function createPool(): Pool {
  const made = new Map<string, Dispatcher>();
  return {
    get(identity, make) {
      const known = made.get(identity);
      if (known !== undefined) return known;
      // Let the requests under way on the old certificate end; watches end by themselves.
      for (const [old, dispatcher] of made) {
        void dispatcher.close();
        made.delete(old);
      }
      const dispatcher = make();
      made.set(identity, dispatcher);
      return dispatcher;
    },
    async close() {
      await Promise.all([...made.values()].map((it) => it.destroy()));
    },
  };
}

async function authenticate(config: KubeConfig, pool: Pool): Promise<Omit<Session, 'readAt'>> {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('kubeconfig: the current context names no cluster');
  const context = new RequestContext(cluster.server, HttpMethod.GET);
  const tls: RequestOptions = {};
  // Two calls because the first knows the proxy and the headers, and only the second lets the TLS material be seen.
  await config.applySecurityAuthentication(context);
  await config.applyToHTTPSOptions(tls);
  const { ca, cert, key, rejectUnauthorized, servername } = tls;
  const connect = withoutAbsent({ ca, cert, key, rejectUnauthorized, servername });
  const identity = JSON.stringify([cluster.server, cluster.proxyUrl, connect]);
  const dispatcher = pool.get(identity, () => {
    const proxy = cluster.proxyUrl === undefined ? undefined : context.getDispatcher();
    // HTTP/1.1: a watch that hangs must not share a connection with the writes.
    return (
      proxy ?? new Agent({ allowH2: false, connect: { ...connect, keepAlive: true, keepAliveInitialDelay: 30_000 } })
    );
  });
  // A token file may end in a line break, which no header may.
  const headers = Object.fromEntries(Object.entries(context.getHeaders()).map(([name, value]) => [name, value.trim()]));
  return { server: cluster.server, headers, dispatcher };
}

function withoutAbsent<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
