import type { Canary } from '../../src/api/canary.ts';
import { kinds } from '../../src/api/kinds.ts';
import { Users } from './actions.ts';
import { createChance } from './chance.ts';
import { createChecks } from './checks.ts';
import { finalProblems } from './final.ts';
import { History, watchedKinds } from './history.ts';
import type { Network } from './kube-port.ts';
import { applicationManifests, canaryManifest, qualityTemplate } from './manifests.ts';
import { type MetricsWorld, misbehaviours } from './metrics-port.ts';
import { type Options, noFaults } from './options.ts';
import { Readiness } from './readiness.ts';
import { type Bug, Replica } from './replica.ts';
import { Schedule } from './schedule.ts';
import { quick } from './settings.ts';
import { Traffic } from './traffic.ts';
import { createWorld } from './world.ts';

/** What came of one simulation. */
export interface Result {
  hash: string;
  events: number;
  calls: number;
  /** One sentence each, with the invariant's name in front. */
  violations: string[];
  /** Outcomes of the attempts, oldest first; `gone` when the Canary was deleted. */
  outcomes: string[];
  virtualMs: number;
}

/** Until when faults happen, and the most time that everything has afterwards. */
const faultsEndMs = 45_000;
const calmMs = 150_000;
/** Nothing may be done any more for this long at the end. */
const quietMs = 6_000;

