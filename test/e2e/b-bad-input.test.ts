import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Canary } from '../../src/api/canary.ts';
import type { CanaryStatus } from '../../src/api/canary-status.ts';
import { kinds } from '../../src/api/kinds.ts';
import { commandPrefix } from '../../src/api/names.ts';
import type { Controller } from '../../src/controller.ts';
import { systemClock } from '../../src/system.ts';
import { type Shop, canaryOf, openShop, push } from './b-shop.ts';
import { canary, deployment, route, service } from './manifests.ts';
import { type Stand, namespace, openStand, until } from './stand.ts';

let stand: Stand;
let engine: Controller;
let healthy: Shop;

beforeAll(async () => {
  stand = await openStand();
  engine = await stand.startEngine();
  healthy = await openShop(stand, 'healthy', { mode: 'targetRef' });
  await healthy.release();
});
afterAll(async () => {
  await healthy.stop();
  await stand.close();
});

const ready = (name: string) =>
  stand.get<Canary>(kinds.canary, name)?.status?.conditions?.find(({ type }) => type === 'Ready');
const state = (name: string) => () => ({ canary: stand.get(kinds.canary, name), log: stand.log.slice(-10) });
const inPlace = (name: string) => `targetRef: {name: ${name}}`;
const between = (name: string) =>
  `backends: {stable: {name: ${name}-v1, port: 80}, canary: {name: ${name}-v2, port: 80}}`;

async function isReady(name: string): Promise<void> {
  await until(`${name} is ready`, () => ready(name)?.status === 'True', state(name));
}

/** A bad Canary, what the cluster around it is like, and what it must say. */
interface Row {
  row: number;
  input: string;
  name: string;
  manifests: string[];
  reason: string;
  says: RegExp;
  /** Puts right what is wrong; then the Canary must become ready. */
  mend?: (name: string) => void;
}

const plain = (name: string) => [deployment(name, 'shop:v1', { replicas: 1 }), service(name), route(name, [{ name }])];
const many = (name: string) => [
  { name },
  ...Array.from({ length: 15 }, (_, at) => ({ name: `${name}-other-${at}`, weight: 1 })),
];

