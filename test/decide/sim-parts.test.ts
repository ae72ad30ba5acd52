import { describe, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import type { Service } from '../../src/api/objects.ts';
import { KubeError } from '../../src/ports/kube.ts';
import { bugs } from '../sim/bugs.ts';
import { createChance } from '../sim/chance.ts';
import { fixedOptions } from '../sim/fixed.ts';
import { History } from '../sim/history.ts';
import { type Life, type Network, createKubePort } from '../sim/kube-port.ts';
import { drawOptions, noFaults } from '../sim/options.ts';
import { Schedule } from '../sim/schedule.ts';
import { simulate } from '../sim/simulation.ts';
import { WatchCache } from '../sim/watch-cache.ts';
import { createWorld, namespace } from '../sim/world.ts';

describe('the schedule of a simulation', () => {
  test('runs events by their moment, and those of one moment as they were planned', async () => {
    const schedule = new Schedule();
    const ran: string[] = [];
    for (const [delayMs, name] of [
      [20, 'c'],
      [10, 'a'],
      [10, 'b'],
    ] as const) {
      schedule.at(delayMs, name, () => void ran.push(`${name} at ${schedule.nowMs}`));
    }
    schedule.at(15, 'taken back', () => void ran.push('taken back'))();
    await schedule.run(100, () => false);
    expect(ran).toEqual(['a at 10', 'b at 10', 'c at 20']);
    expect(schedule.nowMs).toBe(100);
  });

  test('lets promises go on before the next event', async () => {
    const schedule = new Schedule();
    const ran: string[] = [];
    const first = async () => {
      for (let i = 0; i < 20; i++) await Promise.resolve();
      ran.push('promises');
    };
    schedule.at(1, 'first', () => void first());
    schedule.at(1, 'second', () => void ran.push('second'));
    await schedule.run(10, () => false);
    expect(ran).toEqual(['promises', 'second']);
  });
});

describe('a simulation', () => {
  test('gives the same trace for the same seed, and another one for another', async () => {
    const traces = [];
    for (const seed of [3, 3, 4]) traces.push((await simulate(drawOptions(seed, undefined))).hash);
    expect(traces[0]).toBe(traces[1]);
    expect(traces[2]).not.toBe(traces[0]);
  });

  test('promotes a good version when nothing goes wrong', async () => {
    const { violations, outcomes } = await simulate(fixedOptions('promote in place', 2));
    expect([violations, outcomes]).toEqual([[], ['Promoted']]);
  });

  test('ends in the same way when the only replica dies at a call', async () => {
    const { violations, outcomes } = await simulate(
      fixedOptions('roll back a bad version', 1, { call: 12, point: 'after' }),
    );
    expect([violations, outcomes]).toEqual([[], ['RolledBack']]);
  });

  test('finds a planted bug', async () => {
    const bug = bugs['route before intent'];
    const { violations } = await simulate(fixedOptions('promote in place', 2), { bug });
    expect(violations.join(' ')).toContain('S14');
  });
});

/** A cluster with one Service that has been written three times. */
async function aCluster() {
  const schedule = new Schedule();
  const chance = createChance(1);
  const world = createWorld(schedule, chance);
  const history = new History(world.store, schedule);
  for (const port of [80, 81, 82]) {
    world.apply({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'app', namespace },
      spec: { selector: { app: 'app' }, ports: [{ name: 'http', port }] },
    });
    await schedule.run(schedule.nowMs + 1_000, () => false);
  }
  const ref = { kind: kinds.service, namespace, name: 'app' };
  return { schedule, chance, world, history, ref };
}

describe('the watches of a simulated replica', () => {
  test('see nothing before it is delivered, and never go back', async () => {
    const { history, ref } = await aCluster();
    const cache = new WatchCache(history, 500, () => {});
    const port = () => cache.get<Service>(ref)?.spec.ports?.[0]?.port;
    expect(port()).toBe(80);
    cache.deliver(kinds.service, 3);
    expect(port()).toBe(82);
    cache.relist(kinds.service, 1_500);
    expect(port()).toBe(82);
  });
});

describe('the API server of a simulation', () => {
  const patch = { type: 'merge', body: { metadata: { labels: { team: 'shop' } } } } as const;
  const labelsOf = ({ world, ref }: Awaited<ReturnType<typeof aCluster>>) => world.store.get(ref).metadata.labels;

  async function callWith(faults: Partial<typeof noFaults>, life: Partial<Life> = {}) {
    const cluster = await aCluster();
    const { schedule, chance, world, history } = cluster;
    const network: Network = {
      world,
      schedule,
      history,
      chance,
      faults: { ...noFaults, ...faults },
      calls: 0,
      crashAt: undefined,
    };
    let alive = true;
    const whole: Life = {
      id: 'r0',
      alive: () => alive,
      die: () => {
        alive = false;
      },
      noteWrite: () => {},
      ...life,
    };
    let answer = 'none';
    const call = createKubePort(network, whole).patch(cluster.ref, patch);
    call.then(
      () => (answer = 'done'),
      (error: unknown) => (answer = error instanceof KubeError ? error.reason : String(error)),
    );
    await schedule.run(schedule.nowMs + 10_000, () => false);
    return { answer, labels: labelsOf(cluster) };
  }

  test('carries a call out', async () => {
    expect(await callWith({})).toEqual({ answer: 'done', labels: { team: 'shop' } });
  });

  test('has carried it out when only the answer is lost', async () => {
    expect(await callWith({ loseReply: 1 })).toEqual({ answer: 'unknown', labels: { team: 'shop' } });
  });

  test('has not when the request is lost', async () => {
    expect(await callWith({ loseRequest: 1 })).toEqual({ answer: 'unknown', labels: undefined });
  });

  test('carries it out although the caller has given up when the request is late', async () => {
    expect(await callWith({ late: 1 })).toEqual({ answer: 'unknown', labels: { team: 'shop' } });
  });

  test('never answers a replica that has died', async () => {
    expect((await callWith({ crash: 3 })).answer).toBe('none');
  });
});
