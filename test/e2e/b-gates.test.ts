import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { CanaryStatus } from '../../src/api/canary-status.ts';
import { kinds } from '../../src/api/kinds.ts';
import { systemClock } from '../../src/system.ts';
import { type Shop, type ShopOptions, openShop, push } from './b-shop.ts';
import { type Stand, openStand, until } from './stand.ts';

// A write that is refused for long is tried again within 30 seconds.
vi.setConfig({ testTimeout: 120_000 });

let stand: Stand;
const shops: Shop[] = [];
/** Routes whose writes are refused, with what the server says. */
const refusing = new Map<string, { code: number; reason: string; message: string }>();
let refusals = 0;

beforeAll(async () => {
  stand = await openStand({
    api: {
      intercept({ verb, resource }) {
        const answer = refusing.get(resource?.name ?? '');
        if (verb !== 'patch' || resource?.plural !== 'httproutes' || answer === undefined) return undefined;
        refusals += 1;
        return { answer: { code: answer.code, body: { kind: 'Status', status: 'Failure', ...answer } } };
      },
    },
  });
  await stand.startEngine();
});
afterAll(async () => {
  await Promise.all(shops.map((shop) => shop.stop()));
  await stand.close();
});

async function open(name: string, options: ShopOptions = {}): Promise<Shop> {
  const shop = await openShop(stand, name, options);
  shops.push(shop);
  return shop;
}

/** Waits a while, so that what must not happen would have happened. */
function pass(ms: number): Promise<void> {
  return new Promise((resolve) => systemClock.after(ms, resolve));
}

const outcome = ({ history }: CanaryStatus) => history?.[0]?.outcome;

test.concurrent('a pause holds the release, and a breach in the pause still rolls it back; retry makes a fresh attempt', async () => {
  const shop = await open('paused');
  await shop.release();
  await shop.reaches('the first step', ({ canaryWeight }) => canaryWeight === 20);
  shop.command('p', { verb: 'pause', by: 'ann', reason: 'a look at the logs' });
  await shop.reaches('hold', ({ hold }) => hold?.reason === 'Paused');
  expect(shop.status().hold?.message).toContain('Paused by ann');
  await pass(6_000);
  expect(shop.status()).toMatchObject({ canaryWeight: 20, attempt: 1 });
  // Something that the new version needs breaks: the pods are the same, their answers are not.
  for (const pod of stand.sandbox.workloads.running().values()) {
    if (pod.name.startsWith('paused-v2')) pod.behaviour.errorPercent = 50;
  }
  await shop.reaches('rollback', (status) => outcome(status) === 'RolledBack');
  expect(shop.status().history?.[0]).toMatchObject({ reason: 'CheckFailed', attempt: 1 });
  expect(Math.max(...shop.stored.map(({ object }) => object.status?.intent?.weight ?? 0))).toBe(20);
  await shop.reaches('rest', ({ stage }) => stage === 'Resting');
  for (const pod of stand.sandbox.workloads.running().values()) pod.behaviour.errorPercent = 0;
  shop.command('r', { verb: 'retry', revision: shop.status().revision });
  await shop.reaches('a fresh attempt', ({ attempt, canaryWeight }) => attempt === 2 && canaryWeight === 20);
  expect(shop.status()).toMatchObject({ failedChecks: 0, stepIndex: 0 });
  expect(shop.status().paused).toBeUndefined();
  await shop.reaches('promotion', (status) => outcome(status) === 'Promoted', 60_000);
});

test.concurrent('suspend keeps a revision waiting, and holds a release where it is', async () => {
  const shop = await open('suspended', { mode: 'targetRef', spec: { suspend: true } });
  await shop.release();
  await shop.reaches('hold', ({ hold }) => hold?.reason === 'Suspended');
  expect(shop.status()).toMatchObject({ stage: 'Resting', phase: 'Waiting', attempt: 0 });
  stand.edit(kinds.canary, shop.name, { spec: { suspend: false } });
  await shop.reaches('the first step', ({ canaryWeight }) => canaryWeight === 20);
  stand.edit(kinds.canary, shop.name, { spec: { suspend: true } });
  await shop.reaches('hold', ({ hold }) => hold?.reason === 'Suspended');
  await pass(4_000);
  expect(shop.status()).toMatchObject({ canaryWeight: 20, attempt: 1 });
  stand.edit(kinds.canary, shop.name, { spec: { suspend: null } });
  await shop.reaches('the next step', ({ canaryWeight }) => canaryWeight === 50);
  await shop.reaches('promotion', (status) => outcome(status) === 'Promoted', 60_000);
  expect(shop.users?.failed()).toEqual([]);
});