const rows: Row[] = [
  {
    row: 15,
    input: 'targetRef to a Deployment that is not there',
    name: 'r15',
    manifests: [service('r15'), route('r15', [{ name: 'r15' }]), canary('r15', inPlace('r15'))],
    reason: 'TargetNotFound',
    says: /spec\.targetRef: Deployment shop\/r15 is not there/,
    mend: (name) => stand.apply(deployment(name, 'shop:v1', { replicas: 1 })),
  },
  {
    row: 17,
    input: 'target with 0 replicas',
    name: 'r17',
    manifests: [...plain('r17'), deployment('r17', 'shop:v1', { replicas: 0 }), canary('r17', inPlace('r17'))],
    reason: 'TargetScaledToZero',
    says: /Deployment r17: spec\.replicas is 0/,
    mend: (name) => stand.edit(kinds.deployment, name, { spec: { replicas: 1 } }),
  },
  {
    row: 18,
    input: "target whose selector matches another workload's pods",
    name: 'r18a',
    manifests: [
      ...plain('r18a'),
      deployment('r18a-worker', 'shop:v1', { replicas: 1, labels: 'app: r18a, part: worker' }),
      canary('r18a', inPlace('r18a')),
    ],
    reason: 'SelectorOverlap',
    says: /Deployment r18a: spec\.selector matches the pods of Deployment r18a-worker too/,
    mend: (name) => void stand.sandbox.store.delete({ kind: kinds.deployment, namespace, name: `${name}-worker` }),
  },
  {
    row: 18,
    input: 'canary Service that selects the stable pods too',
    name: 'r18b',
    manifests: [
      deployment('r18b-v1', 'shop:v1', { replicas: 1 }),
      service('r18b-v1'),
      service('r18b-v2', 'app: r18b-v1'),
      route('r18b', [{ name: 'r18b-v1' }]),
      canary('r18b', between('r18b')),
    ],
    reason: 'SelectorOverlap',
    says: /Services r18b-v1 and r18b-v2 both select the pods of Deployment r18b-v1/,
    mend: (name) => stand.apply(service(`${name}-v2`)),
  },
  {
    row: 19,
    input: 'route that is not there',
    name: 'r19a',
    manifests: [...plain('r19a').slice(0, 2), canary('r19a', inPlace('r19a'))],
    reason: 'RouteNotFound',
    says: /HTTPRoute (shop\/)?r19a is not there/,
    mend: (name) => stand.apply(route(name, [{ name }])),
  },
  {
    row: 19,
    input: 'route in another namespace',
    name: 'r19b',
    manifests: [
      ...plain('r19b').slice(0, 2),
      JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'elsewhere' } }),
      route('r19b', [{ name: 'r19b' }]).replace('namespace: shop', 'namespace: elsewhere'),
      canary('r19b', inPlace('r19b')),
    ],
    reason: 'RouteNotFound',
    says: /HTTPRoute (shop\/)?r19b is not there/,
  },
  {
    row: 19,
    input: 'route that leads elsewhere',
    name: 'r19c',
    manifests: [...plain('r19c').slice(0, 2), route('r19c', [{ name: 'healthy' }]), canary('r19c', inPlace('r19c'))],
    reason: 'RouteHasNoStableBackend',
    says: /no backendRef of r19c names a Service that selects the pods of Deployment r19c/,
    mend: (name) => stand.apply(route(name, [{ name }])),
  },
  {
    row: 20,
    input: 'stable backend twice in one rule',
    name: 'r20a',
    manifests: [
      ...plain('r20a').slice(0, 2),
      route('r20a', [
        { name: 'r20a', weight: 1 },
        { name: 'r20a', weight: 2 },
      ]),
      canary('r20a', inPlace('r20a')),
    ],
    reason: 'AmbiguousRoute',
    says: /r20a is in one rule more than once/,
    mend: (name) => stand.apply(route(name, [{ name }])),
  },
  {
    row: 20,
    input: 'rule with 16 backends',
    name: 'r20b',
    manifests: [...plain('r20b').slice(0, 2), route('r20b', many('r20b')), canary('r20b', inPlace('r20b'))],
    reason: 'TooManyBackends',
    says: /has 16 entries and Gateway API allows 16/,
  },
  {
    row: 21,
    input: 'both weights 0 at the start',
    name: 'r21',
    manifests: [
      deployment('r21-v1', 'shop:v1', { replicas: 1 }),
      deployment('r21-v2', 'shop:v2', { replicas: 1 }),
      service('r21-v1'),
      service('r21-v2'),
      route('r21', [
        { name: 'r21-v1', weight: 0 },
        { name: 'r21-v2', weight: 0 },
      ]),
      canary('r21', between('r21')),
    ],
    reason: 'WeightsAllZero',
    says: /the weights of r21-v1:80 and r21-v2 are 0/,
  },
];

test.concurrent.for(rows)('row $row: $input', async ({ row, input, name, manifests, reason, says, mend }) => {
  stand.apply(...manifests);
  await until(`${name} says ${reason}`, () => ready(name)?.reason === reason, state(name));
  console.log(`row ${row}: ${input}: ${reason}: ${ready(name)?.message}`);
  expect(ready(name)).toMatchObject({ status: 'False', message: expect.stringMatching(says) });
  expect(stand.canary(name).status).toMatchObject({ attempt: 0, canaryWeight: 0 });
  const managers = (stand.get(kinds.httpRoute, name)?.metadata.managedFields ?? []).map(({ manager }) => manager);
  expect(managers).not.toContain('linnet');
  if (mend === undefined) return;
  mend(name);
  await isReady(name);
});

test.concurrent('row 20: several rules and a third backend are fine', async () => {
  const twoRules = route('r20c', [{ name: 'r20c' }]).replace(
    '  rules:\n',
    '  rules:\n  - {matches: [{path: {value: /pay}}], backendRefs: [{name: r20c, port: 80, weight: 3}, {name: healthy, port: 80, weight: 1}]}\n',
  );
  stand.apply(...plain('r20c').slice(0, 2), twoRules, canary('r20c', inPlace('r20c')));
  await isReady('r20c');
});

const ordersTemplate = (query: string) =>
  JSON.stringify({
    apiVersion: 'linnet.dev/v1beta1',
    kind: 'MetricTemplate',
    metadata: { name: 'orders', namespace },
    spec: { provider: { type: 'prometheus' }, query },
  });

