import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { TestSeries } from './data.ts';

const PROMETHEUS = '/usr/bin/prometheus';
const PROMTOOL = '/usr/bin/promtool';
const READY_LIMIT_MS = 30_000;

/** A Prometheus of the machine, running on loopback. */
export interface RealPrometheus {
  url: string;
  stop(): Promise<void>;
}

/** Starts Debian's Prometheus on the data given, in a folder of its own. Rejects with what to install where there is none. */
export async function startRealPrometheus(data: readonly TestSeries[]): Promise<RealPrometheus> {
  if (!existsSync(PROMETHEUS) || !existsSync(PROMTOOL)) {
    throw new Error(`${PROMETHEUS} and ${PROMTOOL} are needed: apt-get install -y --no-install-recommends prometheus`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'linnet-prometheus-'));
  backfill(folder, data);
  writeFileSync(join(folder, 'prometheus.yml'), '{}\n');
  const port = await freePort();
  const child = spawn(
    PROMETHEUS,
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  if (await becomesReady(url, () => child.exitCode !== null)) return { url, stop };
  await stop();
  throw new Error(`Prometheus did not become ready within ${READY_LIMIT_MS} ms:\n${log}`);
}

function backfill(folder: string, data: readonly TestSeries[]): void {
  const file = join(folder, 'data.om');
  writeFileSync(file, openMetrics(data));
  const { status, stderr, stdout } = spawnSync(
    PROMTOOL,
    ['tsdb', 'create-blocks-from', 'openmetrics', file, join(folder, 'data')],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`promtool could not read the data: ${stderr}${stdout}`);
}

function openMetrics(data: readonly TestSeries[]): string {
  const lines = data.flatMap(({ labels: { __name__: name, ...labels }, points }) => {
    const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
    return points.map(({ atMs, value }) => `${name}{${pairs.join(',')}} ${spelled(value)} ${(atMs / 1000).toFixed(3)}`);
  });
  return `${lines.join('\n')}\n# EOF\n`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function spelled(value: number): string {
  return Number.isFinite(value) || Number.isNaN(value) ? String(value) : value > 0 ? '+Inf' : '-Inf';
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function becomesReady(url: string, ended: () => boolean): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < READY_LIMIT_MS && !ended(); waitedMs += 100) {
    const ready = await fetch(`${url}/-/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return true;
    await wait(100);
  }
  return false;
}
