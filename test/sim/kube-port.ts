import type { Kind } from '../../src/api/kinds.ts';
import { fieldManager } from '../../src/api/names.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import { type Call, refusal, unknownResult } from '../../src/kube/errors.ts';
import type { Kube, KubeError, ObjectRef } from '../../src/ports/kube.ts';
import { ApiError, type StorePatch } from '../../src/sandbox/world/types.ts';
import type { Chance } from './chance.ts';
import type { History } from './history.ts';
import type { CallFaults, CrashPoint } from './options.ts';
import type { Schedule } from './schedule.ts';
import type { World } from './world.ts';

/** After this a caller has had enough. */
const timeoutMs = 2_000;

/** What a port needs of the life that uses it. */
export interface Life {
  readonly id: string;
  /** Whether this life still goes on: what comes after its end is never told. */
  alive(): boolean;
  /** Ends it. */
  die(why: string): void;
  /** Takes in the answer to a write. */
  noteWrite(object: KubeObject): void;
}

/** What all replicas' calls have in common. */
export interface Network {
  world: World;
  schedule: Schedule;
  history: History;
  chance: Chance;
  /** Faults at present; none at the end of a simulation. */
  faults: CallFaults;
  /** Calls so far, over all replicas. */
  calls: number;
  crashAt: { call: number; point: CrashPoint } | undefined;
}

/** The Kubernetes API as one life of one replica meets it: late, lost, refused, and with its own death at any point. */
export function createKubePort(network: Network, life: Life): Kube {
  const { world, schedule, history, chance } = network;
  const { store } = world;

  function latency(): number {
    if (!chance.happens(network.faults.slow)) return chance.between(1, 12);
    return chance.between(100, 1_500);
  }

  function carryOut<T>(call: Call, sentAtMs: number, effect: () => T): { value: T } | { error: KubeError } {
    history.writer = { engine: true, replica: life.id, sentAtMs };
    try {
      return { value: effect() };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { code } = error.status;
      return { error: refusal(call, code, JSON.stringify(error.status), code === 429 ? '1' : undefined) };
    } finally {
      history.writer = { engine: false };
    }
  }

  /** What the network or the server do instead of carrying the call out. */
  function refused(call: Call): KubeError | undefined {
    if (call.verb !== 'get' && call.verb !== 'list' && chance.happens(network.faults.conflict)) {
      return refusal(call, 409, 'simulated conflict', undefined);
    }
    if (!chance.happens(network.faults.error)) return undefined;
    return chance.happens(0.5)
      ? refusal(call, 500, 'simulated error', undefined)
      : refusal(call, 429, 'simulated throttling', '1');
  }

  function send<T>(call: Call, effect: () => T): Promise<T> {
    const number = ++network.calls;
    const sentAtMs = schedule.nowMs;
    const label = `${life.id} ${call.verb} ${call.kind} #${number}`;
    const dies = (point: CrashPoint) => {
      const planned = network.crashAt?.call === number && network.crashAt.point === point;
      if (!planned && !chance.happens(network.faults.crash / 3)) return false;
      life.die(`${label} ${point}`);
      return true;
    };
    return new Promise<T>((resolve, reject) => {
      const giveUp = (why: string) =>
        schedule.at(Math.max(0, sentAtMs + timeoutMs - schedule.nowMs), `${label} ${why}`, () => {
          if (life.alive()) reject(unknownResult(call, `simulated: ${why}`));
        });
      const late = chance.happens(network.faults.late);
      if (late) giveUp('late');
      schedule.at(late ? timeoutMs + chance.between(1, 1_500) : latency(), label, () => {
        // What a dead process had sent may still arrive, or not.
        if (!life.alive() && chance.happens(0.5)) return;
        if (life.alive() && dies('before')) return;
        if (chance.happens(network.faults.loseRequest)) return void (late || giveUp('request lost'));
        const refusalOf = refused(call);
        const outcome = refusalOf === undefined ? carryOut(call, sentAtMs, effect) : { error: refusalOf };
        if (late || !life.alive() || dies('after')) return;
        if (chance.happens(network.faults.loseReply)) return void giveUp('answer lost');
        schedule.at(latency(), `${label} answered`, () => {
          if (!life.alive()) return;
          if ('error' in outcome) reject(outcome.error);
          else resolve(outcome.value);
          // It dies when it has taken the answer in and sent what comes next.
          schedule.at(0, `${label} taken in`, () => void (life.alive() && dies('afterReply')));
        });
      });
    });
  }

  async function write<T extends KubeObject>(call: Call, effect: () => KubeObject): Promise<T> {
    const object = (await send(call, effect)) as T;
    life.noteWrite(object);
    return object;
  }

  return {
    get: <T extends KubeObject>(ref: ObjectRef) =>
      send(callOf('get', ref), () => {
        try {
          return store.get(ref) as T;
        } catch (error) {
          if (error instanceof ApiError && error.status.code === 404) return undefined;
          throw error;
        }
      }),
    list: <T extends KubeObject>(kind: Kind, namespace?: string, labelSelector?: string) =>
      send({ verb: 'list', kind: kind.kind, namespace }, () => {
        const selection = { ...(namespace && { namespace }), ...(labelSelector && { labelSelector }) };
        return store.list(kind, selection).items as T[];
      }),
    create: (kind, object) =>
      write({ verb: 'create', kind: kind.kind, ...placeOf(object) }, () =>
        store.create(kind, object, { fieldManager }),
      ),
    patch: (ref, patch, subresource) => {
      const tests = patch.type === 'json' && patch.ops.some(({ op }) => op === 'test');
      const { force, ...sentOnly } = { ...patch, force: patch.type === 'apply' && patch.force === true };
      const options = { fieldManager, force, ...(subresource && { subresource }) };
      const sent: StorePatch = sentOnly;
      return write({ ...callOf('patch', ref), tests }, () => store.patch(ref, sent, options).object);
    },
    delete: (ref, preconditions) =>
      send(callOf('delete', ref), () => {
        try {
          store.delete(ref, { preconditions: { ...preconditions }, propagationPolicy: 'Background' });
        } catch (error) {
          if (!(error instanceof ApiError && error.status.code === 404)) throw error;
        }
      }),
  };
}

function callOf(verb: Call['verb'], { kind, namespace, name }: ObjectRef): Call {
  return { verb, kind: kind.kind, namespace, name };
}

function placeOf({ metadata }: KubeObject): { namespace?: string | undefined; name: string } {
  return { namespace: metadata.namespace, name: metadata.name };
}