test.concurrent('skipAnalysis goes to 100 in one step and asks no metrics', async () => {
  const metricsServer = { address: 'http://127.0.0.1:1' };
  const shop = await open('skipping', { spec: { skipAnalysis: true, metricsServer }, next: 'v2-err50' });
  await shop.release();
  await shop.reaches('promotion', (status) => outcome(status) === 'Promoted');
  const asked = shop.stored.flatMap(({ object }) => object.status?.intent?.weight ?? []);
  expect([...new Set(asked)]).toEqual([0, 100]);
});

for (const mode of ['backends', 'targetRef'] as const) {
  test.concurrent(`pods that do not become ready in progressDeadlineSeconds end the attempt without traffic (${mode})`, async () => {
    const name = `unready-${mode.toLowerCase()}`;
    const shop = await open(name, { mode, next: 'v2-notready', spec: { progressDeadlineSeconds: 10 } });
    await shop.release();
    await shop.reaches('hold', ({ hold }) => hold?.reason === 'NotEnoughPods');
    await shop.reaches('end', (status) => outcome(status) === 'Failed');
    expect(shop.status().history?.[0]).toMatchObject({ reason: 'ProgressDeadlineExceeded' });
    await shop.reaches('rest', ({ stage }) => stage === 'Resting');
    expect(shop.status().phase).toBe('Failed');
    expect(shop.users?.failed()).toEqual([]);
    expect(shop.users?.by('v2')).toEqual([]);
    if (mode === 'backends') return;
    expect(stand.get(kinds.deployment, `${name}-canary`)).toBeUndefined();
    push(stand, name, 'v3');
    await shop.reaches('the next revision', ({ attempt, canaryWeight }) => attempt === 2 && canaryWeight === 20);
  });
}

test.concurrent('writes of the route that are forbidden hold the release with the reason, without a hot loop', async () => {
  const shop = await open('forbidden');
  const message = 'User "linnet" cannot patch resource "httproutes"';
  const forbidden = { code: 403, reason: 'Forbidden', message };
  refusing.set(shop.name, forbidden);
  await shop.release();
  await shop.reaches('hold', ({ hold }) => hold?.reason === 'Forbidden');
  expect(shop.status().hold?.message).toMatch(/^patch HTTPRoute shop\/forbidden: HTTP 403: .*cannot patch resource/);
  const [triedBefore, storedBefore] = [refusals, shop.stored.length];
  await pass(8_000);
  // Besides the tries that grow rarer, each change of a Deployment beside it is a reason to look.
  expect(refusals - triedBefore).toBeLessThan(20);
  expect(shop.stored.length - storedBefore).toBeLessThan(3);
  expect(shop.status()).toMatchObject({ canaryWeight: 0, hold: { reason: 'Forbidden' } });
  refusing.delete(shop.name);
  await shop.reaches('the first step', ({ canaryWeight }) => canaryWeight === 20, 45_000);
  expect(shop.status().hold).toBeUndefined();
  // In the middle the way back is refused: that is said too, and the way back is taken when it is open.
  refusing.set(shop.name, forbidden);
  shop.command('a', { verb: 'abort' });
  await shop.reaches('hold', ({ hold, stage }) => stage === 'Retreating' && hold?.reason === 'Forbidden');
  refusing.delete(shop.name);
  await shop.reaches('end', (status) => outcome(status) === 'Aborted', 45_000);
  expect(shop.users?.failed()).toEqual([]);
  await until(
    'the route restored',
    () => stand.route(shop.name).spec.rules?.[0]?.backendRefs?.[0]?.weight !== 80,
    () => stand.route(shop.name),
  );
});

test.concurrent('a write that admission denies holds the release with the words of the denial', async () => {
  const shop = await open('denied', { replicas: 1 });
  const message = 'admission webhook "routes.example.com" denied the request: weights are frozen today';
  refusing.set(shop.name, { code: 422, reason: 'Invalid', message });
  await shop.release();
  await shop.reaches('hold', ({ hold }) => hold?.reason === 'WriteRefused');
  expect(shop.status().hold?.message).toContain(`patch HTTPRoute shop/denied: HTTP 422: ${message}`);
  refusing.delete(shop.name);
  await shop.reaches('the first step', ({ canaryWeight, hold }) => canaryWeight === 20 && hold === undefined, 45_000);
});
