import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { Clock } from '../../../ports/clock.ts';
import type { Log } from '../../../ports/log.ts';
import type { PodRuntime } from '../../world/workloads/kubelet.ts';
import type { RunningPod } from '../../world/workloads/running-pod.ts';

/** Longer than a gateway keeps an idle connection, so that a pod closes none under a request. */
const keepAliveMs = 60_000;
/** A port that this user may not have, or that something else has on all addresses. */
const movable = new Set(['EACCES', 'EADDRINUSE']);

/** The HTTP servers of pods, each on its pod's own loopback address. */
export interface PodServers extends PodRuntime {
  /** Where a pod's port really listens: elsewhere when the machine does not let it have that port. */
  portOf(ip: string, port: number): number;
  close(): Promise<void>;
}

export function createPodServers(clock: Clock, log?: Log): PodServers {
  const servers = new Map<string, Server[]>();
  const moved = new Map<string, number>();

  const listen = (pod: RunningPod, port: number, at: number): Promise<Server> => {
    const server = createServer({ keepAliveTimeout: keepAliveMs, requestTimeout: 0 }, (request, response) => {
      // A pod that is stopping answers what it was asked and then hangs up.
      const isLast = () => !server.listening;
      answer({ clock, pod, isLast }, request, response);
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(at, pod.ip, () => {
        if (at !== port) moved.set(`${pod.ip}:${port}`, (server.address() as AddressInfo).port);
        resolve(server);
      });
    });
  };
  const open = async (pod: RunningPod, port: number): Promise<Server> => {
    try {
      return await listen(pod, port, port);
    } catch (error) {
      if (!movable.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      return await listen(pod, port, 0);
    }
  };
  const start = async (pod: RunningPod, listening: () => void): Promise<void> => {
    const opened: Server[] = [];
    servers.set(pod.uid, opened);
    for (const port of pod.ports) {
      const server = await open(pod, port);
      // The pod may have been stopped while its port was being opened.
      if (servers.get(pod.uid) === opened) opened.push(server);
      else server.close();
    }
    if (servers.get(pod.uid) === opened) listening();
  };
  const take = (pod: RunningPod): Server[] => {
    const taken = servers.get(pod.uid) ?? [];
    servers.delete(pod.uid);
    return taken;
  };
  return {
    start(pod, listening) {
      start(pod, listening).catch((error: unknown) => {
        const fields = { err: error, pod: `${pod.namespace}/${pod.name}`, ip: pod.ip };
        log?.error(fields, 'the server of a pod of the sandbox could not listen: the pod stays unready');
      });
    },
    stop(pod, graceMs, stopped) {
      const taken = take(pod);
      const cancel = clock.after(graceMs, () => taken.forEach((server) => server.closeAllConnections()));
      void Promise.all(taken.map(closed)).then(() => {
        cancel();
        for (const port of pod.ports) moved.delete(`${pod.ip}:${port}`);
        stopped();
      });
    },
    portOf: (ip, port) => moved.get(`${ip}:${port}`) ?? port,
    async close() {
      const all = [...servers.values()].flat();
      servers.clear();
      await Promise.all(all.map((server) => closeNow(server)));
    },
  };
}

/** Resolves when the server has answered what it was asked and has closed; idle connections are closed at once. */
export function closed(server: NetServer): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Closes a server and cuts its connections. */
export function closeNow(server: Server): Promise<void> {
  const done = closed(server);
  server.closeAllConnections();
  return done;
}

function answer(
  { clock, pod, isLast }: { clock: Clock; pod: RunningPod; isLast: () => boolean },
  request: IncomingMessage,
  response: ServerResponse,
): void {
  request.resume();
  if (request.url === '/metrics') {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(pod.metrics());
    return;
  }
  const started = clock.monotonic();
  const next = pod.answer();
  if (next.hang) return;
  const send = () => {
    const body = JSON.stringify({ version: pod.behaviour.version, pod: pod.name });
    if (isLast()) response.setHeader('connection', 'close');
    response.writeHead(next.code, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
    pod.count(request.method ?? 'GET', next.code, clock.monotonic() - started);
  };
  if (next.delayMs === 0) return send();
  const cancel = clock.after(next.delayMs, send);
  response.once('close', cancel);
}
