import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { DemoReport } from '../../src/cli/demo/report.ts';
import { type LinnetProcess, startLinnet } from '../cli/process.ts';
import { type Kubectl, kubectlFor } from '../tools/run-kubectl.ts';
import { until } from './stand.ts';

/** How far the share that users see may be from the one asked for, in points: max(3, 4·√(p(1−p)/n)). */
function tolerance(asked: number, requests: number): number {
  const p = asked / 100;
  return Math.max(3, 400 * Math.sqrt((p * (1 - p)) / requests));
}

describe('the demo, seen by its users and by a stock kubectl', () => {
  let folder: string;
  let demo: LinnetProcess;
  let kubectl: Kubectl;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'linnet-demo-'));
    demo = startLinnet(['demo', '--once', '--report', join(folder, 'report.json')]);
    const hint = await demo.line((line) => line.includes('KUBECONFIG='));
    const path = /KUBECONFIG=(\S+)/.exec(hint)?.[1] ?? '';
    const config = parse(readFileSync(path, 'utf8')) as { clusters: { cluster: { server: string } }[] };
    kubectl = await kubectlFor(config.clusters[0]?.cluster.server ?? '');
  });

  afterAll(async () => {
    demo.child.kill('SIGTERM');
    await demo.ended;
    await kubectl.remove();
    await rm(folder, { recursive: true, force: true });
  });

  test('kubectl gets, describes and watches Canaries, Deployments and HTTPRoutes while it runs', async () => {
    const inShop = (...args: string[]) => kubectl.run(['-n', 'shop', ...args]);
    const watch = kubectl.start(['-n', 'shop', 'get', 'canaries', '-w']);
    try {
      expect(await inShop('get', 'canaries,deployments,httproutes')).toMatch(
        /canary\.linnet\.dev\/shop[^]*deployment\.apps\/shop[^]*httproute\S*\/shop/,
      );
      expect(await inShop('describe', 'canary', 'shop')).toMatch(/Stage: +\w+/);
      expect(await inShop('describe', 'httproute', 'shop')).toContain('Backend Refs');
      expect(await inShop('describe', 'deployment', 'shop')).toContain('Pod Template');
      await until(
        'kubectl -w shows the weights',
        () => /\b5\b/.test(watch.output()) && /\b50\b/.test(watch.output()),
        watch.output,
        90_000,
      );
    } finally {
      watch.stop();
    }
  }, 120_000);

  test('promotes the good version without a failed request and takes the bad one back', async () => {
    expect(await demo.ended).toBe(0);
    const report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as DemoReport;
    const [good, bad] = report.releases;
    expect(good).toMatchObject({ outcome: 'Promoted', failedRequests: 0, failuresByCause: {} });
    expect(good?.steps.map(({ asked }) => asked)).toEqual([5, 50, 100]);
    for (const { asked, observed, requests } of good?.steps ?? []) {
      expect(Math.abs(observed - asked)).toBeLessThanOrEqual(tolerance(asked, requests));
    }
    expect(bad).toMatchObject({ outcome: 'RolledBack', requestsAfterRollback: 0 });
    expect(bad?.steps.map(({ asked }) => asked)).toEqual([5]);
  }, 240_000);
});
