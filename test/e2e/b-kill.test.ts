import { expect, test } from 'vitest';
import type { CanaryStatus } from '../../src/api/canary-status.ts';
import type { Canary } from '../../src/api/canary.ts';
import { kinds } from '../../src/api/kinds.ts';
import { fenceAnnotation } from '../../src/api/names.ts';
import type { Deployment, Route } from '../../src/api/objects.ts';
import type { ApiRequest } from '../../src/sandbox/http/api-server/api-request.ts';
import { type KillPoint, openKillStand } from './b-process.ts';
import { type Shop, type Stored, openShop, record } from './b-shop.ts';
import type { Stand } from './stand.ts';

const on = (request: ApiRequest, verb: string, plural: string) =>
  request.verb === verb && request.resource?.plural === plural && request.resource.subresource === undefined;
const statusWith = (request: ApiRequest, text: string) =>
  request.verb === 'patch' && request.resource?.subresource === 'status' && request.body.includes(text);

/** Runs a release and keeps every version of what it touches. */
async function watched(stand: Stand, name: string, next: string) {
  const shop = await openShop(stand, name, { mode: 'targetRef', next, perSecond: 60 });
  const records = {
    route: record<Route>(stand, kinds.httpRoute, name),
    target: record<Deployment>(stand, kinds.deployment, name),
    carrier: record<Deployment>(stand, kinds.deployment, `${name}-canary`),
  };
  return {
    shop,
    route: records.route.entries,
    target: records.target.entries,
    carrier: records.carrier.entries,
    async stop() {
      for (const { end } of Object.values(records)) end();
      await shop.stop();
    },
  };
}

/** The values in the order in which they came, without repeats of the one before. */
function changes<T>(values: T[]): T[] {
  return values.filter((value, at) => at === 0 || value !== values[at - 1]);
}

function statuses(shop: Shop): CanaryStatus[] {
  return shop.stored.flatMap(({ object }) => object.status ?? []);
}

/** The canary's share in each version of a route, with the fence that came with it. */
function sharesOf(
  route: Stored<Route>[],
  canary: Canary,
): { share: number; fence: string | undefined; atMs: number }[] {
  return route.map(({ object, atMs }) => {
    const refs = object.spec.rules?.[0]?.backendRefs ?? [];
    const other = refs.find(({ name }) => name === `${canary.metadata.name}-canary`)?.weight ?? 0;
    const all = refs.reduce((sum, { weight = 1 }) => sum + weight, 0);
    const fence = object.metadata.annotations?.[fenceAnnotation(canary.metadata.uid ?? '')];
    return { share: (100 * other) / all, fence, atMs };
  });
}

/** Nothing was written twice: each fence once on the route, the carrier made and deleted once. */
function expectOnce({ shop, route, carrier }: Awaited<ReturnType<typeof watched>>, stand: Stand): void {
  const fences = changes(sharesOf(route, stand.canary(shop.name)).map(({ fence }) => fence)).filter(Boolean);
  expect(new Set(fences).size).toBe(fences.length);
  const specs = route.map(({ object }) => JSON.stringify([object.spec, object.metadata.annotations]));
  expect(changes(specs).filter((spec) => spec.includes('fence.linnet.dev'))).toHaveLength(fences.length);
  expect(carrier.filter(({ type }) => type === 'ADDED')).toHaveLength(1);
  expect(carrier.filter(({ type }) => type === 'DELETED')).toHaveLength(1);
  expect(changes(statuses(shop).map(({ attempt }) => attempt))).toEqual([0, 1]);
  expect(shop.status().history).toHaveLength(1);
}

