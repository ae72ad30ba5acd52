import { createChance } from './chance.ts';
import type { Action } from './actions.ts';
import { drawActions } from './draw-actions.ts';

/** Where a call is when its replica dies. */
export const crashPoints = ['before', 'after', 'afterReply'] as const;
export type CrashPoint = (typeof crashPoints)[number];

/** How often what goes wrong on the way to the API server and back; probabilities of one call. */
export interface CallFaults {
  /** The request never arrives; the caller gives up after its time-out. */
  loseRequest: number;
  /** The request is carried out and the answer lost. */
  loseReply: number;
  /** The request arrives after the caller has given up. */
  late: number;
  /** 409 although nothing changed. */
  conflict: number;
  /** 500 or 429. */
  error: number;
  /** The call takes up to 1.5 s instead of some milliseconds. */
  slow: number;
  /** The replica dies at the call. */
  crash: number;
}

/** Everything that a simulation is; printed when it fails. */
export interface Options {
  seed: number;
  scenario: string;
  mode: 'targetRef' | 'backends';
  /** Nothing goes wrong by itself, only what people do. */
  calm: boolean;
  replicas: 1 | 2;
  pods: number;
  steps: number[];
  threshold: number;
  /** Names of the checks; `quality` is one with a MetricTemplate. */
  checks: ('request-success-rate' | 'request-duration' | 'quality')[];
  /** Metrics count where the traffic is split. */
  atSplit: boolean;
  requestsPerSecond: number;
  /** A third backend in the user's rule. */
  third: boolean;
  /** Tag of what is released. */
  version: string;
  onDelete: 'leave' | 'roll';
  gatewayLagMs: number;
  gatewayAcceptMs: number;
  faults: CallFaults;
  watch: { lagMs: number; freeze: number; relist: number };
  /** Probability per second that a replica is killed, and that its watches or its process stand still. */
  kill: number;
  /** Probability per second that the metrics store begins to misbehave. */
  metricsFaults: number;
  metricsLatencyMs: number;
  actions: Action[];
  /** The one planned crash: at this call, counted over all replicas. */
  crashAt?: { call: number; point: CrashPoint };
}

export const noFaults: CallFaults = { loseRequest: 0, loseReply: 0, late: 0, conflict: 0, error: 0, slow: 0, crash: 0 };

/** A release without anything going wrong; the fixed scenarios are made from it. */
export function plainOptions(scenario: string, changes: Partial<Options> = {}): Options {
  return {
    seed: 1,
    scenario,
    mode: 'targetRef',
    calm: true,
    replicas: 2,
    pods: 2,
    steps: [20, 50, 100],
    threshold: 1,
    checks: ['request-success-rate'],
    atSplit: true,
    requestsPerSecond: 30,
    third: false,
    version: 'v2',
    onDelete: 'leave',
    ...calmness,
    actions: [],
    ...changes,
  };
}

/** What a seed stands for. Each kind of fault is off in some seeds, so that no fault hides another one's effect. */
export function drawOptions(seed: number, scenario: string | undefined): Options {
  const chance = createChance(seed * 7919 + 17);
  const some = (probability: number, most: number) => (chance.happens(probability) ? chance.next() * most : 0);
  const drawn = drawActions(chance, scenario);
  const quality = chance.happens(0.5);
  const drawnOptions: Options = {
    seed,
    scenario: drawn.scenario,
    mode: drawn.mode,
    calm: chance.happens(0.15),
    replicas: chance.happens(0.8) ? 2 : 1,
    pods: chance.between(1, 4),
    steps: chance.pick([[20, 50, 100], [50, 100], [10, 100], [5, 50, 100], [100], [25, 60]]),
    threshold: chance.pick([1, 1, 2]),
    checks: [
      ...chance.pick<Options['checks']>(
        quality
          ? [['request-success-rate'], []]
          : [['request-success-rate'], ['request-success-rate', 'request-duration']],
      ),
      ...(quality ? (['quality'] as const) : []),
    ],
    atSplit: chance.happens(0.8),
    requestsPerSecond: chance.pick([20, 40, 60]),
    third: chance.happens(0.3),
    version: drawn.version,
    onDelete: chance.pick(['leave', 'roll']),
    gatewayLagMs: chance.pick([0, 0, 0, 200, 3_000]),
    gatewayAcceptMs: chance.pick([0, 0, 0, 500, 4_000]),
    faults: {
      loseRequest: some(0.5, 0.08),
      loseReply: some(0.5, 0.08),
      late: some(0.4, 0.05),
      conflict: some(0.5, 0.08),
      error: some(0.5, 0.08),
      slow: some(0.5, 0.15),
      crash: some(0.5, 0.05),
    },
    watch: { lagMs: chance.pick([5, 20, 200, 1_000]), freeze: some(0.5, 0.1), relist: some(0.4, 0.1) },
    kill: some(0.5, 0.15),
    metricsFaults: some(0.5, 0.25),
    metricsLatencyMs: chance.pick([5, 50, 2_500]),
    actions: drawn.actions,
  };
  return drawnOptions.calm ? { ...drawnOptions, ...calmness } : drawnOptions;
}

/** A cluster in which nothing goes wrong by itself. */
const calmness = {
  gatewayLagMs: 0,
  gatewayAcceptMs: 0,
  faults: noFaults,
  watch: { lagMs: 10, freeze: 0, relist: 0 },
  kill: 0,
  metricsFaults: 0,
  metricsLatencyMs: 10,
};
