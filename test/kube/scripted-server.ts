import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KubeObject } from '../../src/api/objects.ts';

/** What goes wrong with the next request of a sort. */
export type Fault =
  /** Refused with this code. */
  | { type: 'code'; code: number; retryAfter?: number; body?: string }
  /** The connection is cut before any answer. */
  | { type: 'reset' }
  /** Nothing ever comes: for a watch after its headers, for a list before them. */
  | { type: 'hang' }
  /** This text is the answer to a list; or the first bytes of a watch, which then ends. */
  | { type: 'text'; text: string };

interface Event {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  version: number;
  object: KubeObject;
}

interface Stream {
  response: ServerResponse;
  hung: boolean;
}

/**
 * A small honest API server for the Deployments of one namespace, which can be told to misbehave. Lists and watches are as in
 * Kubernetes: one history, versions from it, pages, bookmarks, 410 after compaction.
 */
export class ScriptedServer {
  readonly requests: {
    sort: 'list' | 'watch' | 'other';
    method: string;
    url: string;
    body: string;
    headers: IncomingMessage['headers'];
  }[] = [];
  readonly faults: Record<'list' | 'watch' | 'other', Fault[]> = { list: [], watch: [], other: [] };
  /** Answers what is neither a list nor a watch. */
  answer: (
    request: IncomingMessage,
    body: string,
  ) => { code: number; body: unknown; headers?: Record<string, string> } = () => ({
    code: 404,
    body: { kind: 'Status', code: 404, reason: 'NotFound', message: 'not found' },
  });
  readonly #objects = new Map<string, KubeObject>();
  readonly #streams = new Set<Stream>();
  readonly #server: Server;
  #history: Event[] = [];
  #compactedTo = 0;
  #version = 100;
  #uids = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<ScriptedServer> {
    const it = new ScriptedServer();
    await new Promise<void>((resolve) => it.#server.listen(0, '127.0.0.1', resolve));
    return it;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get streams(): number {
    return this.#streams.size;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  put(name: string, replicas: number): KubeObject {
    const old = this.#objects.get(name);
    const version = ++this.#version;
    const object: KubeObject = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name,
        namespace: 'shop',
        uid: old?.metadata.uid ?? `uid-${++this.#uids}`,
        resourceVersion: String(version),
        managedFields: [{ manager: 'someone' }],
      },
      spec: { replicas },
    };
    this.#objects.set(name, object);
    this.#record({ type: old === undefined ? 'ADDED' : 'MODIFIED', version, object });
    return object;
  }

  remove(name: string): void {
    const old = this.#objects.get(name);
    if (old === undefined) return;
    this.#objects.delete(name);
    const version = ++this.#version;
    const object = { ...old, metadata: { ...old.metadata, resourceVersion: String(version) } };
    this.#record({ type: 'DELETED', version, object });
  }

  /** Forgets the history: watches from before it get 410. */
  compact(): void {
    this.#version++;
    this.#compactedTo = this.#version;
    this.#history = [];
  }

  /** Cuts every stream. */
  cut(): void {
    for (const it of this.#streams) it.response.destroy();
    this.#streams.clear();
  }

  /** Writes this text to every open stream; they go on. */
  say(text: string): void {
    for (const it of this.#streams) if (!it.hung) it.response.write(text);
  }

  /** Ends every stream as a server does. */
  end(text = ''): void {
    for (const it of this.#streams) it.response.end(text);
    this.#streams.clear();
  }

  bookmark(): void {
    this.say(
      line('BOOKMARK', {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: '', resourceVersion: String(this.#version) },
      }),
    );
  }

  /** Sends again what was sent before, as a server that lags would. */
  replay(): void {
    for (const event of this.#history) this.say(line(event.type, event.object));
  }

  /** `name=replicas@version` of every object, in order. */
  state(): string[] {
    return describe([...this.#objects.values()]);
  }

  #record(event: Event): void {
    this.#history.push(event);
    this.say(line(event.type, event.object));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const url = new URL(request.url ?? '/', this.url);
    const isCollection = request.method === 'GET' && url.pathname.endsWith('/deployments');
    const sort = !isCollection ? 'other' : url.searchParams.has('watch') ? 'watch' : 'list';
    this.requests.push({ sort, method: request.method ?? '', url: request.url ?? '', body, headers: request.headers });
    const fault = this.faults[sort].shift();
    if (fault !== undefined) return this.#misbehave(sort, fault, response);
    if (sort === 'list') return this.#list(url, response);
    if (sort === 'watch') return this.#watch(url, response);
    const answer = this.answer(request, body);
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
    response.writeHead(answer.code, { 'content-type': 'application/json', ...answer.headers }).end(text);
  }

  #misbehave(sort: string, fault: Fault, response: ServerResponse): void {
    if (fault.type === 'reset') {
      response.destroy();
    } else if (fault.type === 'code') {
      const headers = fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
      const status = { kind: 'Status', code: fault.code, message: `told to answer ${fault.code}` };
      response.writeHead(fault.code, headers).end(fault.body ?? JSON.stringify(status));
    } else if (fault.type === 'text') {
      response.writeHead(200).end(fault.text);
    } else if (sort === 'watch') {
      response.writeHead(200).flushHeaders();
      this.#keep({ response, hung: true });
    }
  }

  #list(url: URL, response: ServerResponse): void {
    const all = [...this.#objects.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    const [version, from] = (url.searchParams.get('continue') ?? `${this.#version}:0`).split(':').map(Number);
    const limit = Number(url.searchParams.get('limit') ?? all.length);
    const end = (from ?? 0) + limit;
    const next = end < all.length ? { continue: `${version}:${end}`, remainingItemCount: all.length - end } : {};
    // Items of a list come without kind, as from a real server.
    const items = all.slice(from, end).map(({ apiVersion: _, kind: __, ...rest }) => rest);
    const metadata = { resourceVersion: String(version), ...next };
    response.writeHead(200).end(JSON.stringify({ apiVersion: 'apps/v1', kind: 'DeploymentList', metadata, items }));
  }

  #watch(url: URL, response: ServerResponse): void {
    const from = Number(url.searchParams.get('resourceVersion'));
    if (from < this.#compactedTo) {
      const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
      // Real servers do both; which one is a matter of the moment.
      if (this.requests.length % 2 === 0) response.writeHead(410).end(JSON.stringify(gone));
      else response.writeHead(200).end(line('ERROR', gone));
      return;
    }
    response.writeHead(200).flushHeaders();
    for (const event of this.#history) if (event.version > from) response.write(line(event.type, event.object));
    const stream = { response, hung: false };
    this.#keep(stream);
    const timer = setTimeout(() => this.#finish(stream), Number(url.searchParams.get('timeoutSeconds')) * 1000);
    response.on('close', () => clearTimeout(timer));
  }

  #finish(stream: Stream): void {
    this.#streams.delete(stream);
    stream.response.end();
  }

  #keep(stream: Stream): void {
    this.#streams.add(stream);
    stream.response.on('close', () => this.#streams.delete(stream));
  }
}

export function line(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}

export function describe(objects: KubeObject[]): string[] {
  return objects
    .map((it) => `${it.metadata.name}=${(it['spec'] as { replicas: number }).replicas}@${it.metadata.resourceVersion}`)
    .sort();
}
