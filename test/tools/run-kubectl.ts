import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { kubeconfigFor } from '../../src/sandbox/http/kubeconfig.ts';
import { kubectlPath } from './kubectl.ts';

/** A stock kubectl with a configuration, a cache and a folder of its own. */
export interface Kubectl {
  /** Runs it, `objects` as YAML on its standard input. Rejects with what it printed when it fails. @returns what it printed, both streams */
  run(args: string[], objects?: object[]): Promise<string>;
  /** Runs it with more environment variables. */
  runWith(env: Record<string, string>, args: string[]): Promise<string>;
  /** Starts it and goes on; `stop` ends it. */
  start(args: string[]): { output(): string; stop(): void };
  remove(): Promise<void>;
}

/** A kubectl for the API server at `url`; remove it after the test. */
export async function kubectlFor(url: string): Promise<Kubectl> {
  const path = await kubectlPath();
  const home = await mkdtemp(join(tmpdir(), 'linnet-kubectl-'));
  await writeFile(join(home, 'kubeconfig'), kubeconfigFor(url));
  const begin = (args: string[], env: Record<string, string> = {}) => {
    const own = { PATH: process.env.PATH ?? '', HOME: home, KUBECONFIG: join(home, 'kubeconfig') };
    const child = spawn(path, args, { cwd: home, env: { ...own, ...env } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => (output += chunk));
    }
    return { child, output: () => output };
  };
  const finish = ({ child, output }: ReturnType<typeof begin>, args: string[], input: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
      child.once('error', reject);
      child.once('close', (code) => {
        clearTimeout(timer);
        if (code === 0) resolve(output());
        else reject(new Error(`kubectl ${args.join(' ')} ended with ${code}: ${output()}`));
      });
      child.stdin.on('error', () => {});
      child.stdin.end(input);
    });
  return {
    run: (args, objects = []) => finish(begin(args), args, objects.map((object) => stringify(object)).join('---\n')),
    runWith: (env, args) => finish(begin(args, env), args, ''),
    start(args) {
      const { child, output } = begin(args);
      return { output, stop: () => child.kill('SIGTERM') };
    },
    remove: () => rm(home, { recursive: true, force: true }),
  };
}
