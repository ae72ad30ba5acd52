import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { kubeconfigFor } from '../../src/sandbox/http/kubeconfig.ts';
import { type LinnetProcess, runLinnet, startLinnet } from './process.ts';

interface Ready {
  kubeconfig: string;
  prometheus: string;
  gateways: Record<string, string>;
}

const running: LinnetProcess[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    // Not SIGKILL: it removes the temporary files that it made.
    child.kill('SIGTERM');
    await ended;
  }
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

function started(args: string[], env?: Record<string, string>): LinnetProcess {
  const process = startLinnet(args, env);
  running.push(process);
  return process;
}

async function ownFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'linnet-cli-test-'));
  folders.push(folder);
  return folder;
}

async function startSandbox(...flags: string[]): Promise<LinnetProcess & { ready: Ready; apiUrl: string }> {
  const sandbox = started(['sandbox', ...flags]);
  const ready = JSON.parse(await sandbox.line()) as Ready;
  const config = parse(await readFile(ready.kubeconfig, 'utf8')) as { clusters: { cluster: { server: string } }[] };
  return { ...sandbox, ready, apiUrl: config.clusters[0]?.cluster.server ?? '' };
}

/** Starts an engine and gives the address of its health port, as its log says it. */
async function startController(kubeconfig: string, prometheus: string): Promise<LinnetProcess & { address: string }> {
  const flags = [
    '--kubeconfig',
    kubeconfig,
    '--prometheus',
    prometheus,
    '--address',
    '127.0.0.1',
    '--lease-name',
    'engine',
  ];
  const controller = started(['controller', ...flags], { LINNET_PORT: '0' });
  const line = await controller.line((text) => text.includes('"msg":"started"'));
  return { ...controller, address: (JSON.parse(line) as { address: string }).address };
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not within 30 s: ${what}`);
}

async function get(url: string): Promise<{ code: number; text: string }> {
  const response = await fetch(url);
  return { code: response.status, text: await response.text() };
}

describe('linnet sandbox', () => {
  test('prints one line of JSON when it is ready, serves what the line names, and leaves nothing behind on SIGTERM', async () => {
    const sandbox = await startSandbox();
    expect(Object.keys(sandbox.ready)).toEqual(['kubeconfig', 'prometheus', 'gateways']);
    expect((await get(`${sandbox.apiUrl}/apis/linnet.dev/v1beta1/canaries`)).code).toBe(200);
    expect((await get(`${sandbox.ready.prometheus}/api/v1/query?query=up`)).code).toBe(200);
    expect((await get(sandbox.ready.gateways['default/web'] ?? '')).code).toBe(404);
    sandbox.child.kill('SIGTERM');
    expect(await sandbox.ended).toBe(0);
    expect(sandbox.stdout().split('\n')).toHaveLength(2);
    expect(sandbox.stderr()).toBe('');
    expect(existsSync(sandbox.ready.kubeconfig)).toBe(false);
  });

  test('writes its kubeconfig where it is told, also over that of an earlier sandbox, and leaves it there', async () => {
    const path = join(await ownFolder(), 'kubeconfig');
    await writeFile(path, kubeconfigFor('http://127.0.0.1:1'));
    const sandbox = await startSandbox('--kubeconfig', path);
    expect(sandbox.ready.kubeconfig).toBe(path);
    expect(sandbox.apiUrl).not.toBe('http://127.0.0.1:1');
    sandbox.child.kill('SIGINT');
    expect(await sandbox.ended).toBe(0);
    expect(existsSync(path)).toBe(true);
  });

  test('does not overwrite a kubeconfig that is not a sandbox', async () => {
    const path = join(await ownFolder(), 'config');
    await writeFile(path, 'apiVersion: v1\nkind: Config\ncurrent-context: production\n');
    const { code, stdout, stderr } = await runLinnet(['sandbox', '--kubeconfig', path]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toBe(
      `linnet: --kubeconfig ${path}: there is a file that is not a sandbox's; name another, or remove it\n`,
    );
    expect(await readFile(path, 'utf8')).toContain('production');
  });

  test('ends with one line and code 1 when a port that it was told is taken', async () => {
    const first = await startSandbox();
    const { port } = new URL(first.apiUrl);
    const { code, stderr } = await runLinnet(['sandbox', '--port', port]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^linnet: the sandbox could not start: .*EADDRINUSE.*\n$/);
  });
});

describe('linnet controller', () => {
  test('leads, is healthy and ready, counts what it does, and on SIGTERM gives the Lease back and ends with 0', async () => {
    const sandbox = await startSandbox();
    const controller = await startController(sandbox.ready.kubeconfig, sandbox.ready.prometheus);
    await until('ready', async () => (await get(`${controller.address}/readyz`)).code === 200);
    await controller.line((text) => text.includes('"msg":"elected"'));
    expect((await get(`${controller.address}/healthz`)).code).toBe(200);
    const { text } = await get(`${controller.address}/metrics`);
    expect(text).toContain('linnet_leader 1\n');
    expect(text).toContain('linnet_kube_requests_total{verb="list",kind="Canary",code="200"} 1\n');
    controller.child.kill('SIGTERM');
    expect(await controller.ended).toBe(0);
    expect(controller.stderr()).toBe('');
    const lines = controller
      .stdout()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.at(-1)).toMatchObject({ level: 'info', msg: 'stopped' });
    for (const line of lines) expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const lease = await get(`${sandbox.apiUrl}/apis/coordination.k8s.io/v1/namespaces/default/leases/engine`);
    expect(JSON.parse(lease.text)).toMatchObject({ spec: { holderIdentity: '' } });
  });

  test('is alive but not ready, and says why, while no API server answers; it still stops cleanly', async () => {
    const path = join(await ownFolder(), 'kubeconfig');
    await writeFile(path, kubeconfigFor('http://127.0.0.1:1'));
    const controller = await startController(path, 'http://127.0.0.1:1');
    expect((await get(`${controller.address}/healthz`)).code).toBe(200);
    const { code, text } = await get(`${controller.address}/readyz`);
    expect(code).toBe(503);
    expect(text).toMatch(/^Canary: not listed yet/);
    const started = Date.now();
    controller.child.kill('SIGINT');
    expect(await controller.ended).toBe(0);
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  test('ends at once, with 1, on a second signal while it is still stopping', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const path = join(await ownFolder(), 'kubeconfig');
    await writeFile(path, kubeconfigFor(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`));
    const controller = await startController(path, 'http://127.0.0.1:1');
    controller.child.kill('SIGTERM');
    await controller.line((text) => text.includes('"msg":"stopping"'));
    await new Promise((resolve) => setTimeout(resolve, 700));
    controller.child.kill('SIGTERM');
    expect(await controller.ended).toBe(1);
    expect(controller.stdout()).not.toContain('"msg":"stopped"');
    silent.closeAllConnections();
    silent.close();
  });
});
