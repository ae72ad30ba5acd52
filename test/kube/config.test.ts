import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import { createKube } from '../../src/kube/client.ts';
import { loadKubeConfig } from '../../src/kube/config.ts';
import { createConnection } from '../../src/kube/connection.ts';
import { systemClock, systemRandom } from '../../src/system.ts';
import { startSandboxApi } from '../tools/sandbox-api.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const end of ends.splice(0).reverse()) await end();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'linnet-kubeconfig-'));
  ends.push(() => rmSync(path, { recursive: true }));
  return path;
}

function kubeconfig(server: string, user: object, name = 'test'): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  });
}

function kubeOf(file: string | undefined) {
  const connection = createConnection(() => loadKubeConfig(file), systemClock);
  ends.push(() => connection.close());
  return createKube({ connection, clock: systemClock, random: systemRandom });
}

async function serverWith(token: string): Promise<string> {
  const api = await startSandboxApi({ token });
  ends.push(() => api.close());
  return api.url;
}

test('a plain http server works without asking for TLS to be off', async () => {
  const file = join(folder(), 'config');
  writeFileSync(file, kubeconfig(await serverWith('first'), { token: 'first' }));
  expect(await kubeOf(file).list(kinds.deployment)).toEqual([]);
});

test('a server below a path is asked below that path', async () => {
  const file = join(folder(), 'config');
  const seen: string[] = [];
  const api = await startSandboxApi({ intercept: (request) => void seen.push(request.path) });
  ends.push(() => api.close());
  writeFileSync(file, kubeconfig(`${api.url}/clusters/one`, {}));
  await kubeOf(file)
    .list(kinds.deployment)
    .catch(() => undefined);
  expect(seen).toEqual(['/clusters/one/apis/apps/v1/deployments']);
});

test('a token file that was rotated is read again after 401', async () => {
  const directory = folder();
  writeFileSync(join(directory, 'config'), kubeconfig(await serverWith('second'), { tokenFile: 'token' }));
  writeFileSync(join(directory, 'token'), 'first');
  const kube = kubeOf(join(directory, 'config'));
  await expect(kube.list(kinds.deployment)).rejects.toMatchObject({ reason: 'unauthorized' });
  writeFileSync(join(directory, 'token'), 'second\n');
  expect(await kube.list(kinds.deployment)).toEqual([]);
});

test('a kubeconfig that is being replaced leaves the old credentials in use', async () => {
  const file = join(folder(), 'config');
  const url = await serverWith('right');
  writeFileSync(file, kubeconfig(url, { token: 'wrong' }));
  const kube = kubeOf(file);
  writeFileSync(file, '{half');
  await expect(kube.list(kinds.deployment)).rejects.toMatchObject({ reason: 'unauthorized' });
  writeFileSync(file, kubeconfig(url, { token: 'right' }));
  expect(await kube.list(kinds.deployment)).toEqual([]);
});

test('KUBECONFIG names several files, missing ones are passed over, and the first that says something wins', () => {
  const directory = folder();
  writeFileSync(join(directory, 'one'), kubeconfig('https://one.example:6443', { token: 'x' }, 'one'));
  writeFileSync(join(directory, 'two'), kubeconfig('https://two.example:6443', { token: 'y' }, 'two'));
  vi.stubEnv('KUBECONFIG', ['one', 'none', 'two'].map((it) => join(directory, it)).join(':'));
  const config = loadKubeConfig(undefined);
  expect(config.getCurrentCluster()?.server).toBe('https://one.example:6443');
  expect(config.getContexts().map((it) => it.name)).toEqual(['one', 'two']);
});

test('a file that is missing or has no context says so', () => {
  const file = join(folder(), 'config');
  expect(() => loadKubeConfig(file)).toThrow(`kubeconfig ${file}: ENOENT`);
  writeFileSync(
    file,
    kubeconfig('https://one.example', {}).replace('"current-context":"test"', '"current-context":"gone"'),
  );
  expect(() => loadKubeConfig(file)).toThrow('current-context "gone" names no cluster; set current-context');
  vi.stubEnv('KUBECONFIG', join(folder(), 'none'));
  expect(() => loadKubeConfig(undefined)).toThrow('KUBECONFIG: none of the files exists');
});
