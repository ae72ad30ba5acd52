import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Log } from '../../src/ports/log.ts';

/** One request as the server got it. */
export interface Got {
  path: string;
  method: string;
  query: string;
  /** Seconds, as sent. */
  time: number;
  headers: IncomingMessage['headers'];
}

/** Writes the answer to one request. */
export type Behaviour = (got: Got, response: ServerResponse) => void;

/** A server on loopback that answers queries as it is told to. */
export interface FakePrometheus extends AsyncDisposable {
  address: string;
  got: Got[];
  behave(behaviour: Behaviour): void;
}

export async function fakePrometheus(
  behaviour: Behaviour,
  tls?: { key: string; cert: string },
): Promise<FakePrometheus> {
  let present = behaviour;
  const got: Got[] = [];
  const listen: RequestListener = (request, response) => {
    text(request).then(
      (body) => answer(request, response, new URLSearchParams(body)),
      () => response.destroy(),
    );
  };
  const answer = (request: IncomingMessage, response: ServerResponse, form: URLSearchParams) => {
    const one = {
      path: request.url ?? '',
      method: request.method ?? '',
      query: form.get('query') ?? '',
      time: Number(form.get('time')),
      headers: request.headers,
    };
    got.push(one);
    present(one, response);
  };
  const server: Server = tls === undefined ? createServer(listen) : createTlsServer(tls, listen);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    got,
    behave: (next) => {
      present = next;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Any body with any status. */
export function answers(body: unknown, status = 200, headers: Record<string, string> = {}): Behaviour {
  return (_, response) => {
    const isText = typeof body === 'string';
    response.writeHead(status, { 'content-type': isText ? 'text/html' : 'application/json', ...headers });
    response.end(isText ? body : JSON.stringify(body));
  };
}

export function success(data: unknown, more: object = {}): object {
  return { status: 'success', data, ...more };
}

export function vector(...values: unknown[]): object {
  return success({ resultType: 'vector', result: values.map((value) => ({ metric: {}, value })) });
}

/** A series with samples `[epoch ms, value]`. */
export function series(
  metric: Record<string, string>,
  points: [atMs: number, value: number][],
): { metric: Record<string, string>; values: [number, string][] } {
  return { metric, values: points.map(([atMs, value]) => [atMs / 1000, String(value)]) };
}

export function matrix(...result: object[]): object {
  return success({ resultType: 'matrix', result });
}

/** Answers a query for raw samples as Prometheus does, from the series given. */
export function serves(all: { metric: Record<string, string>; values: [number, string][] }[]): Behaviour {
  return (got, response) => {
    const found = /^\{(.*)\}\[(\d+)s\]$/s.exec(got.query);
    const matchers = [...(found?.[1] ?? '').matchAll(/(\w+)(=~?)("(?:\\.|[^"\\])*")/g)].map(
      ([, label, sign, quoted]) => {
        const value = JSON.parse(quoted ?? '""') as string;
        const pattern = sign === '=' ? undefined : new RegExp(`^(?:${value})$`);
        return (metric: Record<string, string>) => {
          const own = metric[label ?? ''] ?? '';
          return pattern?.test(own) ?? own === value;
        };
      },
    );
    const result = all
      .filter(({ metric }) => matchers.every((matches) => matches(metric)))
      .map(({ metric, values }) => {
        const inRange = ([time]: [number, string]) => time > got.time - Number(found?.[2]) && time <= got.time;
        return { metric, values: values.filter(inRange) };
      })
      .filter(({ values }) => values.length > 0);
    answers(success({ resultType: 'matrix', result }))(got, response);
  };
}

/** Keeps what was logged. */
export function memoryLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const write = (fields: object, message: string) => {
    lines.push(JSON.stringify([message, fields]));
  };
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
  return { log, lines };
}
