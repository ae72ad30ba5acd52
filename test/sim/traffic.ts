import type { Sample, SideSeries, Timeline } from '../../src/analysis/timeline.ts';
import { serve } from '../../src/sandbox/world/gateway/serve.ts';
import type { Chance } from './chance.ts';
import type { Options } from './options.ts';
import { epochMs, type Schedule } from './schedule.ts';
import { noMetrics, type World } from './world.ts';

/** One answer that a user got. */
export interface Answered {
  atMs: number;
  /** Service that the gateway chose; empty when it chose none. */
  service: string;
  /** Version of the pod that answered; empty when none did. */
  version: string;
  code: number;
  durationMs: number;
}

const tickMs = 100;
const scrapeMs = 1_000;
/** Upper edges of the histogram that the simulated gateway keeps. */
const edges = [10, 100, 500, 1_000, Number.POSITIVE_INFINITY];

/** What the gateway counts of one Service. */
interface Counters {
  good: number;
  bad: number;
  buckets: number[];
}

/** A steady stream of users through the gateway's own routing, and the counters that a metrics store would have of it. */
export class Traffic {
  readonly #options: Options;
  readonly #schedule: Schedule;
  readonly #world: World;
  readonly #counters = new Map<string, Counters>();
  readonly #samples = new Map<string, { good: Sample[]; bad: Sample[]; buckets: Sample[][] }>();
  #owed = 0;
  #asking = false;
  readonly answers: Answered[] = [];
  /** Told ten times a second, as long as there are users. */
  onTick: (() => void) | undefined;
  /** Told of each answer. */
  onAnswer: ((answered: Answered) => void) | undefined;

  constructor(world: World, schedule: Schedule, options: Options, chance: Chance) {
    this.#world = world;
    this.#schedule = schedule;
    this.#options = options;
    schedule.at(chance.between(1, 99), 'users', () => this.#tick(), false);
    schedule.at(chance.between(1, 999), 'scrape', () => this.#scrape(), false);
  }

  /** Users come from now on. */
  open(): void {
    this.#asking = true;
  }

  #tick(): void {
    this.#schedule.at(tickMs, 'users', () => this.#tick(), false);
    const plane = this.#world.plane();
    if (plane === undefined || !this.#asking) return;
    this.onTick?.();
    this.#owed += (this.#options.requestsPerSecond * tickMs) / 1_000;
    const running = this.#world.workloads.running();
    const request = { method: 'GET', host: 'shop.example', target: '/', headers: {} };
    for (; this.#owed >= 1; this.#owed--) {
      const served = serve(plane, 80, request, { running, metrics: noMetrics });
      const service = served.backend?.name ?? '';
      const version = served.pod?.behaviour.version ?? '';
      this.#count(service, served.code, served.durationMs);
      const answered = {
        atMs: this.#schedule.nowMs,
        service,
        version,
        code: served.code,
        durationMs: served.durationMs,
      };
      this.answers.push(answered);
      this.onAnswer?.(answered);
    }
  }

  #count(service: string, code: number, durationMs: number): void {
    const counters = this.#counters.get(service) ?? { good: 0, bad: 0, buckets: edges.map(() => 0) };
    this.#counters.set(service, counters);
    if (code < 500) counters.good++;
    else counters.bad++;
    for (const [i, edge] of edges.entries())
      if (durationMs <= edge) counters.buckets[i] = (counters.buckets[i] ?? 0) + 1;
  }

  #scrape(): void {
    this.#schedule.at(scrapeMs, 'scrape', () => this.#scrape(), false);
    const atMs = epochMs + Math.floor(this.#schedule.nowMs);
    for (const [service, { good, bad, buckets }] of this.#counters) {
      const samples = this.#samples.get(service) ?? { good: [], bad: [], buckets: edges.map(() => []) };
      this.#samples.set(service, samples);
      samples.good.push({ atMs, value: good });
      samples.bad.push({ atMs, value: bad });
      for (const [i, value] of buckets.entries()) samples.buckets[i]?.push({ atMs, value });
    }
  }

  /** What a metrics store would answer now about two Services. */
  timeline(stable: string, canary: string, fromMs: number): Timeline {
    return { stable: this.#side(stable, fromMs), canary: this.#side(canary, fromMs) };
  }

  #side(service: string, fromMs: number): SideSeries {
    const samples = this.#samples.get(service);
    if (samples === undefined) return { requests: [], buckets: [] };
    const target = 'gateway';
    const cut = (all: Sample[]) =>
      all.slice(
        Math.max(
          0,
          all.findIndex(({ atMs }) => atMs >= fromMs - 5_000),
        ),
      );
    return {
      requests: [
        { target, good: true, samples: cut(samples.good) },
        { target, good: false, samples: cut(samples.bad) },
      ],
      buckets: edges.map((leMs, i) => ({
        target,
        leMs,
        histogram: service,
        samples: cut(samples.buckets[i] ?? []),
      })),
    };
  }

  /** The answers of one Service in a time, both ends included. */
  between(service: string, fromMs: number, toMs: number): Answered[] {
    return this.answers.filter((one) => one.service === service && one.atMs >= fromMs && one.atMs <= toMs);
  }
}
