import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../../ports/clock.ts';
import type { Log } from '../../../ports/log.ts';
import type { DataPlane } from '../../world/gateway/data-plane.ts';
import type { SocketHost } from '../../world/gateway/planes.ts';
import type { TrafficMetrics } from '../../world/gateway/traffic-metrics.ts';
import { forward, type ForwardDeps, sendText } from './forward.ts';
import { closeNow } from './pod-servers.ts';

export interface GatewaySocketsOptions {
  clock: Clock;
  metrics: TrafficMetrics;
  portOf: ForwardDeps['portOf'];
  /** Port of the first listener of the first Gateway; all others take free ones. */
  gatewayPort?: number | undefined;
  log?: Log | undefined;
}

/** The listeners of Gateways and mesh clients on 127.0.0.1. */
export interface GatewaySockets extends SocketHost {
  closeAll(): Promise<void>;
}

export function createGatewaySockets(options: GatewaySocketsOptions): GatewaySockets {
  const { clock, metrics, portOf, log } = options;
  const servers = new Map<string, Server>();
  const agent = new Agent({ keepAlive: true });
  let wish = options.gatewayPort;

  const serverFor = (plane: DataPlane, port: number) =>
    createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, (incoming, outgoing) =>
      answer({ plane, port }, incoming, outgoing, { clock, agent, metrics, portOf }),
    );
  const listen = (server: Server, port: number, bound: (address: string) => void) => {
    server.listen(port, '127.0.0.1', () => bound(`127.0.0.1:${(server.address() as AddressInfo).port}`));
  };
  return {
    open(plane, port, bound) {
      const server = serverFor(plane, port);
      servers.set(`${plane.key} ${port}`, server);
      const wanted = plane.kind === 'gateway' ? (wish ?? 0) : 0;
      if (plane.kind === 'gateway') wish = undefined;
      server.on('error', (error) => {
        log?.warn(
          { err: error, plane: plane.key, port: wanted },
          'a listener could not be opened on its port and takes a free one',
        );
        if (!server.listening) listen(server, 0, bound);
      });
      listen(server, wanted, bound);
    },
    close(plane, port) {
      const key = `${plane.key} ${port}`;
      const server = servers.get(key);
      servers.delete(key);
      if (server) void closeNow(server);
    },
    async closeAll() {
      const all = [...servers.values()];
      servers.clear();
      agent.destroy();
      await Promise.all(all.map(closeNow));
    },
  };
}

function answer(
  socket: { plane: DataPlane; port: number },
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  deps: ForwardDeps,
): void {
  const started = deps.clock.monotonic();
  const host = (incoming.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  const decision = socket.plane.decide(socket.port, {
    method: incoming.method ?? 'GET',
    host,
    target: incoming.url ?? '/',
    headers: incoming.headers,
  });
  if (decision.kind === 'forward') return forward(decision, incoming, outgoing, deps);
  incoming.resume();
  deps.metrics.count(decision.exchange, {
    code: decision.code,
    flag: decision.flag,
    durationMs: deps.clock.monotonic() - started,
  });
  sendText(outgoing, decision.code, decision.message, decision.location ? { location: decision.location } : {});
}
