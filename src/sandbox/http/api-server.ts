import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../ports/clock.ts';
import { sleep } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { ApiError, type ObjectStore } from '../world/types.ts';
import { type ApiRequest, readRequest } from './api-server/api-request.ts';
import type { ServerContext } from './api-server/context.ts';
import type { Fault, Faults } from './api-server/faults.ts';
import { refused } from '../world/store/errors.ts';
import { type Reply, sendReply, type Tear } from './api-server/reply.ts';
import { authenticate, replyTo } from './api-server/routes.ts';

export interface ApiServerOptions extends Faults {
  store: ObjectStore;
  clock: Clock;
  log?: Log;
  /** 0, the default, takes a free one. Always on 127.0.0.1. */
  port?: number;
  /** Bearer token that every request but probes must carry; without it all are let in. */
  token?: string;
  podLog?: ServerContext['podLog'];
}

export interface ApiServer {
  /** `http://127.0.0.1:<port>` */
  url: string;
  port: number;
  /** Ends at once, open watches included. */
  close(): Promise<void>;
}

const writes = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** Serves an object store as a Kubernetes API on loopback. Rejects when the port is taken. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const server = createServer({ keepAliveTimeout: 90_000 }, (incoming, response) => {
    answer(options, incoming, response).catch((error: unknown) => {
      options.log?.error({ err: error, url: incoming.url }, 'The API server could not answer');
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(options: ApiServerOptions, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  // A client that goes away in mid-answer is its own affair.
  response.on('error', () => {});
  let request: ApiRequest;
  try {
    request = await readRequest(incoming);
  } catch (error) {
    sendReply(response, failure(options, error));
    return;
  }
  const before = options.intercept?.(request);
  if (!(await goesOn(options, response, before))) return;
  const reply = answerOrRefusal(options, request);
  const after = faultAfter(options, request, reply);
  if (!(await goesOn(options, response, after))) return;
  sendReply(response, reply, tearOf(after) ?? tearOf(before));
}

function faultAfter(options: ApiServerOptions, request: ApiRequest, reply: Reply): Fault | undefined {
  if ('start' in reply || reply.code >= 400 || !writes.has(request.verb)) return undefined;
  return options.afterWrite?.(request, reply);
}

function answerOrRefusal(options: ApiServerOptions, request: ApiRequest): Reply {
  try {
    authenticate(request, options.token);
    return replyTo(options, request);
  } catch (error) {
    return failure(options, error);
  }
}

function failure(options: ApiServerOptions, error: unknown): Reply {
  if (error instanceof ApiError) {
    return { code: error.status.code, body: error.status };
  }
  options.log?.error({ err: error }, 'The API server failed inside');
  const message = `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`;
  return { code: 500, body: refused(500, 'InternalError', message).status };
}

/** Carries out the part of a fault that comes before the answer. @returns whether the real answer is still wanted */
async function goesOn(options: ApiServerOptions, response: ServerResponse, fault: Fault | undefined): Promise<boolean> {
  if (fault === undefined || 'tear' in fault) return true;
  if ('delayMs' in fault) {
    await sleep(options.clock, fault.delayMs);
    return true;
  }
  if ('answer' in fault) sendReply(response, fault.answer);
  if ('reset' in fault) response.socket?.resetAndDestroy();
  return false;
}

function tearOf(fault: Fault | undefined): Tear | undefined {
  return fault !== undefined && 'tear' in fault ? fault.tear : undefined;
}
