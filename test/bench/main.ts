import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Canary } from '../../src/api/canary.ts';
import { sleep } from '../../src/ports/clock.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { systemClock, systemRandom } from '../../src/system.ts';
import { type EngineProcess, startEngineProcess } from './engine-process.ts';
import { writePage } from './page.ts';
import { problemsOf, type Rest, type Result, summaryOf } from './report.ts';
import { createShops, gateway, intervalSeconds, type Mode, type Shops, steps } from './shops.ts';
import { type Counting, createCounting } from './tally.ts';
import { requestsPerSecond, startTraffic } from './traffic.ts';

const usage = `npm run bench -- [--check] [--write] [--mode targetRef|backends] [--canaries N]
  --check   exit 1 when a release costs more than it may, or when anything happens at rest
  --write   measure both modes and write the numbers into docs/performance.md`;

const modes = ['targetRef', 'backends'] as const;
const restSeconds = { before: 30, after: 10 };
const limitMs = 360_000;
const progressMs = 5_000;

interface Bench {
  sandbox: Sandbox;
  shops: Shops;
  engine: EngineProcess;
  counting: Counting;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      check: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      mode: { type: 'string', default: 'targetRef' },
      canaries: { type: 'string', default: '200' },
    },
  });
  const { mode, check, write } = values;
  const canaries = Number(values.canaries);
  if ((mode !== 'targetRef' && mode !== 'backends') || !Number.isInteger(canaries) || canaries < 1) {
    console.error(usage);
    return 2;
  }
  const results: Result[] = [];
  for (const one of write ? modes : ([mode] as const)) results.push(await measure(one, canaries));
  if (write) writePage(results);
  const problems = results.flatMap(problemsOf);
  for (const problem of problems) console.error(`bench: ${problem}`);
  for (const result of results) console.log(JSON.stringify(summaryOf(result)));
  return check && problems.length > 0 ? 1 : 0;
}

/** A sandbox and an engine of their own for one mode: at rest, all releases at once, at rest again. */
async function measure(mode: Mode, canaries: number): Promise<Result> {
  const counting = createCounting();
  const sandbox = await startSandbox({
    clock: systemClock,
    random: systemRandom,
    syntheticPods: true,
    api: { intercept: (request) => counting.onApiRequest(request) },
    prometheus: { intercept: () => counting.onPrometheusRequest() },
  });
  const folder = mkdtempSync(join(tmpdir(), 'linnet-bench-'));
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, sandbox.kubeconfig);
  const shops = createShops(sandbox, mode, canaries);
  let engine: EngineProcess | undefined;
  try {
    say(`${mode}: ${canaries} shops in one namespace, ${requestsPerSecond} requests a second to each`);
    shops.build();
    await until(
      'pods',
      () => shops.readyPods(),
      ({ ready, wanted }) => ready === wanted,
    );
    const traffic = startTraffic(sandbox, systemClock, { gateway, hosts: shops.hosts });
    engine = await startEngineProcess({ kubeconfig, prometheus: sandbox.prometheusUrl });
    shops.adopt();
    const resting = (): boolean => shops.canaries().every(({ status }) => status?.stage === 'Resting');
    await until('all at rest', () => stagesOf(shops.canaries()), resting);
    const bench: Bench = { sandbox, shops, engine, counting };
    const restBefore = await rest(bench, restSeconds.before);
    const released = await releaseAll(bench);
    const restAfter = await rest(bench, restSeconds.after);
    const users = traffic.counts();
    traffic.stop();
    for (const line of engine.complaints.slice(0, 10)) say(line);
    return { mode, canaries, restBefore, restAfter, ...released, rssMaxMiB: engine.rssMaxMiB(), users };
  } finally {
    await engine?.stop();
    await sandbox.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Lets what is under way come to its end, and then looks at what goes on. */
async function rest({ engine, counting }: Bench, seconds: number): Promise<Rest> {
  // The last events are on their way, and what holds is said only after a few seconds.
  await sleep(systemClock, 8_000);
  say(`at rest for ${seconds} s`);
  const before = await engine.read();
  counting.take();
  await sleep(systemClock, seconds * 1000);
  const tally = counting.take();
  const after = await engine.read();
  return { seconds, tally, runs: after.runs - before.runs, cpuSeconds: after.cpuSeconds - before.cpuSeconds };
}

type Released = Omit<Result, 'mode' | 'canaries' | 'restBefore' | 'restAfter' | 'rssMaxMiB' | 'users'>;

async function releaseAll({ shops, engine, counting }: Bench): Promise<Released> {
  say('all released');
  const before = await engine.read();
  counting.take();
  const startedAt = systemClock.monotonic();
  shops.release();
  const over = ({ status }: Canary): boolean => status?.stage === 'Resting' && (status.history?.length ?? 0) > 0;
  await until(
    'releases',
    () => stagesOf(shops.canaries()),
    () => shops.canaries().every(over),
  );
  const wallSeconds = (systemClock.monotonic() - startedAt) / 1000;
  const tally = counting.take();
  const after = await engine.read();
  const outcomes: Record<string, number> = {};
  for (const { status } of shops.canaries()) count(outcomes, status?.history?.[0]?.outcome ?? 'none');
  return {
    outcomes,
    tally,
    refusals: less(after.refusals, before.refusals),
    failedRuns: after.failedRuns - before.failedRuns,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    eventLoopDelayP99Ms: after.eventLoopDelayP99Ms,
    wallSeconds,
    idealSeconds: steps.length * intervalSeconds,
  };
}

function stagesOf(canaries: Canary[]): Record<string, number> {
  const stages: Record<string, number> = {};
  for (const { status } of canaries) {
    const hold = status?.hold === undefined ? '' : ` (${status.hold.reason})`;
    count(stages, `${status?.stage ?? 'new'} ${status?.canaryWeight ?? 0} %${hold}`);
  }
  return stages;
}

function less(after: Record<string, number>, before: Record<string, number>): Record<string, number> {
  const differences = Object.entries(after).map(([key, value]) => [key, value - (before[key] ?? 0)] as const);
  return Object.fromEntries(differences.filter(([, difference]) => difference > 0));
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

/** Waits for a state of the world and says every five seconds how far it is. Throws when it does not come. */
async function until<T>(what: string, state: () => T, done: (state: T) => boolean): Promise<void> {
  const startedAt = systemClock.monotonic();
  let saidAt = startedAt;
  for (let now = state(); !done(now); now = state()) {
    const at = systemClock.monotonic();
    if (at - startedAt > limitMs) throw new Error(`${what}: not within ${limitMs / 1000} s: ${JSON.stringify(now)}`);
    if (at - saidAt >= progressMs) {
      saidAt = at;
      say(`  ${what}, ${Math.round((at - startedAt) / 1000)} s: ${JSON.stringify(now)}`);
    }
    await sleep(systemClock, 1_000);
  }
}

function say(text: string): void {
  console.error(text);
}

process.exitCode = await main();
