import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const launcher = join(import.meta.dirname, '../../bin/linnet');
const stopLimitMs = 15_000;

/** What the engine says of itself. */
export interface EngineNumbers {
  /** User and system time since its start. */
  cpuSeconds: number;
  /** 99th percentile since the last reading, the timer's own 10 ms included. */
  eventLoopDelayP99Ms: number;
  /** Runs of the loop since its start. */
  runs: number;
  failedRuns: number;
  /** Answers of the API server that were no success, by verb, kind and code; 409 means that somebody else was faster. */
  refusals: Record<string, number>;
}

/** The engine as a process of its own, so that its CPU time and memory are its own. */
export interface EngineProcess {
  read(): Promise<EngineNumbers>;
  /** The most memory that it has held so far. */
  rssMaxMiB(): number;
  /** Warnings and errors in its log. */
  complaints: string[];
  stop(): Promise<void>;
}

/** Starts `linnet controller` and resolves when it has said that it is up. */
export async function startEngineProcess(options: { kubeconfig: string; prometheus: string }): Promise<EngineProcess> {
  const { kubeconfig, prometheus } = options;
  const address = ['--address', '127.0.0.1', '--port', '0'];
  const child = spawn(launcher, ['controller', '--kubeconfig', kubeconfig, '--prometheus', prometheus, ...address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const complaints: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the engine ended with ${code} before it was up`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const entry = JSON.parse(line) as { level: string; msg: string; address?: string };
      if (entry.address !== undefined) resolve(entry.address);
      if (entry.level !== 'info' && entry.level !== 'debug') complaints.push(line);
    });
  });
  return {
    read: async () => numbersOf(await (await fetch(`${url}/metrics`)).text()),
    rssMaxMiB: () => Math.round(peakKiB(child) / 1024),
    complaints,
    async stop() {
      if (child.exitCode !== null) return;
      const ended = once(child, 'exit', { signal: AbortSignal.timeout(stopLimitMs) });
      child.kill('SIGTERM');
      await ended.catch(() => child.kill('SIGKILL'));
    },
  };
}

function numbersOf(text: string): EngineNumbers {
  const samples = text.split('\n').filter((line) => !line.startsWith('#'));
  const sum = (name: string, label = '') =>
    samples
      .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(label))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);
  return {
    cpuSeconds: sum('linnet_process_cpu_seconds_total'),
    eventLoopDelayP99Ms: Math.round(sum('linnet_nodejs_eventloop_lag_p99_seconds') * 1000),
    runs: sum('linnet_reconciles_total'),
    failedRuns: sum('linnet_reconciles_total', 'result="error"'),
    refusals: refusalsIn(samples),
  };
}

function refusalsIn(samples: string[]): Record<string, number> {
  const line = /^linnet_kube_requests_total\{verb="(\w+)",kind="(\w+)",code="(\d+)"\} (\d+)$/;
  const found = samples.flatMap((sample) => {
    const [, verb, kind, code, count] = line.exec(sample) ?? [];
    return code === undefined || code.startsWith('2') || kind === 'Lease' ? [] : [[`${verb} ${kind} ${code}`, count]];
  });
  return Object.fromEntries(found.map(([what, count]) => [what, Number(count)]));
}

function peakKiB({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN);
}
