import type { ServerResponse } from 'node:http';

/** An answer that is complete. */
export interface WholeReply {
  code: number;
  /** Sent as JSON; text and bytes are sent as they are. */
  body: unknown;
  contentType?: string;
  headers?: Record<string, string>;
  warnings?: string[];
}

/** An answer that goes on until one side ends it. */
export interface StreamReply {
  contentType: string;
  /** Begins to send. @returns what frees everything when the connection is gone */
  start(send: (text: string) => void, end: () => void): () => void;
}

export type Reply = WholeReply | StreamReply;

/** Where a fault breaks an answer. */
export interface Tear {
  bytes: number;
  end: 'reset' | 'hang';
}

/** A client that reads a watch this slowly is cut off; it will list and watch again. */
const mostUnsentBytes = 16 * 1024 * 1024;

/** Sends an answer, whole or up to a tear. */
export function sendReply(response: ServerResponse, reply: Reply, tear?: Tear): void {
  if (response.destroyed) return;
  const write = tornWriter(response, tear);
  if ('start' in reply) {
    response.writeHead(200, { 'content-type': reply.contentType, 'cache-control': 'no-cache, private' });
    response.flushHeaders();
    const stop = reply.start(
      (text) => {
        if (response.writableLength > mostUnsentBytes) response.destroy();
        else if (!response.destroyed) write(text);
      },
      () => response.end(),
    );
    if (response.destroyed) stop();
    else response.once('close', stop);
    return;
  }
  const { body } = reply;
  const content = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const headers: Record<string, string | string[]> = {
    'content-type': reply.contentType ?? 'application/json',
    'cache-control': 'no-cache, private',
    'content-length': String(Buffer.byteLength(content)),
    ...reply.headers,
  };
  if (reply.warnings?.length) headers.warning = reply.warnings.map((text) => `299 - ${JSON.stringify(text)}`);
  response.writeHead(reply.code, headers);
  write(content);
  if (tear === undefined) response.end();
}

function tornWriter(response: ServerResponse, tear: Tear | undefined): (content: string | Buffer) => void {
  if (tear === undefined) return (content) => void response.write(content);
  let left = tear.bytes;
  let torn = false;
  return (content) => {
    if (torn) return;
    const bytes = Buffer.from(content);
    const part = bytes.subarray(0, left);
    left -= part.length;
    torn = left === 0;
    // The socket is broken only after the bytes before the tear have gone out.
    response.write(part, () => torn && tear.end === 'reset' && response.socket?.destroy());
  };
}