/** Runs one simulation from its options. The same options give the same result, hash included. */
export async function simulate(
  options: Options,
  extra: { bug?: Bug | undefined; say?: (line: string) => void } = {},
): Promise<Result> {
  const schedule = new Schedule();
  const chance = createChance(options.seed);
  const world = createWorld(schedule, chance);
  const history = new History(world.store, schedule);
  const say = (line: string) => extra.say?.(`${(schedule.nowMs / 1000).toFixed(3).padStart(8)} ${line}`);
  const network: Network = {
    world,
    schedule,
    history,
    chance,
    faults: noFaults,
    calls: 0,
    writes: 0,
    crashAt: options.crashAt,
    lastFaultMs: 0,
  };
  const lastAsked = { count: -1, atMs: 0 };
  const violations: string[] = [];
  const report = (message: string) => {
    if (violations.length < 5) violations.push(`${(schedule.nowMs / 1000).toFixed(3)} s: ${message}`);
    say(`VIOLATION ${message}`);
  };
  const traffic = new Traffic(world, schedule, options, chance.fork());
  const metrics: MetricsWorld = {
    traffic,
    latencyMs: options.metricsLatencyMs,
    atSplit: options.atSplit,
    misbehaviour: undefined,
    questions: 0,
    given: [],
  };
  const readiness = new Readiness(history);
  for (const object of [...applicationManifests(options), qualityTemplate]) world.apply(object);
  await schedule.run(1_000, () => false);
  if (options.gatewayLagMs > 0 || options.gatewayAcceptMs > 0) annotateGateway();
  await schedule.run(2_000, () => false);

  const users = new Users(world, schedule, history, options);
  createChecks({ options, history, readiness, traffic, metrics, network, users, report, say });
  traffic.open();
  const replicas = Array.from(
    { length: options.replicas },
    (_, i) =>
      new Replica({
        id: `r${i}`,
        network,
        metrics,
        options,
        settings: quick,
        bug: extra.bug,
        say,
        onDefect: (message) => report(`defect: ${message}`),
      }),
  );
  world.apply(canaryManifest(options));
  for (const replica of replicas) replica.start(0);
  keepAlive();
  network.faults = options.faults;
  const troubled = trouble();
  await schedule.run(faultsEndMs, () => violations.length > 0 || (isQuiet() && users.pending === 0));

  // The calm after the storm: no more faults, everybody is there, and nobody wants anything.
  troubled.stop();
  network.faults = noFaults;
  metrics.misbehaviour = undefined;
  users.retire();
  for (const replica of replicas) {
    replica.thaw();
    for (const i of watchedKinds.keys()) replica.freezeWatch(i, 0);
    if (!replica.alive) replica.start(0);
  }
  const calmFromMs = schedule.nowMs;
  let helped = 0;
  while (violations.length === 0 && schedule.nowMs < calmFromMs + calmMs && !isQuiet()) {
    await schedule.run(schedule.nowMs + 1_000, () => violations.length > 0);
    if (schedule.nowMs > calmFromMs + 40_000 * (helped + 1)) helped = helpOut(helped);
  }
  if (violations.length === 0) {
    for (const problem of finalProblems({ world, users, options, quiet: isQuiet() })) report(problem);
  }
  for (const error of world.errors) report(`sandbox: ${error}`);
  const canary = users.canary();
  const outcomes = (canary?.status?.history ?? []).map(({ outcome }) => outcome).toReversed();
  return {
    hash: schedule.hash,
    events: schedule.events,
    calls: network.calls,
    violations,
    outcomes: canary === undefined ? ['gone'] : outcomes,
    virtualMs: schedule.nowMs,
  };

  function annotateGateway(): void {
    const annotations = {
      ...(options.gatewayLagMs > 0 && { 'sandbox.linnet.dev/lag': `${options.gatewayLagMs}ms` }),
      ...(options.gatewayAcceptMs > 0 && { 'sandbox.linnet.dev/accept': `${options.gatewayAcceptMs}ms` }),
    };
    const ref = { kind: kinds.gateway, namespace: 'shop', name: 'web' };
    world.store.patch(ref, { type: 'merge', body: { metadata: { annotations } } }, { fieldManager: 'kubectl' });
  }

  /** A dead replica is started again after a while, as a Deployment would. */
  function keepAlive(): void {
    for (const replica of replicas) {
      const look = () => {
        if (!replica.alive) replica.start(chance.happens(0.3) ? chance.between(0, 2_000) : 0);
        schedule.at(chance.between(1_000, 5_000), 'supervisor', look);
      };
      schedule.at(chance.between(1_000, 5_000), 'supervisor', look);
    }
  }

  function trouble(): { stop: () => void } {
    let going = true;
    const every = () => {
      if (!going) return;
      schedule.at(1_000, 'trouble', every);
      const fault = (probability: number) => {
        const happens = chance.happens(probability);
        if (happens) network.lastFaultMs = schedule.nowMs;
        return happens;
      };
      for (const replica of replicas) {
        if (fault(options.kill / 2)) replica.kill('killed');
        if (fault(options.kill / 4)) replica.freeze(chance.between(500, 12_000));
        if (fault(options.watch.freeze)) replica.freezeWatch(chance.between(0, 6), chance.between(500, 8_000));
        if (fault(options.watch.relist)) replica.relist(chance.between(0, 6), chance.between(0, 3_000));
      }
      if (metrics.misbehaviour === undefined && fault(options.metricsFaults)) {
        metrics.misbehaviour = chance.pick(misbehaviours);
        schedule.at(chance.between(2_000, 15_000), 'metrics are well again', () => {
          metrics.misbehaviour = undefined;
        });
      }
    };
    schedule.at(500, 'trouble', every);
    return {
      stop: () => {
        going = false;
      },
    };
  }

  /** Nothing was asked of anybody for a while, and the Canary rests or is gone. */
  function isQuiet(): boolean {
    const canary = users.canary();
    const { stage, hold } = canary?.status ?? {};
    const refused = canary?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'False');
    const resting =
      canary === undefined ||
      stage === 'Resting' ||
      (stage === 'Initializing' && refused === true) ||
      (stage === 'Carrying' && hold !== undefined);
    const asked = network.calls + metrics.questions + users.acts;
    if (asked !== lastAsked.count || !resting) {
      lastAsked.count = asked;
      lastAsked.atMs = schedule.nowMs;
    }
    return resting && schedule.nowMs - lastAsked.atMs >= quietMs && (canary === undefined || stage !== undefined);
  }

  /** What a person does about a release that waits for one. */
  function helpOut(times: number): number {
    const canary = users.canary();
    if (canary === undefined) return times + 1;
    say(`somebody helps: ${describe(canary)}`);
    if (canary.spec?.suspend === true) users.act({ do: 'suspend', on: false });
    if (times === 0 && canary.status?.paused !== undefined) users.command('resume');
    if (times === 1) users.command('abort');
    return times + 1;
  }
}

function describe({ status }: Canary): string {
  return `${status?.stage} ${status?.canaryWeight} % ${status?.hold?.reason ?? ''} ${status?.hold?.message ?? ''}`;
}