test.concurrent('a release whose engine is killed at twelve calls ends promoted, no step skipped or repeated', async () => {
  const points = (stand: () => Stand): KillPoint[] => {
    const status = () => stand().get<Canary>(kinds.canary, 'good')?.status;
    const route = (weight: number, leg: 'out' | 'return') => (request: ApiRequest) =>
      on(request, 'patch', 'httproutes') && status()?.intent?.weight === weight && status()?.release?.leg === leg;
    const named = (request: ApiRequest, verb: string, name: string) =>
      on(request, verb, 'deployments') && request.resource?.name === name;
    return [
      { at: 'canary Service made', when: 'after', is: (request) => on(request, 'create', 'services') },
      { at: 'canary Deployment not made', when: 'before', is: (request) => on(request, 'create', 'deployments') },
      { at: 'not attached', when: 'before', is: route(0, 'out') },
      { at: '20 written', when: 'after', is: route(20, 'out') },
      { at: 'Watching said', when: 'after', is: (request) => statusWith(request, '"stage":"Watching"') },
      { at: 'carrier scaled', when: 'after', is: (request) => named(request, 'patch', 'good-canary') },
      { at: '100 not written', when: 'before', is: route(100, 'out') },
      { at: 'target let go', when: 'after', is: (r) => named(r, 'patch', 'good') && status()?.stage === 'Committing' },
      { at: '50 on the return not written', when: 'before', is: route(50, 'return') },
      {
        at: 'route restored',
        when: 'after',
        is: (r) => on(r, 'patch', 'httproutes') && status()?.stage === 'Cleaning',
      },
      { at: 'carrier deleted', when: 'after', is: (request) => named(request, 'delete', 'good-canary') },
      { at: 'end not said', when: 'before', is: (request) => statusWith(request, '"outcome":"Promoted"') },
    ];
  };
  const kills = await openKillStand(points);
  const { stand } = kills;
  const run = await watched(stand, 'good', 'v2');
  const { shop, route, target } = run;
  const before = stand.route('good');
  kills.start();
  try {
    await shop.release();
    await shop.reaches('the end', ({ history, stage }) => history !== undefined && stage === 'Resting', 150_000);
    expect(kills.killed).toEqual(points(() => stand).map(({ at }) => at));
    expect(shop.status()).toMatchObject({ phase: 'Succeeded', attempt: 1, history: [{ outcome: 'Promoted' }] });
    expect(changes(statuses(shop).map(({ canaryWeight }) => canaryWeight))).toEqual([0, 20, 50, 100, 50, 0]);
    const shares = sharesOf(route, stand.canary('good'));
    expect(changes(shares.map(({ share }) => share))).toEqual([0, 20, 50, 100, 50, 0]);
    for (const [from, to] of [
      [20, 50],
      [50, 100],
    ] as const) {
      const since = (share: number) => shares.find((one) => one.share === share)?.atMs ?? 0;
      expect(since(to) - since(from)).toBeGreaterThanOrEqual(5_000);
    }
    expect(changes(target.map(({ object }) => object.spec.paused === true))).toEqual([false, true, false, true]);
    expectOnce(run, stand);
    expect(stand.route('good')).toMatchObject({ spec: before.spec });
    expect(stand.route('good').metadata.annotations).toBeUndefined();
    expect(shop.users?.failed()).toEqual([]);
  } finally {
    await run.stop();
    await kills.close();
  }
}, 180_000);

test.concurrent('a rollback whose engine is killed at seven calls ends rolled back, once', async () => {
  const points = (stand: () => Stand): KillPoint[] => {
    const status = () => stand().get<Canary>(kinds.canary, 'bad')?.status;
    const route = (stage: string) => (request: ApiRequest) =>
      on(request, 'patch', 'httproutes') && status()?.stage === stage;
    return [
      { at: 'rollback decided', when: 'after', is: (request) => statusWith(request, '"stage":"Retreating"') },
      { at: 'rollback not written', when: 'before', is: route('Retreating') },
      { at: 'rollback written', when: 'after', is: route('Retreating') },
      { at: 'Draining not said', when: 'before', is: (request) => statusWith(request, '"stage":"Draining"') },
      { at: 'Cleaning said', when: 'after', is: (request) => statusWith(request, '"stage":"Cleaning"') },
      { at: 'route restored', when: 'after', is: route('Cleaning') },
      { at: 'canary Service not deleted', when: 'before', is: (request) => on(request, 'delete', 'services') },
    ];
  };
  const kills = await openKillStand(points);
  const { stand } = kills;
  const run = await watched(stand, 'bad', 'v2-err50');
  const { shop, route, target } = run;
  kills.start();
  try {
    await shop.release();
    await shop.reaches('the end', ({ history, stage }) => history !== undefined && stage === 'Resting', 150_000);
    expect(kills.killed).toEqual(points(() => stand).map(({ at }) => at));
    expect(shop.status()).toMatchObject({
      phase: 'Failed',
      history: [{ outcome: 'RolledBack', reason: 'CheckFailed' }],
    });
    const shares = sharesOf(route, stand.canary('bad'));
    expect(changes(shares.map(({ share }) => share))).toEqual([0, 20, 0]);
    expect(changes(target.map(({ object }) => object.spec.paused === true))).toEqual([false, true]);
    expectOnce(run, stand);
    const home = shares.find(
      ({ share, atMs }, at) => at > 0 && share === 0 && atMs > (shares.find((s) => s.share === 20)?.atMs ?? 0),
    );
    // The gateway has a second to hear of it.
    expect(shop.users?.by('v2', (home?.atMs ?? 0) + 1_000)).toEqual([]);
    expect(shop.users?.failed().filter(({ version }) => version !== 'v2')).toEqual([]);
  } finally {
    await run.stop();
    await kills.close();
  }
}, 180_000);
