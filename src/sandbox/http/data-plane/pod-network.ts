import { createServer, type Server } from 'node:net';
import { closed } from './pod-servers.ts';

/** Loopback networks that sandboxes may take, one each: 127.10.0.0/16 and up. */
const first = 10;
const last = 250;
/** The port (that of a kubelet) by which a network is held. */
const holdPort = 10_250;

/** A loopback network for the pods of one sandbox, held so that no other sandbox on the machine takes it. */
export interface PodNetwork {
  /** First two numbers of its addresses. */
  prefix: string;
  release(): Promise<void>;
}

/** Takes the first free network; rejects when loopback addresses besides 127.0.0.1 cannot be used or all networks are taken. */
export async function takePodNetwork(): Promise<PodNetwork> {
  for (let second = first; second <= last; second++) {
    const prefix = `127.${second}`;
    const holder = await hold(`${prefix}.255.254`);
    if (holder) return { prefix, release: () => closed(holder) };
  }
  throw new Error(
    `all loopback networks 127.${first}.0.0 to 127.${last}.0.0 are held by other sandboxes: stop one of them`,
  );
}

/** @returns undefined when another process has the address */
function hold(host: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else
        reject(
          new Error(
            `pods need addresses such as ${host} on the loopback interface, as Linux has them: ${error.message}`,
          ),
        );
    });
    server.listen(holdPort, host, () => resolve(server));
  });
}
