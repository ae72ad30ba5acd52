import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CanaryStatus } from '../../src/api/canary-status.ts';
import type { Canary } from '../../src/api/canary.ts';
import { durationMs } from '../../src/api/duration.ts';
import { kinds } from '../../src/api/kinds.ts';
import type { EndpointSlice, Route } from '../../src/api/objects.ts';
import { shareCarried } from '../../src/decide/capacity.ts';
import { systemClock } from '../../src/system.ts';
import { endpointsOf } from '../../src/view/pods.ts';
import { type Shop, type ShopOptions, openShop } from './b-shop.ts';
import { type Stand, namespace, openStand } from './stand.ts';

const replicas = 4;

let stand: Stand;
const closing: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  stand = await openStand();
  await stand.startEngine();
});
afterAll(async () => {
  await Promise.all(closing.map(async (close) => close()));
  await stand.close();
});

/** A write of the route that gave a side more than before. */
interface Raise {
  side: 'stable' | 'canary';
  share: number;
  ready: number;
  full: number;
  /** Which named exception allows more than the ready pods carry, if one does. */
  exception: 'other side has no pods' | 'retreatTimeout' | undefined;
  fits: boolean;
}

interface Watched {
  shop: Shop;
  raises: Raise[];
  /** The canary's share in each stored version of the route. */
  shares: { atMs: number; share: number }[];
}

/** Looks at each write of the route in the moment in which it is stored. */
async function open(name: string, options: ShopOptions): Promise<Watched> {
  const shop = await openShop(stand, name, { replicas, perSecond: 20, ...options });
  const raises: Raise[] = [];
  const shares: Watched['shares'] = [{ atMs: systemClock.now(), share: 0 }];
  const stable = options.mode === 'targetRef' ? name : `${name}-v1`;
  const canary = options.mode === 'targetRef' ? `${name}-canary` : `${name}-v2`;
  const selection = { namespace, fieldSelector: `metadata.name=${name}` };
  const end = stand.sandbox.store.watch(kinds.httpRoute, selection, ({ object }) => {
    const share = shareOf(object as Route, canary);
    const before = shares.at(-1)?.share ?? 0;
    if (share === before) return;
    shares.push({ atMs: systemClock.now(), share });
    const side = share > before ? 'canary' : 'stable';
    raises.push(judge(shop, side, side === 'canary' ? share : 100 - share, { stable, canary }));
  });
  closing.push(end, () => shop.stop());
  await shop.release();
  return { shop, raises, shares };
}

function shareOf(route: Route, canary: string): number {
  const refs = route.spec.rules?.[0]?.backendRefs ?? [];
  const weight = (of: typeof refs) => of.reduce((sum, ref) => sum + (ref.weight ?? 1), 0);
  return (100 * weight(refs.filter((ref) => ref.name === canary))) / weight(refs);
}

function judge(
  { name, stored }: Shop,
  side: Raise['side'],
  share: number,
  services: Record<Raise['side'], string>,
): Raise {
  const ready = (one: Raise['side']) => readyPods(services[one]);
  const { release } = stand.get<Canary>(kinds.canary, name)?.status ?? {};
  const full = release?.full ?? 0;
  const other = side === 'stable' ? 'canary' : 'stable';
  const waiting = stored.findLast(({ object: { status } }) => status?.stage === 'Shifting')?.object.status?.stageSince;
  const since = release?.retreat?.since ?? waiting ?? '';
  const timedOut = systemClock.now() - Date.parse(since) >= durationMs(release?.frozen.retreatTimeout ?? '30s');
  const exception = ready(other) === 0 ? 'other side has no pods' : timedOut ? 'retreatTimeout' : undefined;
  return { side, share, ready: ready(side), full, exception, fits: shareCarried(full, ready(side)) >= share };
}

function readyPods(service: string): number {
  return endpointsOf(stand.sandbox.store.list(kinds.endpointSlice, { namespace }).items as EndpointSlice[], service)
    .ready;
}

function scale(name: string, to: number): void {
  stand.edit(kinds.deployment, name, { spec: { replicas: to } });
}

/** As an autoscaler that has noticed the load: one pod more every two seconds. */
async function growSlowly(name: string): Promise<void> {
  for (let to = (stand.deployment(name).spec.replicas ?? 0) + 1; to <= replicas; to++) {
    await new Promise<void>((resolve) => systemClock.after(2_000, resolve));
    scale(name, to);
  }
}

const outcome = ({ history }: CanaryStatus) => history?.[0]?.outcome;
const inPlace: ShopOptions = { mode: 'targetRef' };

/** Milliseconds from `sinceMs` to the first stored route without a share of the canary. */
function untilZero({ shares }: Watched, sinceMs: number): number {
  const found = shares.find(({ atMs, share }) => atMs >= sinceMs && share === 0);
  return found === undefined ? Number.POSITIVE_INFINITY : found.atMs - sinceMs;
}

