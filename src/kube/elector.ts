import { kinds } from '../api/kinds.ts';
import type { KubeObject } from '../api/objects.ts';
import { type Clock, sleep } from '../ports/clock.ts';
import type { JsonPatchOp } from '../api/json-patch.ts';
import { type Kube, KubeError, type ObjectRef, type Patch } from '../ports/kube.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';

export interface ElectorOptions {
  kube: Kube;
  clock: Clock;
  random: Random;
  log: Log;
  namespace: string;
  leaseName: string;
  /** Who we are; two processes must never have the same. */
  identity: string;
  onElected: () => void;
  /** Called at once when the Lease can no longer be counted on, before anybody else can hold it. */
  onLost: () => void;
  /** How long a Lease lasts without renewal, default 8 s; whole seconds. */
  leaseMs?: number;
  /** How often it is renewed, or tried for, default 2 s. */
  renewMs?: number;
}

export interface Elector {
  /** Whether the Lease is ours right now. True only while nobody else can have taken it. */
  isLeader(): boolean;
  /** Gives the Lease back, so that another can have it at once. Stop the leader's work first. */
  stop(): Promise<void>;
}

interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

interface Lease extends KubeObject {
  spec?: LeaseSpec;
}

/** A holder that says its Lease lasts longer than this is not believed. */
const longestBelievedMs = 60_000;

/** We stop leading after this part of our own Lease, so that clocks of unequal speed never give two leaders. */
const safePart = 0.75;

/**
 * Holds one Lease among several processes. Whether another's Lease has run out is judged by our own monotonic clock since its
 * record last changed, never by the times written in it; each write has the record's resourceVersion as its precondition.
 */
export function startElector(options: ElectorOptions): Elector {
  const candidate = new Candidate(options);
  const running = candidate.run();
  return {
    isLeader: () => candidate.isLeader(),
    async stop() {
      candidate.stop();
      await running;
      await candidate.release();
    },
  };
}

class Candidate {
  readonly #options: ElectorOptions;
  readonly #ref: ObjectRef;
  readonly #leaseMs: number;
  readonly #renewMs: number;
  readonly #stopping = new AbortController();
  /** Our own record as the server last gave it back; undefined when it must be read first. */
  #ours: Lease | undefined;
  /** The record as last read, and since when it has been like that. */
  #seen = '';
  #seenSince = 0;
  #leading = false;
  /** Until when our last renewal protects us; the rest of the Lease is a margin. */
  #safeUntil = 0;
  #cancelLoss: (() => void) | undefined;

  constructor(options: ElectorOptions) {
    this.#options = options;
    this.#ref = { kind: kinds.lease, namespace: options.namespace, name: options.leaseName };
    this.#leaseMs = options.leaseMs ?? 8_000;
    this.#renewMs = options.renewMs ?? 2_000;
  }

  isLeader(): boolean {
    return this.#leading && this.#options.clock.monotonic() < this.#safeUntil;
  }

  stop(): void {
    this.#stopping.abort();
  }

