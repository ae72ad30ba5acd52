import type { Kind } from '../api/kinds.ts';
import { sleep } from '../ports/clock.ts';
import { KubeError } from '../ports/kube.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import type { Wire } from './exchange.ts';
import { listAll } from './list.ts';
import { isNewer, newerOf, versionOf } from './resource-version.ts';
import type { Shelf } from './shelf.ts';
import { CannotResume, type WatchLine, watchLines } from './watch-stream.ts';

/** How long things may take; the defaults suit a real cluster. */
export interface WatchTimes {
  /** Limit of a list's page. */
  listTimeoutMs: number;
  /** Streams are asked to end after this long, less up to a quarter of it. */
  streamMs: number;
  /** A stream without a byte for so long is dead. Longer than `streamMs`, or healthy quiet streams are cut. */
  silenceMs: number;
  /** All objects are listed anew this often, give or take a tenth. */
  relistMs: number;
  /** First and longest wait after a failure; each is drawn from the upper half. */
  firstRetryMs: number;
  longestRetryMs: number;
  /** Longest wait where the server refuses us, or does not know the kind. */
  longestRefusedRetryMs: number;
}

export const defaultTimes: WatchTimes = {
  listTimeoutMs: 10_000,
  // Short, since a server sends a bookmark just before the end: so even a quiet kind's version stays fresh enough to resume.
  streamMs: 28_000,
  silenceMs: 30_000,
  relistMs: 600_000,
  firstRetryMs: 200,
  longestRetryMs: 4_000,
  longestRefusedRetryMs: 10_000,
};

/** A server that asks for more time than this is asked again sooner. */
const longestAskedMs = 60_000;

export interface ReflectorOptions {
  wire: Wire;
  random: Random;
  log: Log;
  kind: Kind;
  namespace: string | undefined;
  shelf: Shelf;
  times: WatchTimes;
}

/** How one watch is doing. `absent`: the server does not know the kind. */
export interface WatchHealth {
  kind: string;
  namespace?: string;
  state: 'starting' | 'live' | 'absent';
  /** Milliseconds since the server last said something useful about this kind. */
  lagMs: number;
  /** What went wrong last, as long as it has not gone right again. */
  problem?: string;
}

export interface Reflector {
  /** Resolves when the objects were listed once, or the server does not know the kind. Never rejects. */
  synced: Promise<void>;
  health(): WatchHealth;
  stop(): Promise<void>;
}

/** Keeps a shelf equal to the server's objects of one kind, by list and watch, whatever goes wrong, until it is stopped. */
export function startReflector(options: ReflectorOptions): Reflector {
  const loop = new Loop(options);
  const running = loop.run();
  return {
    synced: loop.synced.promise,
    health: () => loop.health(),
    async stop() {
      loop.stopping.abort(new Error('stopping'));
      await running;
    },
  };
}

class Loop {
  readonly stopping = new AbortController();
  readonly synced = Promise.withResolvers<void>();
  readonly #options: ReflectorOptions;
  readonly #log: Log;
  #state: WatchHealth['state'] = 'starting';
  #contactAt: number;
  #problem: string | undefined;
  #failures = 0;
  /** Version to watch from; undefined: list first. */
  #resumeAt: string | undefined;
  #relistAt = 0;

  constructor(options: ReflectorOptions) {
    const { kind, namespace } = options;
    this.#options = options;
    this.#log = options.log.child({ kind: kind.kind, ...(namespace === undefined ? {} : { namespace }) });
    this.#contactAt = this.#monotonic();
  }

