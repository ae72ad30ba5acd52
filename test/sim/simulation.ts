import type { Canary } from '../../src/api/canary.ts';
import { kinds } from '../../src/api/kinds.ts';
import { Users } from './actions.ts';
import { type Chance, createChance } from './chance.ts';
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
import { type World, createWorld, gatewayName, namespace } from './world.ts';

/** What came of one simulation. */
export interface Result {
  /** A digest of everything that happened, in order. */
  hash: string;
  events: number;
  /** Calls to the Kubernetes API, all replicas together. */
  calls: number;
  /** One sentence each, with the invariant's name in it; the first five. */
  violations: string[];
  /** Outcomes of the attempts, oldest first; `gone` when the Canary was deleted. */
  outcomes: string[];
  /** How much time passed inside. */
  virtualMs: number;
}

/** Things around a simulation that do not change what happens in it, but for the planted bug. */
export interface Extra {
  bug?: (() => Bug) | undefined;
  /** Told, line by line, what happens. */
  say?: ((line: string) => void) | undefined;
}

/** Until when things go wrong, and the most time that everything has afterwards. */
const stormMs = 45_000;
const calmMs = 150_000;
/** For so long nothing may be asked of any server before the end. */
const quietMs = 6_000;
/** A person looks after a release that waits for one so often. */
const helpMs = 40_000;
const mostViolations = 5;

/** Runs one simulation. The same options give the same result, the hash included. */
export function simulate(options: Options, extra: Extra = {}): Promise<Result> {
  return new Simulation(options, extra).run();
}

class Simulation {
  readonly #options: Options;
  readonly #extra: Extra;
  readonly #schedule = new Schedule();
  readonly #chance: Chance;
  readonly #world: World;
  readonly #network: Network;
  readonly #metrics: MetricsWorld;
  readonly #users: Users;
  readonly #replicas: Replica[];
  readonly #violations: string[] = [];
  #storming = true;
  #lastAsked = { count: -1, atMs: 0 };

  constructor(options: Options, extra: Extra) {
    this.#options = options;
    this.#extra = extra;
    this.#chance = createChance(options.seed);
    this.#world = createWorld(this.#schedule, this.#chance);
    const history = new History(this.#world.store, this.#schedule);
    const traffic = new Traffic(this.#world, this.#schedule, options, this.#chance.fork());
    this.#network = {
      world: this.#world,
      schedule: this.#schedule,
      history,
      chance: this.#chance,
      faults: noFaults,
      calls: 0,
      crashAt: options.crashAt,
    };
    this.#metrics = {
      traffic,
      latencyMs: options.metricsLatencyMs,
      atSplit: options.atSplit,
      misbehaviour: undefined,
      questions: 0,
      given: [],
    };
    this.#users = new Users(this.#world, this.#schedule, history, options);
    createChecks({
      options,
      history,
      traffic,
      readiness: new Readiness(history),
      metrics: this.#metrics,
      users: this.#users,
      nowMs: () => this.#schedule.nowMs,
      report: (message) => this.#report(message),
      say: (line) => this.#say(line),
    });
    this.#replicas = Array.from({ length: options.replicas }, (_, i) => this.#replica(`r${i}`));
  }

  async run(): Promise<Result> {
    await this.#warmUp();
    await this.#storm();
    await this.#calm();
    return this.#result();
  }

