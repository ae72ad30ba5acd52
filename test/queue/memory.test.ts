import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KubeError } from '../../src/ports/kube.ts';
import type { Log } from '../../src/ports/log.ts';
import type { Reconcile } from '../../src/ports/queue.ts';
import { createQueue } from '../../src/queue/memory.ts';
import { Timetable } from '../../src/queue/timetable.ts';
import { type QueueStand, queueCases } from './cases.ts';
import { createVirtualClock } from './virtual-clock.ts';

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };

function stand(
  reconcile: Reconcile,
  concurrency: number,
): QueueStand & { clock: ReturnType<typeof createVirtualClock> } {
  const clock = createVirtualClock();
  let state = 1;
  const random = { next: () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647, uuid: () => 'none' };
  const queue = createQueue({ clock, random, reconcile, concurrency, log: quiet });
  return { queue, clock, now: clock.now, advance: clock.advance };
}

describe('the queue in memory', () => {
  queueCases(stand);

  test('nothing planned means no timer', async () => {
    const { queue, clock, advance } = stand(async () => ({}), 2);
    for (let i = 0; i < 200; i++) queue.add(`shop/${i}`);
    await advance(10);
    expect(clock.timers()).toBe(0);
  });

  test('a thousand planned keys take one timer', async () => {
    const { queue, clock, advance } = stand(async () => ({}), 2);
    for (let i = 0; i < 1_000; i++) queue.addAt(`shop/${i}`, clock.now() + 1_000 + i);
    await advance(10);
    expect(clock.timers()).toBe(1);
  });

  test('a wall clock that jumps an hour neither hurries nor delays a wait', async () => {
    for (const jump of [3_600_000, -3_600_000]) {
      let runs = 0;
      const { queue, clock, advance } = stand(async () => (runs++, {}), 1);
      queue.addAt('shop/a', clock.now() + 10_000);
      clock.jumpWall(jump);
      await advance(9_900);
      expect(runs).toBe(0);
      await advance(200);
      expect(runs).toBe(1);
    }
  });

  test('a key that is overdue is not passed by for ever by keys that keep being added', async () => {
    const runs: string[] = [];
    const { queue, clock, advance } = stand(async (key) => {
      runs.push(key);
      await new Promise<void>((resolve) => clock.after(10, resolve));
      if (key !== 'late') queue.add(key);
      return {};
    }, 1);
    for (const key of ['a', 'b', 'c']) queue.add(key);
    queue.addAt('late', clock.now() + 50);
    await advance(200);
    expect(runs.indexOf('late')).toBeGreaterThan(0);
    expect(runs.indexOf('late')).toBeLessThan(12);
    await Promise.all([queue.stop(), advance(1_000)]);
  });
});

describe('the timetable', () => {
  test('gives keys in the order of their moments, whatever was planned, moved and dropped before', () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('set' as const),
        key: fc.integer({ min: 0, max: 20 }),
        at: fc.integer({ min: 0, max: 9 }),
      }),
      fc.record({ do: fc.constant('delete' as const), key: fc.integer({ min: 0, max: 20 }) }),
      fc.record({ do: fc.constant('take' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const table = new Timetable();
        let model: { key: string; dueAt: number }[] = [];
        for (const it of steps) {
          const key = 'key' in it ? `k${it.key}` : (table.first()?.key ?? '');
          model = model.filter((entry) => entry.key !== key);
          if (it.do === 'set') {
            table.set(key, it.at);
            model.push({ key, dueAt: it.at });
          } else {
            table.delete(key);
          }
          const first = model.toSorted((a, b) => a.dueAt - b.dueAt)[0];
          expect(table.first()?.key).toBe(first?.key);
          for (const entry of model) expect(table.dueAt(entry.key)).toBe(entry.dueAt);
        }
      }),
    );
  });
});

test('every failed run is told in the log: a conflict in a whisper, what the API refused as a warning, anything else as an error', async () => {
  const failures: Error[] = [
    new KubeError('changed meanwhile', { reason: 'conflict', code: 409 }),
    new KubeError('not allowed', { reason: 'forbidden', code: 403 }),
    new TypeError('a bug'),
  ];
  const lines: string[] = [];
  const write = (level: string) => (_fields: object, message: string) => void lines.push(`${level} ${message}`);
  const log: Log = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: () => log,
  };
  const clock = createVirtualClock();
  const reconcile = async () => {
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    return {};
  };
  const queue = createQueue({ clock, random: { next: () => 0.5, uuid: () => 'x' }, reconcile, concurrency: 1, log });
  queue.add('shop/checkout');
  await clock.advance(600_000);
  await queue.stop();
  expect(lines).toEqual(['debug changed meanwhile', 'warn not allowed', 'error a run failed']);
});