test.concurrent('row 25: a query with a syntax error is refused before the release, and holds it in its middle', async () => {
  const broken = ordersTemplate('sum(rate(orders_total{service="{{ canary }}"}[1m])');
  const sound = ordersTemplate('vector(1)');
  const analysis = { metrics: [{ name: 'orders', templateRef: { name: 'orders' }, thresholdRange: { min: 1 } }] };
  const shop = await openShop(stand, 'r25', { replicas: 1, perSecond: 10, analysis });
  await shop.release();
  const refused = async (reason: string, says: RegExp) => {
    await until(reason, () => ready('r25')?.reason === reason, state('r25'));
    console.log(`row 25: query with a syntax error: ${reason}: ${ready('r25')?.message}`);
    expect(ready('r25')).toMatchObject({ status: 'False', message: expect.stringMatching(says) });
    expect(shop.status()).toMatchObject({ canaryWeight: 0, attempt: 0 });
  };
  await refused('MetricTemplateNotFound', /metrics\[orders\]: MetricTemplate shop\/orders is not there/);
  stand.apply(broken);
  await refused('QueryInvalid', /MetricTemplate orders: .*refuses the query: .*parse error/);
  stand.apply(sound);
  await shop.reaches('the first step', ({ canaryWeight }) => canaryWeight === 20);
  stand.apply(broken);
  await shop.reaches('hold', ({ hold }) => hold?.reason === 'QueryInvalid');
  expect(shop.status().hold?.message).toMatch(/^orders: .*refuses the query: .*parse error/);
  expect(shop.status()).toMatchObject({ canaryWeight: 20, attempt: 1 });
  stand.apply(sound);
  await shop.reaches('the next step', ({ canaryWeight }) => canaryWeight === 50);
  await shop.stop();
});

test.concurrent('row 34: annotations with names of JavaScript and of 200 kB are data', async () => {
  const annotations = {
    constructor: '{"verb":"abort"}',
    toString: 'x',
    'example.com/large': 'x'.repeat(200_000),
    [`${commandPrefix}constructor`]: '{"verb":"constructor","__proto__":{"verb":"abort"}}',
  };
  stand.apply(...plain('r34'), canary('r34', inPlace('r34')));
  stand.edit(kinds.canary, 'r34', { metadata: { annotations } });
  await until('answer', () => stand.canary('r34').status?.lastCommand !== undefined, state('r34'));
  const { lastCommand } = stand.canary('r34').status as CanaryStatus;
  console.log(`row 34: odd annotations: ${lastCommand?.message}`);
  expect(lastCommand).toMatchObject({ id: 'constructor', result: 'refused' });
  await isReady('r34');
  await until(
    'the request removed',
    () => Object.keys(stand.canary('r34').metadata.annotations ?? {}).every((key) => !key.startsWith(commandPrefix)),
    state('r34'),
  );
  const kept = stand.canary('r34').metadata.annotations;
  expect(Object.keys(kept ?? {}).toSorted()).toEqual(['constructor', 'example.com/large', 'toString']);
  expect(({} as Record<string, unknown>)['verb']).toBeUndefined();
});

test.concurrent('row 35: an attempt keeps the steps that it began with', async () => {
  const shop = await openShop(stand, 'r35', { replicas: 1, perSecond: 20 });
  await shop.release();
  await shop.reaches('weight 50', ({ canaryWeight }) => canaryWeight === 50);
  stand.edit(kinds.canary, 'r35', { spec: { analysis: { stepWeights: [10] } } });
  await shop.reaches('promotion', ({ history }) => history?.[0]?.outcome === 'Promoted', 45_000);
  const asked = shop.stored.flatMap(({ object }) => object.status?.intent?.weight ?? []);
  console.log(`row 35: steps changed in mid-release: went ${[...new Set(asked)].join(', ')}`);
  expect([...new Set(asked)]).toEqual([0, 20, 50, 100]);
  await shop.stop();
});

test.concurrent('row 36: of two Canaries on one target or on one route the younger waits, until the older is gone', async () => {
  stand.apply(...plain('r36'), canary('r36', inPlace('r36')));
  await isReady('r36');
  // Ages are told in seconds.
  await new Promise<void>((resolve) => systemClock.after(1_100, resolve));
  stand.apply(canary('r36-too', inPlace('r36'), { route: 'r36' }));
  await until('refusal', () => ready('r36-too')?.reason === 'TargetInUse', state('r36-too'));
  console.log(`row 36: two Canaries on one target: TargetInUse: ${ready('r36-too')?.message}`);
  expect(ready('r36-too')?.message).toMatch(/Canary r36 is older and releases through the same Deployment r36/);
  // The same route, with a Canary that names two Services.
  stand.apply(
    canary('r36-between', 'backends: {stable: {name: r36, port: 80}, canary: {name: r36-v2, port: 80}}', {
      route: 'r36',
    }),
  );
  await until('refusal', () => ready('r36-between')?.reason === 'TargetInUse', state('r36-between'));
  console.log(`row 36: two Canaries on one backend of a route: TargetInUse: ${ready('r36-between')?.message}`);
  stand.sandbox.store.delete({ kind: kinds.canary, namespace, name: 'r36-between' });
  expect(ready('r36')?.status).toBe('True');
  stand.sandbox.store.delete({ kind: kinds.canary, namespace, name: 'r36' });
  await isReady('r36-too');
});

