import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../../ports/clock.ts';
import { type MetricsStore, PromqlError } from '../../world/metrics/store.ts';
import type { ApiRequest, Fault, Intercept } from './faults.ts';
import { ParameterError } from './parameters.ts';
import { findRoute, type Source } from './routes.ts';

export interface PrometheusApiOptions {
  store: MetricsStore;
  clock: Clock;
  /** @defaultValue 0: any free one */
  port?: number;
  /** Asked for each request under `/api/v1/`; for tests. */
  intercept?: Intercept;
}

/** A running API on loopback. */
export interface PrometheusApi {
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** From now on every request under `/api/v1/` meets this fault; undefined ends it. `intercept` is asked first. */
  setFault(fault: Fault | undefined): void;
  /** Ends at once: connections are cut, hanging requests too. */
  close(): Promise<void>;
}

interface Reply {
  status: number;
  body: string;
  type: string;
}

const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** Serves the Prometheus HTTP API on 127.0.0.1. Rejects when the port is taken. */
export async function startPrometheusApi(options: PrometheusApiOptions): Promise<PrometheusApi> {
  const { store, clock, port = 0, intercept } = options;
  let fault: Fault | undefined;
  const faultFor: Intercept = (request) => intercept?.(request) ?? fault;
  const server = createServer((request, response) => {
    serve(request, response, { store, clock }, faultFor).catch(() => request.socket.destroy());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    setFault(next) {
      fault = next;
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  source: Source,
  faultFor: Intercept,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sandbox');
  const method = request.method ?? 'GET';
  const { pathname: path } = url;
  if (!path.startsWith('/api/v1/')) return send(response, plainReply(path));
  const params = await readParams(request, url);
  if (params === undefined)
    return send(response, failure(413, 'bad_data', `request body is over ${MAX_BODY_BYTES} bytes`));
  const asked: ApiRequest = { method, path, params };
  const fault = faultFor(asked);
  if (fault === undefined) return send(response, answer(asked, source));
  await misbehave(fault, { asked, request, response, source });
}

function plainReply(path: string): Reply {
  if (path === '/-/healthy') return text(200, 'Prometheus Server is Healthy.\n');
  if (path === '/-/ready') return text(200, 'Prometheus Server is Ready.\n');
  return text(404, '404 page not found\n');
}

/** @returns parameters of a form in the body before those of the URL, as Go has them; undefined when the body is too big */
async function readParams(request: IncomingMessage, url: URL): Promise<URLSearchParams | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk as Buffer);
  }
  const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
  const params = new URLSearchParams(isForm ? Buffer.concat(chunks).toString() : '');
  for (const [name, value] of url.searchParams) params.append(name, value);
  return params;
}

function answer({ method, path, params }: ApiRequest, source: Source, warnings?: readonly string[]): Reply {
  const route = findRoute(path);
  if (route === undefined) return text(404, '404 page not found\n');
  if (method !== 'GET' && method !== 'POST') return text(405, 'Method Not Allowed\n');
  try {
    return success(route(params, source), warnings);
  } catch (error) {
    return refusal(error, path);
  }
}

function refusal(error: unknown, path: string): Reply {
  if (error instanceof ParameterError) return failure(400, 'bad_data', error.message);
  if (!(error instanceof PromqlError))
    return failure(500, 'internal', error instanceof Error ? error.message : String(error));
  if (error.errorType === 'execution') return failure(422, 'execution', error.message);
  const parameter = path.startsWith('/api/v1/query') ? 'query' : 'match[]';
  return failure(
    400,
    'bad_data',
    error.isParseError ? `invalid parameter "${parameter}": ${error.message}` : error.message,
  );
}

interface Exchange {
  asked: ApiRequest;
  request: IncomingMessage;
  response: ServerResponse;
  source: Source;
}

async function misbehave(fault: Fault, { asked, request, response, source }: Exchange): Promise<void> {
  switch (fault.kind) {
    case 'unavailable':
      return send(response, text(503, 'Service Unavailable\n'));
    case 'hang':
      return;
    case 'reset':
      request.socket.resetAndDestroy();
      return;
    case 'body':
      return send(response, { status: fault.status, body: fault.body, type: 'application/json' });
    case 'empty':
      return send(response, success({ resultType: resultType(asked), result: [] }));
    case 'values':
      return send(response, success(invented(asked, fault.values, source.clock.now())));
    case 'warnings':
      return send(response, answer(asked, source, fault.warnings));
    case 'delay':
      await new Promise<void>((resolve) => source.clock.after(fault.delayMs, resolve));
      return send(response, answer(asked, source));
  }
}

function resultType({ path }: ApiRequest): 'matrix' | 'vector' {
  return path === '/api/v1/query_range' ? 'matrix' : 'vector';
}

function invented(asked: ApiRequest, values: readonly string[], nowMs: number): unknown {
  const type = resultType(asked);
  const result = values.map((value, index) => {
    const point = [nowMs / 1000, value];
    return { metric: { series: String(index) }, ...(type === 'matrix' ? { values: [point] } : { value: point }) };
  });
  return { resultType: type, result };
}

function success(data: unknown, warnings: readonly string[] = []): Reply {
  const body = { status: 'success', data, ...(warnings.length > 0 ? { warnings } : {}) };
  return { status: 200, body: JSON.stringify(body), type: 'application/json' };
}

function failure(status: number, errorType: string, error: string): Reply {
  return { status, body: JSON.stringify({ status: 'error', errorType, error }), type: 'application/json' };
}

function text(status: number, body: string): Reply {
  return { status, body, type: 'text/plain; charset=utf-8' };
}

function send(response: ServerResponse, { status, body, type }: Reply): void {
  response.writeHead(status, { 'content-type': type }).end(body);
}
