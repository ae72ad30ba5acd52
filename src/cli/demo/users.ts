import { Agent, type IncomingMessage, request } from 'node:http';
import type { Clock } from '../../ports/clock.ts';

/** What one user got. Times are those of {@link Clock.monotonic}. */
export interface Answer {
  sentMs: number;
  endedMs: number;
  /** Version that answered; empty when no version said who it is. */
  version: string;
  /** Why the request failed: a 5xx, a connection error, or no whole answer in 10 s. Absent when it did not. */
  cause?: string;
}

/** A steady stream of users. */
export interface Users {
  /** Resolves when every request sent until now is answered or has failed. */
  settled(): Promise<void>;
  stop(): void;
}

export interface UsersOptions {
  clock: Clock;
  /** `host:port` */
  address: string;
  perSecond: number;
  /** Each has connections of its own, kept alive. */
  clients: number;
  onAnswer: (answer: Answer) => void;
}

const answerLimitMs = 10_000;

/** Sends requests at a steady pace, whether or not earlier ones have been answered, and tells of every answer. Nothing is tried twice. */
export function startUsers({ clock, address, perSecond, clients, onAnswer }: UsersOptions): Users {
  const agents = Array.from({ length: clients }, () => new Agent({ keepAlive: true }));
  const open = new Set<Promise<void>>();
  const startedMs = clock.monotonic();
  let sent = 0;
  let cancel = () => {};

  function tick(): void {
    const due = Math.floor(((clock.monotonic() - startedMs) * perSecond) / 1000);
    // After a stall the missed ones are not sent in one burst.
    sent = Math.max(sent, due - perSecond);
    while (sent <= due) {
      send(agents[sent % clients]);
      sent++;
    }
    cancel = clock.after(startedMs + (sent * 1000) / perSecond - clock.monotonic(), tick);
  }

  function send(agent: Agent | undefined): void {
    if (agent === undefined) return;
    const done = answered(agent).finally(() => open.delete(done));
    open.add(done);
  }

  async function answered(agent: Agent): Promise<void> {
    onAnswer(await ask({ clock, address, agent }));
  }

  tick();
  return {
    settled: async () => void (await Promise.all(open)),
    stop() {
      cancel();
      for (const agent of agents) agent.destroy();
    },
  };
}

/** One GET of `/`. Never rejects. */
export function ask({ clock, address, agent }: { clock: Clock; address: string; agent: Agent }): Promise<Answer> {
  const sentMs = clock.monotonic();
  return new Promise((resolve) => {
    const end = (version: string, cause?: string) => {
      cancel();
      resolve({ sentMs, endedMs: clock.monotonic(), version, ...(cause === undefined ? {} : { cause }) });
    };
    const sending = request(`http://${address}/`, { agent, headers: { host: 'shop.example' } }, (response) => {
      read(response, (version) => end(version, causeOf(response.statusCode ?? 0, version)), broken);
    });
    const broken = (error: NodeJS.ErrnoException) =>
      end('', error.message === late ? late : `connection: ${error.code ?? error.message}`);
    const cancel = clock.after(answerLimitMs, () => sending.destroy(new Error(late)));
    sending.on('error', broken);
    sending.end();
  });
}

const late = `no answer in ${answerLimitMs / 1000} s`;

function causeOf(code: number, version: string): string | undefined {
  if (code < 500 && code > 0) return undefined;
  return version === '' ? `${code} by the gateway` : `${code} by ${version}`;
}

function read(response: IncomingMessage, done: (version: string) => void, broken: (error: Error) => void): void {
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.on('error', broken);
  response.on('end', () => done(versionIn(Buffer.concat(chunks).toString())));
}

/** The shop's pods answer in JSON, with their version in it. */
function versionIn(body: string): string {
  try {
    const { version } = JSON.parse(body) as { version?: unknown };
    return typeof version === 'string' ? version : '';
  } catch {
    return '';
  }
}