test.concurrent('row 37: a status that somebody else wrote stops the release, and a person must look', async () => {
  const shop = await openShop(stand, 'r37', { replicas: 1, perSecond: 20 });
  await shop.release();
  await shop.reaches('the first step', ({ canaryWeight }) => canaryWeight === 20);
  const ref = { kind: kinds.canary, namespace, name: 'r37' };
  const body = { status: { phase: 'Succeeded' } };
  stand.sandbox.store.patch(ref, { type: 'merge', body }, { fieldManager: 'somebody', subresource: 'status' });
  await shop.reaches('a pause', ({ paused }) => paused !== undefined);
  console.log(`row 37: status with a final phase: ${shop.status().paused?.by}: ${shop.status().paused?.reason}`);
  expect(shop.status().paused).toMatchObject({
    by: 'Linnet (StatusTampered)',
    reason: expect.stringMatching(/status\.phase is Succeeded/),
  });
  await shop.reaches('the way back', ({ stage }) => stage === 'Resting');
  const [rule] = stand.route('r37').spec.rules ?? [];
  expect(rule?.backendRefs?.find(({ name }) => name === 'r37-v2')?.weight ?? 0).toBe(0);
  push(stand, 'r37-v2', 'v3');
  await shop.reaches('hold', ({ hold }) => hold?.reason === 'Paused');
  expect(shop.status().hold?.message).toContain('StatusTampered');
  expect(shop.users?.failed()).toEqual([]);
  await shop.stop();
});

test.concurrent('row 38: a history keeps twenty attempts, and more are refused by the API server', async () => {
  const shop = await openShop(stand, 'r38', { replicas: 1, perSecond: 0 });
  stand.apply(canaryOf('r38', { spec: { suspend: true } }));
  await shop.reaches('rest', ({ hold }) => hold?.reason === 'Suspended');
  const entry = {
    revision: 'abc',
    digest: 'abc',
    outcome: 'Aborted',
    reason: 'Aborted',
    message: 'x'.repeat(1024),
    startedAt: '2026-01-01T00:00:00Z',
    endedAt: '2026-01-01T00:00:00Z',
  };
  const history = (length: number) => Array.from({ length }, (_, at) => ({ ...entry, attempt: length - at }));
  const write = (length: number) =>
    stand.sandbox.store.patch(
      { kind: kinds.canary, namespace, name: 'r38' },
      { type: 'merge', body: { status: { history: history(length), attempt: length } } },
      { fieldManager: 'somebody', subresource: 'status' },
    );
  expect(() => write(1000)).toThrow(/Too many: 1000: must have at most 20 items/);
  write(20);
  stand.edit(kinds.canary, 'r38', { spec: { suspend: null } });
  await shop.reaches('the next attempt', ({ attempt, stage }) => attempt === 21 && stage !== 'Preparing');
  shop.command('end', { verb: 'abort' });
  await shop.reaches('its end', ({ history: kept }) => kept?.[0]?.attempt === 21);
  expect(shop.status().history?.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 20 }, (_, at) => 21 - at));
  await shop.stop();
});

test.concurrent('what is allowed and still looks like a mistake is said in the condition Ready', async () => {
  stand.apply(...plain('odd'), canary('odd', inPlace('odd')));
  const metrics = [{ name: 'request-success-rate', thresholdRange: { min: 0.99 } }];
  stand.edit(kinds.canary, 'odd', { spec: { analysis: { metrics } } });
  await until('advice', () => ready('odd')?.message.includes('a success rate is a percentage') === true, state('odd'));
  expect(ready('odd')?.status).toBe('True');
});

test.concurrent('none of them disturbs a healthy release', async () => {
  await healthy.reaches('promotion', ({ history }) => history?.[0]?.outcome === 'Promoted', 100_000);
  expect(healthy.status().history).toHaveLength(1);
  expect(healthy.users?.failed()).toEqual([]);
  expect(engine.problems()).toEqual([]);
  expect(engine.isLeader()).toBe(true);
}, 120_000);
