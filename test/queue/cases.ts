import { expect, test } from 'vitest';
import { KubeError } from '../../src/ports/kube.ts';
import type { Queue, Reconcile } from '../../src/ports/queue.ts';

/** A queue under test, with a clock that the test moves. */
export interface QueueStand {
  queue: Queue;
  /** Epoch milliseconds of the queue's clock. */
  now: () => number;
  /** Lets this much time pass, with everything that is due in it. */
  advance: (ms: number) => Promise<void>;
}

export type StartQueue = (reconcile: Reconcile, concurrency: number) => QueueStand | Promise<QueueStand>;

/** What every implementation of the Queue port must do. */
export function queueCases(start: StartQueue): void {
  test('a key that is added runs once, however often it was added before', async () => {
    const runs: string[] = [];
    const { queue, advance } = await start(async (key) => (runs.push(key), {}), 2);
    for (let i = 0; i < 5; i++) queue.add('shop/a');
    queue.add('shop/b');
    await advance(1_000);
    expect(runs).toEqual(['shop/a', 'shop/b']);
  });

  test('a key never runs twice at the same time, and one added during its run runs again after it', async () => {
    const gate = Promise.withResolvers<void>();
    const log: string[] = [];
    const { queue, advance } = await start(async () => {
      log.push('begin');
      if (log.length === 1) await gate.promise;
      log.push('end');
      return {};
    }, 3);
    queue.add('shop/a');
    await advance(10);
    queue.add('shop/a');
    queue.add('shop/a');
    await advance(10);
    expect(log).toEqual(['begin']);
    gate.resolve();
    await advance(10);
    expect(log).toEqual(['begin', 'end', 'begin', 'end']);
  });

  test('no more keys run at once than there are workers, and a free worker takes the next', async () => {
    const gates = new Map<string, PromiseWithResolvers<void>>();
    const { queue, advance } = await start(async (key) => {
      const gate = Promise.withResolvers<void>();
      gates.set(key, gate);
      await gate.promise;
      return {};
    }, 2);
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await advance(10);
    expect([...gates.keys()]).toEqual(['a', 'b']);
    gates.get('a')?.resolve();
    await advance(10);
    expect([...gates.keys()]).toEqual(['a', 'b', 'c']);
    for (const gate of gates.values()) gate.resolve();
    await advance(10);
  });

  test('the earliest of several wake-up times wins', async () => {
    const runs: number[] = [];
    const stand = await start(async () => (runs.push(stand.now()), {}), 1);
    const { queue, advance } = stand;
    const t0 = stand.now();
    queue.addAt('shop/a', t0 + 5_000);
    queue.addAt('shop/a', t0 + 2_000);
    queue.addAt('shop/a', t0 + 9_000);
    await advance(1_900);
    expect(runs).toEqual([]);
    await advance(20_000);
    expect(runs).toHaveLength(1);
    expect((runs[0] ?? 0) - t0).toBeGreaterThanOrEqual(2_000);
    expect((runs[0] ?? 0) - t0).toBeLessThan(2_200);
  });

  test('a wake-up time that is past runs the key at once', async () => {
    const runs: string[] = [];
    const stand = await start(async (key) => (runs.push(key), {}), 1);
    stand.queue.addAt('shop/a', stand.now() - 60_000);
    await stand.advance(10);
    expect(runs).toEqual(['shop/a']);
  });

  test('the wake-up time that a run asks for is kept', async () => {
    const runs: number[] = [];
    const stand = await start(async () => {
      runs.push(stand.now());
      return runs.length === 1 ? { wakeAt: stand.now() + 30_000 } : {};
    }, 1);
    stand.queue.add('shop/a');
    await stand.advance(29_900);
    expect(runs).toHaveLength(1);
    await stand.advance(60_000);
    expect(runs).toHaveLength(2);
  });

  test('a run that comes early answers for what was planned before it', async () => {
    const runs: number[] = [];
    const stand = await start(async () => {
      runs.push(stand.now());
      return runs.length === 1 ? { wakeAt: stand.now() + 30_000 } : {};
    }, 1);
    stand.queue.add('shop/a');
    await stand.advance(1_000);
    stand.queue.add('shop/a');
    await stand.advance(60_000);
    expect(runs, 'the second run asked for nothing, so there is no third').toHaveLength(2);
  });

  test('a key that fails is tried again at growing distances of at most 30 s, and success forgets the failures', async () => {
    const runs: number[] = [];
    let broken = true;
    const stand = await start(async () => {
      runs.push(stand.now());
      if (broken) throw new Error('cannot');
      return {};
    }, 1);
    stand.queue.add('shop/a');
    for (let i = 0; i < 40; i++) await stand.advance(5_000);
    const gaps = runs.slice(1).map((at, i) => at - (runs[i] ?? 0));
    expect(gaps[0]).toBeLessThan(300);
    expect(gaps.at(-1)).toBeGreaterThanOrEqual(15_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_200);
    broken = false;
    await stand.advance(31_000);
    broken = true;
    runs.length = 0;
    stand.queue.add('shop/a');
    await stand.advance(290);
    expect(runs.length, 'the first retry is as prompt as ever').toBeGreaterThanOrEqual(2);
    await stand.queue.stop();
  });

  test('one failing key does not hold up another', async () => {
    const runs: string[] = [];
    const { queue, advance } = await start(async (key) => {
      runs.push(key);
      if (key === 'bad') throw new Error('cannot');
      return {};
    }, 1);
    queue.add('bad');
    queue.add('good');
    await advance(100);
    expect(runs.slice(0, 2)).toEqual(['bad', 'good']);
    await queue.stop();
  });

  test('a lost race is looked at again promptly', async () => {
    let runs = 0;
    const { queue, advance } = await start(async () => {
      if (++runs <= 3) throw new KubeError('patch: HTTP 409', { reason: 'conflict', code: 409 });
      return {};
    }, 1);
    queue.add('shop/a');
    await advance(250);
    expect(runs).toBe(4);
  });

  test('a key that loses its race for ever is slowed down', async () => {
    let runs = 0;
    const { queue, advance } = await start(async () => {
      runs++;
      throw new KubeError('patch: HTTP 409', { reason: 'conflict', code: 409 });
    }, 1);
    queue.add('shop/a');
    for (let i = 0; i < 20; i++) await advance(3_000);
    expect(runs).toBeLessThan(20);
    await queue.stop();
  });

  test('a server that asked for time gets it', async () => {
    const runs: number[] = [];
    const stand = await start(async () => {
      runs.push(stand.now());
      if (runs.length > 1) return {};
      throw new KubeError('patch: HTTP 429', { reason: 'throttled', code: 429, retryAfterMs: 7_000 });
    }, 1);
    stand.queue.add('shop/a');
    await stand.advance(6_900);
    expect(runs).toHaveLength(1);
    await stand.advance(1_000);
    expect(runs).toHaveLength(2);
  });

  test('a forgotten key is not run any more, neither as planned nor as its run asks', async () => {
    const gate = Promise.withResolvers<void>();
    const runs: string[] = [];
    const stand = await start(async (key) => {
      runs.push(key);
      if (key === 'running') await gate.promise;
      return key === 'running' ? { wakeAt: stand.now() + 1_000 } : {};
    }, 1);
    stand.queue.add('running');
    stand.queue.addAt('planned', stand.now() + 1_000);
    await stand.advance(10);
    stand.queue.add('running');
    stand.queue.forget('running');
    stand.queue.forget('planned');
    gate.resolve();
    await stand.advance(10_000);
    expect(runs).toEqual(['running']);
    stand.queue.add('planned');
    await stand.advance(10);
    expect(runs).toEqual(['running', 'planned']);
  });

  test('stop waits for the runs under way and starts no other', async () => {
    const gate = Promise.withResolvers<void>();
    const runs: string[] = [];
    const { queue, advance } = await start(async (key) => {
      runs.push(key);
      await gate.promise;
      return { wakeAt: 0 };
    }, 1);
    queue.add('a');
    queue.add('b');
    await advance(10);
    let stopped = false;
    const stop = queue.stop().then(() => (stopped = true));
    await advance(10);
    expect(stopped).toBe(false);
    gate.resolve();
    await stop;
    queue.add('c');
    await advance(10_000);
    expect(runs).toEqual(['a']);
  });
}
