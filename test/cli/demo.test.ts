import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { DemoReport } from '../../src/cli/demo/report.ts';
import { type LinnetProcess, runLinnet, startLinnet } from './process.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()));
});

function startDemo(...args: string[]): LinnetProcess {
  const demo = startLinnet(['demo', '--once', ...args]);
  ends.push(async () => {
    demo.child.kill('SIGTERM');
    await demo.ended;
  });
  return demo;
}

async function reportFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'linnet-demo-test-'));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'report.json');
}

// The whole of it, with what must come of both releases, is run by `npm run demo -- --once` in .ci/run.
describe('linnet demo', () => {
  test.each(['targetRef', 'backends'])(
    'with %s brings users to a shop, begins a release, and leaves nothing behind when it is stopped',
    async (mode) => {
      const path = await reportFile();
      const demo = startDemo('--mode', mode, '--report', path);
      const hint = await demo.line((line) => line.includes('KUBECONFIG='));
      expect(hint).toMatch(/KUBECONFIG=\S+ kubectl get canaries -w$/);
      const kubeconfig = /KUBECONFIG=(\S+)/.exec(hint)?.[1] ?? '';
      const config = parse(await readFile(kubeconfig, 'utf8')) as {
        clusters: { cluster: { server: string } }[];
        contexts: { context: { namespace: string } }[];
      };
      expect(config.contexts[0]?.context.namespace).toBe('shop');
      await demo.line((line) => line.includes('asked 5 %, accepted 5 %') && line.includes('0 failed'));
      const server = config.clusters[0]?.cluster.server ?? '';
      const canary = await fetch(`${server}/apis/linnet.dev/v1beta1/namespaces/shop/canaries/shop`);
      expect(await canary.json()).toMatchObject({ status: { phase: 'Progressing', canaryWeight: 5 } });
      const early = JSON.parse(await readFile(path, 'utf8')) as DemoReport;
      expect(early).toEqual({ schema: 1, kubeconfig, releases: [] });
      demo.child.kill('SIGTERM');
      expect(await demo.ended).toBe(1);
      expect(demo.stderr()).toBe('linnet: the demo was stopped before its end\n');
      expect(existsSync(kubeconfig)).toBe(false);
      await expect(fetch(server)).rejects.toThrow();
    },
  );

  test('ends with one line and code 1 when its report cannot be written', async () => {
    const path = join(await reportFile(), 'no-such-folder', 'r.json');
    const { code, stderr } = await runLinnet(['demo', '--once', '--report', path]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^linnet: --report \S+: ENOENT: .*\n$/);
  });
});
