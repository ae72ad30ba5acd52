import type { Unanswered } from '../../src/analysis/answer.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import type { Life, Network } from './kube-port.ts';
import { epochMs } from './schedule.ts';
import type { Traffic } from './traffic.ts';

/** How the metrics store misbehaves at present. */
export type Misbehaviour = 'down' | 'noData' | 'nonsense' | 'nan';
export const misbehaviours: Misbehaviour[] = ['down', 'noData', 'nonsense', 'nan', 'nan'];

/** The metrics store of a simulation and what is known of its answers. */
export interface MetricsWorld {
  traffic: Traffic;
  latencyMs: number;
  atSplit: boolean;
  misbehaviour: Misbehaviour | undefined;
  /** Questions so far. */
  questions: number;
  /** Real numbers that were given, the truth for the checks of evidence. */
  given: { metric: 'counts' | 'quality'; atMs: number; value: number }[];
}

/** The metrics store as one life of one replica meets it. */
export function createMetricsPort(network: Network, life: Life, world: MetricsWorld): Metrics {
  const { schedule, chance } = network;
  const answer = <T>(make: () => T): Promise<T> => {
    world.questions++;
    return new Promise((resolve) => {
      schedule.at(chance.next() * world.latencyMs, `${life.id} metrics`, () => {
        const value = make();
        schedule.at(1, `${life.id} metrics answered`, () => void (life.alive() && resolve(value)));
      });
    });
  };
  return {
    preset: () => ({ name: 'istio', atSplit: world.atSplit, histogram: true, hint: 'simulated' }),
    counts: (request) =>
      answer(() => {
        const bad = refusal(world.misbehaviour);
        if (bad !== undefined) return bad;
        const data = world.traffic.timeline(request.stable.service, request.canary.service, request.fromMs);
        const nothing = data.stable.requests.length + data.canary.requests.length === 0;
        if (nothing) return { outcome: 'noData', query: 'counts', message: 'no series' };
        world.given.push({ metric: 'counts', atMs: schedule.nowMs, value: 0 });
        return { outcome: 'data', query: 'counts', data };
      }),
    value: ({ variables }) =>
      answer(() => {
        const bad = refusal(world.misbehaviour);
        if (bad !== undefined && world.misbehaviour !== 'nan') return bad;
        const since = schedule.nowMs - 3_000;
        const seen = world.traffic.between(variables.canary, since, schedule.nowMs);
        const value = (100 * seen.filter(({ code }) => code >= 500).length) / seen.length;
        const given = world.misbehaviour === 'nan' ? Number.NaN : value;
        if (!Number.isNaN(given)) world.given.push({ metric: 'quality', atMs: schedule.nowMs, value: given });
        const sampleMs = epochMs + Math.floor(schedule.nowMs);
        return { outcome: 'data', query: 'quality', data: { value: given, sampleMs } };
      }),
  };
}

function refusal(misbehaviour: Misbehaviour | undefined): Unanswered | undefined {
  if (misbehaviour === undefined) return undefined;
  const said = { query: 'simulated', message: `simulated: ${misbehaviour}` };
  if (misbehaviour === 'down') return { ...said, outcome: 'error', reason: 'Failed' };
  return { ...said, outcome: misbehaviour === 'nonsense' ? 'nonsense' : 'noData' };
}
