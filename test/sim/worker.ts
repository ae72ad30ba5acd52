import { parentPort } from 'node:worker_threads';
import { type Task, perform } from './work.ts';

const port = parentPort;
if (port === null) throw new Error('this is a worker of main.ts: run npm run sim');

async function answer(task: Task): Promise<void> {
  port?.postMessage(await perform(task));
}

// What fails in here ends the worker, and that the run. One task comes at a time.
port.on('message', (task: Task) => void answer(task));
