import { createServer, type ListenOptions, type Server } from 'node:net';
import { closed } from './pod-servers.ts';

/** Loopback networks that sandboxes may take, one each: 127.10.0.0/16 and up. */
const first = 10;
const last = 250;

/** A loopback network for the pods of one sandbox, held so that no other sandbox on the machine takes it. */
export interface PodNetwork {
  /** First two numbers of its addresses. */
  prefix: string;
  release(): Promise<void>;
}

/** Takes the first free network; rejects when loopback addresses besides 127.0.0.1 cannot be used or all networks are taken. */
export async function takePodNetwork(): Promise<PodNetwork> {
  await probe(`127.${first}.255.254`);
  for (let second = first; second <= last; second++) {
    const prefix = `127.${second}`;
    const holder = await hold(prefix);
    if (holder) return { prefix, release: () => closed(holder) };
  }
  throw new Error(
    `all loopback networks 127.${first}.0.0 to 127.${last}.0.0 are held by other sandboxes: stop one of them`,
  );
}

/** @returns undefined when another process holds the network */
async function hold(prefix: string): Promise<Server | undefined> {
  try {
    // An abstract socket is in nobody's way and goes with its process, however that ends.
    return await listening({ path: `\0linnet-sandbox-${prefix}` });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
}

async function probe(host: string): Promise<void> {
  try {
    await closed(await listening({ host, port: 0 }));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`pods need addresses such as ${host} on the loopback interface, as Linux has them: ${why}`, {
      cause: error,
    });
  }
}

function listening(where: ListenOptions): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => resolve(server));
  });
}
