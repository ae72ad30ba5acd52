import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from 'node:http';
import type { Clock } from '../../../ports/clock.ts';
import type { Decision } from '../../world/gateway/data-plane.ts';
import { editHeaders, type Headers } from '../../world/gateway/filters.ts';
import type { Outcome, TrafficMetrics } from '../../world/gateway/traffic-metrics.ts';

export interface ForwardDeps {
  clock: Clock;
  agent: Agent;
  metrics: TrafficMetrics;
  /** Where a pod's port really listens. */
  portOf: (ip: string, port: number) => number;
}

type Forward = Decision & { kind: 'forward' };

/** Headers that belong to one connection and are not passed on. */
const hopByHop = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

/**
 * Passes one request on to its pod and the answer back, and counts it when it has ended. A request without a body that fails on a reused
 * connection before any byte of an answer is tried once more on a fresh one, as proxies do; nothing else is tried again.
 */
export function forward(
  decision: Forward,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  deps: ForwardDeps,
): void {
  new Forwarding(decision, incoming, outgoing, deps).begin();
}

class Forwarding {
  readonly #decision: Forward;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #deps: ForwardDeps;
  readonly #startedMs: number;
  readonly #hasBody: boolean;
  #upstream: ClientRequest | undefined;
  #cancelTimeout: () => void = () => {};
  #over = false;

  constructor(decision: Forward, incoming: IncomingMessage, outgoing: ServerResponse, deps: ForwardDeps) {
    this.#decision = decision;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#deps = deps;
    this.#startedMs = deps.clock.monotonic();
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = incoming.headers;
    this.#hasBody = encoding !== undefined || length !== '0';
  }

  begin(): void {
    const { timeoutMs } = this.#decision;
    this.#cancelTimeout = this.#deps.clock.after(timeoutMs, () => this.#fail(504, 'UT', 'upstream request timeout'));
    this.#outgoing.once('close', () => {
      if (this.#outgoing.writableFinished) return;
      this.#end({ code: 0, flag: 'DC' });
      this.#upstream?.destroy();
    });
    // A body cannot be sent twice, so it never goes on a connection that may be closing.
    this.#attempt(!this.#hasBody);
  }

  #attempt(mayReuse: boolean): void {
    const { endpoint, target } = this.#decision;
    const upstream = httpRequest({
      host: endpoint.address,
      port: this.#deps.portOf(endpoint.address, endpoint.port),
      method: this.#incoming.method ?? 'GET',
      path: target,
      headers: this.#requestHeaders(),
      agent: mayReuse ? this.#deps.agent : false,
    });
    this.#upstream = upstream;
    upstream.once('response', (answer) => this.#pass(answer));
    upstream.on('error', () => {
      if (this.#over || this.#upstream !== upstream) return;
      if (mayReuse && upstream.reusedSocket && !this.#outgoing.headersSent) this.#attempt(false);
      else if (this.#outgoing.headersSent) this.#cut();
      else this.#fail(503, 'UF', `${endpoint.address}:${endpoint.port} does not answer`);
    });
    if (this.#hasBody) this.#incoming.pipe(upstream);
    else upstream.end();
  }

  #requestHeaders(): Headers {
    const { 'x-forwarded-for': forwardedFor } = this.#incoming.headers;
    const client = this.#incoming.socket.remoteAddress ?? '';
    const headers: Headers = { ...withoutHopByHop(this.#incoming.headers) };
    headers['x-forwarded-for'] = forwardedFor ? `${forwardedFor as string}, ${client}` : client;
    const host = this.#decision.host ?? this.#incoming.headers.host;
    return editHeaders({ ...headers, host }, this.#decision.requestHeaders);
  }

  #pass(answer: IncomingMessage): void {
    if (this.#over) {
      answer.resume();
      return;
    }
    const code = answer.statusCode ?? 502;
    const headers = editHeaders(withoutHopByHop(answer.headers), this.#decision.responseHeaders);
    this.#outgoing.writeHead(code, definedHeaders(headers));
    answer.once('error', () => this.#cut());
    this.#outgoing.once('finish', () => this.#end({ code, flag: '' }));
    answer.pipe(this.#outgoing);
  }

  /** Answers in the pod's stead, or cuts an answer that has already begun. */
  #fail(code: number, flag: Outcome['flag'], message: string): void {
    if (this.#outgoing.headersSent) return this.#cut();
    this.#end({ code, flag });
    this.#upstream?.destroy();
    this.#incoming.unpipe();
    this.#incoming.resume();
    sendText(this.#outgoing, code, message);
  }

  #cut(): void {
    this.#end({ code: this.#outgoing.statusCode, flag: 'UC' });
    this.#upstream?.destroy();
    this.#outgoing.destroy();
  }

  #end(outcome: Omit<Outcome, 'durationMs'>): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelTimeout();
    const durationMs = this.#deps.clock.monotonic() - this.#startedMs;
    this.#deps.metrics.count(this.#decision.exchange, { ...outcome, durationMs });
  }
}

export function sendText(
  response: ServerResponse,
  code: number,
  message: string,
  headers: Record<string, string> = {},
): void {
  const body = message === '' ? '' : `${message}\n`;
  response.writeHead(code, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(body), ...headers });
  response.end(body);
}

function withoutHopByHop(headers: Headers): Headers {
  const named = String(headers['connection'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase());
  const dropped = new Set([...hopByHop, ...named]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name)));
}

function definedHeaders(headers: Headers): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
