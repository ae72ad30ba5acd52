import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { kinds } from '../../src/api/kinds.ts';
import type { Fault } from '../../src/sandbox/http/api-server/faults.ts';
import type { ApiRequest } from '../../src/sandbox/http/api-server/api-request.ts';
import { type Stand, openStand } from './stand.ts';

/** The engine as a process of its own, started as a user starts it. */
export interface EngineProcess {
  pid: number;
  /** Lines of its log, JSON each. */
  lines: string[];
  /** Sends a signal; nothing happens when the process is gone. */
  signal(name: NodeJS.Signals): void;
  ended: Promise<unknown>;
}

export function startProcess(stand: Stand): EngineProcess {
  const bin = join(import.meta.dirname, '../../bin/linnet');
  const flags = ['--kubeconfig', stand.kubeconfigPath, '--prometheus', stand.sandbox.prometheusUrl];
  const child: ChildProcess = spawn(
    bin,
    ['controller', ...flags, '--address', '127.0.0.1', '--port', '0', '--check-period', '1s'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => lines.push(...chunk.toString().trimEnd().split('\n')));
  }
  return {
    pid: child.pid ?? 0,
    lines,
    signal: (name) => void (child.exitCode === null && child.signalCode === null && child.kill(name)),
    ended: once(child, 'exit'),
  };
}

/** A call to the API server at which the engine is killed. */
export interface KillPoint {
  at: string;
  /** `before`: the call is not carried out · `after`: it is, and nobody hears of it. */
  when: 'before' | 'after';
  is(request: ApiRequest): boolean;
}

export interface KillStand {
  stand: Stand;
  /** The points at which the engine was killed, in order. */
  killed: string[];
  /** Every engine so far, the present one last. */
  engines: EngineProcess[];
  start(): void;
  close(): Promise<void>;
}

/** A stand whose engine is killed by SIGKILL at each of these points in turn, and started again. */
export async function openKillStand(points: (stand: () => Stand) => KillPoint[]): Promise<KillStand> {
  const killed: string[] = [];
  const engines: EngineProcess[] = [];
  const planned = points(() => stand);
  let closing = false;
  const start = () => {
    const engine = startProcess(stand);
    engines.push(engine);
    void engine.ended.then(() => {
      if (closing) return;
      // As if the dead engine's Lease had run out: that takes 8 s, and is tested elsewhere.
      stand.sandbox.store.delete({ kind: kinds.lease, namespace: 'default', name: 'linnet' });
      start();
    });
  };
  const meet = (when: KillPoint['when'], request: ApiRequest): Fault | undefined => {
    const point = planned[killed.length];
    if (point === undefined || point.when !== when || !point.is(request)) return undefined;
    killed.push(point.at);
    engines.at(-1)?.signal('SIGKILL');
    return { hang: true };
  };
  const stand = await openStand({
    api: { intercept: (request) => meet('before', request), afterWrite: (request) => meet('after', request) },
  });
  return {
    stand,
    killed,
    engines,
    start,
    async close() {
      closing = true;
      engines.at(-1)?.signal('SIGKILL');
      await Promise.all(engines.map((engine) => engine.ended));
      await stand.close();
    },
  };
}