  async run(): Promise<void> {
    const { clock, random, log } = this.#options;
    const signal = this.#stopping.signal;
    while (!signal.aborted) {
      const startedAt = clock.monotonic();
      try {
        await this.#turn();
      } catch (error) {
        this.#ours = undefined;
        if (!isRace(error)) log.warn({ err: error, leading: this.#leading }, 'the Lease could not be read or written');
      }
      // Candidates spread out; the leader keeps its beat.
      const spread = this.#leading ? 1 : 1 + random.next() * 0.2;
      const restMs = startedAt + this.#renewMs * spread - clock.monotonic();
      await sleep(clock, Math.max(restMs, this.#renewMs / 10), signal);
    }
    this.#lose('stopping');
  }

  /** Empties the record if it is ours. What was sent before and arrives late fails on its resourceVersion. */
  async release(): Promise<void> {
    const { kube, log, clock, identity } = this.#options;
    for (let tries = 1; tries <= 2; tries++) {
      try {
        const lease = await this.#limited(kube.get<Lease>(this.#ref));
        if (lease?.spec?.holderIdentity !== identity) return;
        const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(clock.now()) };
        await this.#limited(kube.patch(this.#ref, conditionally(lease, spec)));
        return;
      } catch (error) {
        log.warn({ err: error, tries }, 'the Lease could not be given back; it runs out by itself');
      }
    }
  }

  async #turn(): Promise<void> {
    const { kube, clock, identity, namespace, leaseName } = this.#options;
    const lease = this.#ours ?? (await this.#limited(kube.get<Lease>(this.#ref)));
    if (lease !== undefined && lease !== this.#ours && !this.#isFree(lease))
      return this.#lose('somebody else holds it');
    if (this.#stopping.signal.aborted) return;
    const sentAt = clock.monotonic();
    const spec = this.#nextSpec(lease?.spec ?? {});
    const metadata = { name: leaseName, namespace };
    const write =
      lease === undefined
        ? kube.create<Lease>(kinds.lease, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec })
        : kube.patch<Lease>(this.#ref, conditionally(lease, spec));
    const answer = await this.#limited(write);
    if (answer.spec?.holderIdentity !== identity) throw new Error('the server changed the holder of the Lease');
    if (this.#stopping.signal.aborted) return;
    this.#ours = answer;
    this.#hold(sentAt + this.#leaseMs * safePart);
  }

  /** Whether we may write: nobody holds it, we do, or its holder has been silent for as long as it said. */
  #isFree(lease: Lease): boolean {
    const { clock, identity } = this.#options;
    const { holderIdentity, leaseDurationSeconds } = lease.spec ?? {};
    const record = JSON.stringify(lease.spec ?? {});
    if (record !== this.#seen) {
      this.#seen = record;
      this.#seenSince = clock.monotonic();
    }
    if (holderIdentity === undefined || holderIdentity === '' || holderIdentity === identity) return true;
    const saidMs = typeof leaseDurationSeconds === 'number' ? leaseDurationSeconds * 1000 : this.#leaseMs;
    return clock.monotonic() - this.#seenSince >= Math.min(saidMs, longestBelievedMs);
  }

  #nextSpec(old: LeaseSpec): LeaseSpec {
    const { clock, identity } = this.#options;
    const renewTime = microTime(clock.now());
    const leaseDurationSeconds = Math.max(1, Math.ceil(this.#leaseMs / 1000));
    const held = old.holderIdentity === identity;
    return {
      holderIdentity: identity,
      leaseDurationSeconds,
      acquireTime: held ? (old.acquireTime ?? renewTime) : renewTime,
      renewTime,
      leaseTransitions: (old.leaseTransitions ?? 0) + (held ? 0 : 1),
    };
  }

  #hold(safeUntil: number): void {
    const { clock, onElected } = this.#options;
    this.#cancelLoss?.();
    this.#cancelLoss = undefined;
    this.#safeUntil = safeUntil;
    const restMs = safeUntil - clock.monotonic();
    if (restMs <= 0) return this.#lose('its renewal took too long');
    this.#cancelLoss = clock.after(restMs, () => this.#lose('it could not be renewed in time'));
    if (this.#leading) return;
    this.#leading = true;
    this.#options.log.info({}, 'elected');
    this.#guarded(onElected);
  }

  #lose(why: string): void {
    this.#cancelLoss?.();
    this.#cancelLoss = undefined;
    if (!this.#leading) return;
    this.#leading = false;
    this.#options.log.warn({ why }, 'no longer the leader');
    this.#guarded(this.#options.onLost);
  }

  #guarded(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#options.log.error({ err: error }, 'the change of leader could not be handled');
    }
  }

  /** A request that hangs must not use up the Lease; should it arrive after all, its precondition judges it. */
  async #limited<T>(call: Promise<T>): Promise<T> {
    const limit = Promise.withResolvers<never>();
    const tooLate = () => limit.reject(new Error(`no answer about the Lease within ${this.#renewMs} ms`));
    const cancel = this.#options.clock.after(this.#renewMs, tooLate);
    call.catch(() => undefined);
    try {
      return await Promise.race([call, limit.promise]);
    } finally {
      cancel();
    }
  }
}

/** Losing a race for the Lease is how candidates find out; it is nothing to warn of. */
function isRace(error: unknown): boolean {
  return error instanceof KubeError && (error.reason === 'conflict' || error.reason === 'exists');
}

function conditionally(lease: Lease, spec: LeaseSpec): Patch {
  const ops: JsonPatchOp[] = [
    { op: 'replace', path: '/metadata/resourceVersion', value: lease.metadata.resourceVersion },
    { op: 'add', path: '/spec', value: spec },
  ];
  return { type: 'json', ops };
}

/** Kubernetes' MicroTime has six digits; three are refused. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