for (const weight of [50, 100]) {
  test.concurrent(`an abort at ${weight} gives stable no more than its shrunken pods carry, and ends as they come`, async () => {
    const watched = await open(`abort-${weight}`, inPlace);
    const { shop, raises, shares } = watched;
    await shop.reaches(`weight ${weight}`, ({ canaryWeight }) => canaryWeight === weight, 60_000);
    scale(shop.name, 1);
    await shop.reaches('shrunk', () => readyPods(shop.name) === 1);
    shop.command('a', { verb: 'abort' });
    await shop.reaches('hold', ({ hold }) => hold?.reason === 'NotEnoughPods');
    await growSlowly(shop.name);
    await shop.reaches('end', (status) => outcome(status) === 'Aborted');
    expect(raises.filter(({ fits }) => !fits)).toEqual([]);
    const back = shares.map(({ share }) => share).slice(shares.findLastIndex(({ share }) => share === weight) + 1);
    expect(back).toEqual(weight === 100 ? [75, 50, 25, 0] : [25, 0]);
    expect(shop.users?.failed()).toEqual([]);
  });
}

test.concurrent('an abort ends after retreatTimeout although the pods of stable never come', async () => {
  const watched = await open('abort-alone', { ...inPlace, spec: { retreatTimeout: '5s' } });
  const { shop, raises } = watched;
  await shop.reaches('weight 100', ({ canaryWeight }) => canaryWeight === 100, 60_000);
  scale(shop.name, 1);
  await shop.reaches('shrunk', () => readyPods(shop.name) === 1);
  shop.command('a', { verb: 'abort' });
  await shop.reaches('end', (status) => outcome(status) === 'Aborted');
  expect(raises.filter(({ fits, exception }) => !fits && exception === undefined)).toEqual([]);
  expect(raises.filter(({ fits }) => !fits)).toMatchObject([
    { side: 'stable', share: 100, exception: 'retreatTimeout' },
  ]);
  expect(shop.users?.failed()).toEqual([]);
});

test.concurrent('the traffic returns from the carrier to a shrunken target as its pods come', async () => {
  const { shop, raises } = await open('return', inPlace);
  await shop.reaches('weight 100', ({ canaryWeight }) => canaryWeight === 100, 60_000);
  scale(shop.name, 1);
  await shop.reaches(
    'hold',
    ({ hold, release }) => release?.leg === 'return' && hold?.reason === 'NotEnoughPods',
    60_000,
  );
  await growSlowly(shop.name);
  await shop.reaches('promotion', (status) => outcome(status) === 'Promoted', 60_000);
  expect(raises.filter(({ fits }) => !fits)).toEqual([]);
  expect(shop.users?.failed()).toEqual([]);
});

test.concurrent('the return ends after retreatTimeout although the pods of the target never come', async () => {
  const { shop, raises } = await open('return-alone', { ...inPlace, spec: { retreatTimeout: '5s' } });
  await shop.reaches('weight 100', ({ canaryWeight }) => canaryWeight === 100, 60_000);
  scale(shop.name, 1);
  await shop.reaches('promotion', (status) => outcome(status) === 'Promoted', 60_000);
  expect(raises.filter(({ fits, exception }) => !fits && exception === undefined)).toEqual([]);
  expect(shop.users?.failed()).toEqual([]);
});

test.concurrent('a canary that a person scales to 0 loses its traffic within 5 seconds', async () => {
  const watched = await open('scaled-away', inPlace);
  const { shop } = watched;
  await shop.reaches('weight 50', ({ canaryWeight }) => canaryWeight === 50);
  const start = systemClock.now();
  scale(`${shop.name}-canary`, 0);
  await shop.reaches('end', (status) => outcome(status) === 'Failed');
  expect(shop.status().history?.[0]?.reason).toBe('CanaryPodsGone');
  expect(untilZero(watched, start)).toBeLessThan(5_000);
});

test.concurrent('a canary whose pods crash loses its traffic within 5 seconds', async () => {
  const watched = await open('crashing', { mode: 'backends' });
  const { shop } = watched;
  await shop.reaches('weight 50', ({ canaryWeight }) => canaryWeight === 50);
  const start = systemClock.now();
  for (const pod of stand.sandbox.workloads.running().values()) {
    if (!pod.name.startsWith('crashing-v2')) continue;
    const kind = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
    const body = { spec: { containers: [{ name: 'shop', image: 'shop:v2-crash' }] } };
    const ref = { kind, namespace, name: pod.name };
    stand.sandbox.store.patch(ref, { type: 'strategic', body }, { fieldManager: 'test' });
  }
  await shop.reaches('end', (status) => outcome(status) === 'Failed');
  expect(shop.status().history?.[0]?.reason).toBe('CanaryPodsGone');
  expect(untilZero(watched, start)).toBeLessThan(5_000);
});

test.concurrent('when the pods of stable are gone the canary carries everything until they are back', async () => {
  const { shop, shares, raises } = await open('stable-gone', { mode: 'backends' });
  await shop.reaches('weight 50', ({ canaryWeight }) => canaryWeight === 50);
  const start = systemClock.now();
  scale('stable-gone-v1', 0);
  await shop.reaches('all on the canary', ({ canaryWeight }) => canaryWeight === 100);
  const moved = shares.find(({ share }) => share === 100);
  expect((moved?.atMs ?? Number.POSITIVE_INFINITY) - start).toBeLessThan(5_000);
  await shop.reaches('hold', ({ hold }) => hold?.reason === 'NotEnoughPods');
  scale('stable-gone-v1', replicas);
  await shop.reaches('end', (status) => outcome(status) === 'Failed');
  expect(shop.status().history?.[0]?.reason).toBe('StablePodsGone');
  expect(shares.at(-1)?.share).toBe(0);
  expect(raises.filter(({ fits, exception }) => !fits && exception === undefined)).toEqual([]);
});
