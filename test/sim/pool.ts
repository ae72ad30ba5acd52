import { Worker } from 'node:worker_threads';
import type { Done, Task } from './work.ts';

/** Does all tasks, on so many workers at the same time. Rejects when a worker fails. */
export async function doAll(tasks: Task[], workers: number, onDone: (done: Done) => void): Promise<void> {
  let next = 0;
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(new URL('worker.ts', import.meta.url));
      const give = () => {
        const task = tasks[next++];
        if (task !== undefined) return worker.postMessage(task);
        void worker.terminate().then(() => resolve());
      };
      worker.on('message', (done: Done) => {
        onDone(done);
        give();
      });
      worker.on('error', reject);
      give();
    });
  await Promise.all(Array.from({ length: Math.min(workers, tasks.length) }, one));
}
