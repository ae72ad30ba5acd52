import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const linnet = join(import.meta.dirname, '../../bin/linnet');

/** A running `bin/linnet`. */
export interface LinnetProcess {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves with its exit code, or the signal that ended it. */
  ended: Promise<number | string>;
  /** The first whole line on standard output that meets the condition; rejects when the process ends before. */
  line(meets?: (line: string) => boolean): Promise<string>;
}

/** Starts `bin/linnet`; nothing of the test's environment reaches it but what is named. */
export function startLinnet(args: string[], env: Record<string, string> = {}): LinnetProcess {
  const child = spawn(linnet, args, {
    env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? ''));
  });
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    async line(meets = () => true) {
      const find = () => stdout.split('\n').slice(0, -1).find(meets);
      let over: number | string | undefined;
      void ended.then((code) => (over = code));
      for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
        const found = find();
        if (found !== undefined) return found;
        if (over !== undefined) break;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error(`no such line (ended: ${over ?? 'no'}).\nstdout: ${stdout}\nstderr: ${stderr}`);
    },
  };
}

/** Runs `bin/linnet` to its end. */
export async function runLinnet(args: string[], env: Record<string, string> = {}) {
  const { ended, stdout, stderr } = startLinnet(args, env);
  return { code: await ended, stdout: stdout(), stderr: stderr() };
}