  #replica(id: string): Replica {
    return new Replica({
      id,
      network: this.#network,
      metrics: this.#metrics,
      options: this.#options,
      settings: quick,
      bug: this.#extra.bug,
      say: (line) => this.#say(line),
      onDefect: (message) => this.#report(`defect: ${message}`),
    });
  }

  #say(line: string): void {
    this.#extra.say?.(`${(this.#schedule.nowMs / 1000).toFixed(3).padStart(8)} ${line}`);
  }

  #report(message: string): void {
    this.#say(`VIOLATION ${message}`);
    if (this.#violations.length < mostViolations) {
      this.#violations.push(`at ${(this.#schedule.nowMs / 1000).toFixed(3)} s: ${message}`);
    }
  }

  get #failed(): boolean {
    return this.#violations.length > 0;
  }

  /** The application and its users are there before Linnet is. */
  async #warmUp(): Promise<void> {
    for (const object of [...applicationManifests(this.#options), qualityTemplate]) this.#world.apply(object);
    await this.#schedule.run(1_000, () => false);
    this.#slowGateway();
    await this.#schedule.run(2_000, () => false);
    this.#metrics.traffic.open();
  }

  #slowGateway(): void {
    const { gatewayLagMs, gatewayAcceptMs } = this.#options;
    const annotations = {
      ...(gatewayLagMs > 0 && { 'sandbox.linnet.dev/lag': `${gatewayLagMs}ms` }),
      ...(gatewayAcceptMs > 0 && { 'sandbox.linnet.dev/accept': `${gatewayAcceptMs}ms` }),
    };
    const ref = { kind: kinds.gateway, namespace, name: gatewayName };
    this.#world.store.patch(ref, { type: 'merge', body: { metadata: { annotations } } }, { fieldManager: 'kubectl' });
  }

  /** The release runs, and what the options say goes wrong. */
  async #storm(): Promise<void> {
    this.#world.apply(canaryManifest(this.#options));
    for (const replica of this.#replicas) {
      replica.start(0);
      this.#supervise(replica);
    }
    this.#network.faults = this.#options.faults;
    this.#trouble();
    await this.#schedule.run(stormMs, () => this.#failed || (this.#users.pending === 0 && this.#isQuiet()));
    this.#storming = false;
  }

  /** A dead replica is started again after a while, now and then with lists from a lagging API server. */
  #supervise(replica: Replica): void {
    this.#schedule.at(this.#chance.between(1_000, 5_000), 'supervisor', () => {
      if (!replica.alive) replica.start(this.#chance.happens(0.3) ? this.#chance.between(0, 2_000) : 0);
      this.#supervise(replica);
    });
  }

  /** Once a second, what goes wrong by itself. */
  #trouble(): void {
    this.#schedule.at(1_000, 'trouble', () => {
      if (!this.#storming) return;
      const { kill, watch, metricsFaults } = this.#options;
      const chance = this.#chance;
      for (const replica of this.#replicas) {
        if (chance.happens(kill / 2)) replica.kill('killed');
        if (chance.happens(kill / 4)) replica.freeze(chance.between(500, 12_000));
        const kind = chance.between(0, watchedKinds.length - 1);
        if (chance.happens(watch.freeze)) replica.freezeWatch(kind, chance.between(500, 8_000));
        if (chance.happens(watch.relist)) replica.relist(kind, chance.between(0, 3_000));
      }
      if (this.#metrics.misbehaviour === undefined && chance.happens(metricsFaults)) this.#confuseMetrics();
      this.#trouble();
    });
  }

  #confuseMetrics(): void {
    this.#metrics.misbehaviour = this.#chance.pick(misbehaviours);
    this.#schedule.at(this.#chance.between(2_000, 15_000), 'metrics are well again', () => {
      this.#metrics.misbehaviour = undefined;
    });
  }

  /** Nothing goes wrong any more, everybody is there, and nobody wants anything new: now everything must come to rest. */
  async #calm(): Promise<void> {
    this.#network.faults = noFaults;
    this.#metrics.misbehaviour = undefined;
    this.#users.retire();
    for (const replica of this.#replicas) {
      replica.thaw();
      for (const kind of watchedKinds.keys()) replica.freezeWatch(kind, 0);
      if (!replica.alive) replica.start(0);
    }
    const fromMs = this.#schedule.nowMs;
    // What kept quiet because it stood still now has time to speak.
    this.#lastAsked.atMs = fromMs;
    for (let helped = 0; !this.#failed && this.#schedule.nowMs < fromMs + calmMs && !this.#isQuiet(); ) {
      await this.#schedule.run(this.#schedule.nowMs + 1_000, () => this.#failed);
      if (this.#schedule.nowMs > fromMs + helpMs * (helped + 1)) this.#help(helped++);
    }
    if (this.#failed) return;
    const end = { world: this.#world, users: this.#users, options: this.#options, quiet: this.#isQuiet() };
    for (const problem of finalProblems(end)) this.#report(problem);
  }

  /** What a person does about a release that waits for one. */
  #help(times: number): void {
    const canary = this.#users.canary();
    if (canary === undefined) return;
    this.#say(`somebody helps: ${describe(canary)}`);
    if (canary.spec?.suspend === true) this.#users.act({ do: 'suspend', on: false });
    if (times === 0 && canary.status?.paused !== undefined) this.#users.command('resume');
    if (times === 1) this.#users.command('abort');
  }

  /** Nothing was asked of any server for a while, and the Canary rests, is gone, or waits for a person who must change something. */
  #isQuiet(): boolean {
    const count = this.#network.calls + this.#metrics.questions + this.#users.acts;
    const { nowMs } = this.#schedule;
    if (count !== this.#lastAsked.count || !rests(this.#users.canary())) this.#lastAsked = { count, atMs: nowMs };
    return nowMs - this.#lastAsked.atMs >= quietMs;
  }

  #result(): Result {
    for (const error of this.#world.errors) this.#report(`defect of the sandbox: ${error}`);
    const canary = this.#users.canary();
    const outcomes = (canary?.status?.history ?? []).map(({ outcome }) => outcome).toReversed();
    return {
      hash: this.#schedule.hash,
      events: this.#schedule.events,
      calls: this.#network.calls,
      violations: this.#violations,
      outcomes: canary === undefined ? ['gone'] : outcomes,
      virtualMs: this.#schedule.nowMs,
    };
  }
}

function rests(canary: Canary | undefined): boolean {
  if (canary === undefined) return true;
  const { stage, hold, conditions } = canary.status ?? {};
  const refused = conditions?.some(({ type, status }) => type === 'Ready' && status === 'False') === true;
  return stage === 'Resting' || (stage === 'Initializing' && refused) || (stage === 'Carrying' && hold !== undefined);
}

function describe({ status }: Canary): string {
  return `${status?.stage} ${status?.canaryWeight} % ${status?.hold?.reason ?? ''} ${status?.hold?.message ?? ''}`;
}