  async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        if (this.#resumeAt === undefined || this.#monotonic() >= this.#relistAt) await this.#relist();
        await this.#follow();
      } catch (error) {
        if (!this.stopping.signal.aborted) await this.#recover(error);
      }
    }
  }

  health(): WatchHealth {
    const { kind, namespace } = this.#options;
    return {
      kind: kind.kind,
      ...(namespace === undefined ? {} : { namespace }),
      state: this.#state,
      lagMs: this.#monotonic() - this.#contactAt,
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
    };
  }

  async #relist(): Promise<void> {
    const { wire, random, kind, namespace, shelf, times } = this.#options;
    const before = shelf.newest;
    // Where this fails, the next turn goes on watching, if it can, and lists later.
    this.#relistAt = this.#monotonic() + times.streamMs;
    const stop = this.stopping.signal;
    const listing = await listAll(wire, kind, { namespace, timeoutMs: times.listTimeoutMs, stop });
    if (isNewer(before, listing.resourceVersion)) {
      throw new Error(
        `list ${kind.kind}: the answer is of version ${listing.resourceVersion}, but ${before} was seen already: ` +
          'the server lags, or was restored from a backup; in that case restart this process',
      );
    }
    shelf.replace(listing);
    this.#resumeAt = listing.resourceVersion;
    this.#relistAt = this.#monotonic() + times.relistMs * (0.9 + random.next() * 0.2);
    this.#state = 'live';
    this.#heard();
    this.synced.resolve();
  }

  /** One stream from its begin to its end. */
  async #follow(): Promise<void> {
    const { wire, random, kind, namespace, times } = this.#options;
    const startedAt = this.#monotonic();
    const options = {
      namespace,
      resourceVersion: this.#resumeAt ?? '0',
      timeoutSeconds: Math.max(1, Math.floor((times.streamMs / 1000) * (1 - random.next() / 4))),
      silenceMs: times.silenceMs,
      stop: this.stopping.signal,
    };
    let lines = 0;
    for await (const line of watchLines(wire, kind, options)) {
      this.#take(line);
      lines++;
      this.#failures = 0;
      this.#heard();
    }
    if (lines === 0 && this.#monotonic() - startedAt < 1_000) throw new Error('the stream ended as soon as it began');
    this.#failures = 0;
    this.#heard();
  }

  #take(line: WatchLine): void {
    const { shelf } = this.#options;
    try {
      if (line.type === 'put') shelf.put(line.object);
      if (line.type === 'removed') shelf.remove(line.object);
      this.#resumeAt = newerOf(versionOf(line.object), this.#resumeAt ?? '0');
    } catch (error) {
      throw new CannotResume(String(error), { cause: error });
    }
  }

  #heard(): void {
    this.#contactAt = this.#monotonic();
    if (this.#problem !== undefined) this.#log.info({}, 'the watch is back');
    this.#problem = undefined;
  }

  async #recover(error: unknown): Promise<void> {
    const reason = error instanceof KubeError ? error.reason : 'unknown';
    if (error instanceof CannotResume) this.#resumeAt = undefined;
    if (reason === 'notFound' && this.#options.shelf.empty) this.#becomeAbsent();
    this.#problem = error instanceof Error ? error.message : String(error);
    this.#failures++;
    // One line when it breaks and one when it is back; an outage in between is not worth one for each try.
    this.#log[this.#failures === 1 ? 'warn' : 'debug']({ err: error, failures: this.#failures }, 'the watch broke');
    await sleep(this.#options.wire.clock, this.#retryDelay(error, reason), this.stopping.signal);
  }

  /** A kind that the server does not know has no objects, and must not keep everything else waiting. */
  #becomeAbsent(): void {
    if (this.#state !== 'absent')
      this.#log.warn({}, 'the server does not know this kind; looking for it from time to time');
    this.#state = 'absent';
    this.#contactAt = this.#monotonic();
    this.synced.resolve();
  }

  #retryDelay(error: unknown, reason: string): number {
    const { times, random } = this.#options;
    const refused = reason === 'notFound' || reason === 'forbidden' || reason === 'unauthorized';
    const longestMs = refused ? times.longestRefusedRetryMs : times.longestRetryMs;
    const fullMs = Math.min(longestMs, times.firstRetryMs * 2 ** (this.#failures - 1));
    const askedMs = error instanceof KubeError ? Math.min(error.retryAfterMs ?? 0, longestAskedMs) : 0;
    return askedMs + fullMs / 2 + (random.next() * fullMs) / 2;
  }

  #monotonic(): number {
    return this.#options.wire.clock.monotonic();
  }
}
