import { describe, expect, test } from 'vitest';
import { type Kind, kinds } from '../../src/api/kinds.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import type { Effect } from '../../src/decide/view.ts';
import { carryOut } from '../../src/effects/carry-out.ts';
import { tellOfEnd } from '../../src/effects/events.ts';
import { KubeError } from '../../src/ports/kube.ts';
import { quiet } from '../kube/stand.ts';
import { type Shop, aRelease, aWaitingRelease, openShop } from './release.ts';

/** Everything of a kind that decides something, so that two moments can be compared. */
function world({ store }: Shop): KubeObject[] {
  return [kinds.canary, kinds.deployment, kinds.service, kinds.httpRoute, kinds.podDisruptionBudget].flatMap(
    (kind) => store.list(kind).items,
  );
}

async function failureOf(shop: Shop, effect: Effect, look: Parameters<typeof carryOut>[2]): Promise<KubeError> {
  const failure: unknown = await carryOut(shop.kube, effect, look).catch((error: unknown) => error);
  if (failure instanceof KubeError) return failure;
  throw new Error(`${effect.do} did not fail: ${String(failure)}`);
}

const annotate = (kind: Kind, name: string) => (shop: Shop) =>
  shop.edit(kind, name, { metadata: { annotations: { touched: 'meanwhile' } } });

const canaryChanges = annotate(kinds.canary, 'shop');
const abort = { metadata: { annotations: { 'command.linnet.dev/stop': '{"verb":"abort"}' } } };

/** A release that was taken back, up to the point where things are removed. */
async function anEnd(): Promise<Shop> {
  const shop = await aRelease();
  shop.edit(kinds.canary, 'shop', abort);
  await shop.settle();
  shop.accept();
  await shop.settle();
  shop.pass(60);
  return shop;
}

type Row = [effect: Effect['do'], open: () => Promise<Shop>, meddle: (shop: Shop) => void];

const rows: Row[] = [
  ['addFinalizer', async () => openShop(), canaryChanges],
  ['writeStatus', async () => openShop(), canaryChanges],
  ['holdTarget', async () => openShop(), annotate(kinds.deployment, 'shop')],
  ['createCanaryService', () => aWaitingRelease(), canaryChanges],
  ['createCanaryDeployment', () => aWaitingRelease(), canaryChanges],
  ['shiftRoute', () => aRelease(), annotate(kinds.httpRoute, 'shop')],
  ['restoreRoute', anEnd, annotate(kinds.httpRoute, 'shop')],
  ['stripRoute', anEnd, annotate(kinds.httpRoute, 'shop')],
  ['deleteCanaryDeployment', anEnd, (shop) => remake(shop, kinds.deployment)],
  ['deleteCanaryService', anEnd, (shop) => remake(shop, kinds.service)],
];

/** Somebody deletes the canary's object and makes one of their own under the same name. */
function remake({ store }: Shop, kind: Kind): void {
  const ref = { kind, namespace: 'shop', name: 'shop-canary' };
  const { metadata, status: _, ...rest } = store.get(ref);
  store.delete(ref);
  store.create(kind, { ...rest, metadata: { name: metadata.name, namespace: 'shop' } }, { fieldManager: 'kubectl' });
}

describe('an effect whose object has changed since the look', () => {
  test.each(rows)('%s is a conflict and changes nothing', async (what, open, meddle) => {
    const shop = await open();
    const { look, effect } = await until(shop, what);
    meddle(shop);
    const before = world(shop);
    // As it is decided when the stage is not young any more.
    const late: Effect = effect.do === 'createCanaryService' ? { ...effect, confirm: true } : effect;
    const failure = await failureOf(shop, late, look);
    expect(failure.reason).toBe('conflict');
    expect(world(shop)).toEqual(before);
  });

  test.each(rows)('%s is carried out when nothing has', async (what, open) => {
    const shop = await open();
    const { look, effect } = await until(shop, what);
    const before = world(shop);
    await carryOut(shop.kube, effect, look);
    expect(world(shop)).not.toEqual(before);
  });

  /** Until a route is written, the gateway takes it in between. */
  async function until(shop: Shop, what: Effect['do']) {
    if (what !== 'shiftRoute') return shop.until(what);
    return shop.until('shiftRoute').catch(() => shop.decideNext());
  }

  test('letTargetGo gives the target no other template than the analysed one', async () => {
    const shop = await aWaitingRelease();
    const { look } = await shop.decideNext();
    const failure = await failureOf(shop, { do: 'letTargetGo', name: 'shop', digest: 'f'.repeat(64) }, look);
    expect(failure.reason).toBe('conflict');
    expect(shop.deployment().spec.paused).toBe(true);
  });

  test('letTargetGo is a conflict when the template changes at the last moment', async () => {
    const shop = await aWaitingRelease();
    const { look } = await shop.decideNext();
    const digest = look.view.target?.specDigest ?? '';
    shop.edit(kinds.deployment, 'shop', { spec: { template: { metadata: { annotations: { build: '3' } } } } });
    expect((await failureOf(shop, { do: 'letTargetGo', name: 'shop', digest }, look)).reason).toBe('conflict');
    expect(shop.deployment().spec.paused).toBe(true);
  });

  test('a command is removed only as it was read', async () => {
    const shop = await aRelease();
    shop.edit(kinds.canary, 'shop', abort);
    const { look, effect } = await shop.until('removeCommand');
    shop.edit(kinds.canary, 'shop', {
      metadata: { annotations: { 'command.linnet.dev/stop': null, 'command.linnet.dev/go': '{"verb":"resume"}' } },
    });
    expect((await failureOf(shop, effect, look)).reason).toBe('conflict');
    expect(Object.keys(shop.canary().metadata.annotations ?? {})).toEqual(['command.linnet.dev/go']);
  });
});

describe('holding the target', () => {
  test('owns spec.paused and nothing else', async () => {
    const shop = openShop();
    const { look, effect } = await shop.until('holdTarget');
    await carryOut(shop.kube, effect, look);
    const entry = shop.deployment().metadata.managedFields?.find(({ manager }) => manager === 'linnet');
    expect(entry?.fieldsV1).toEqual({ 'f:spec': { 'f:paused': {} } });
  });

  test('ends without a trace', async () => {
    const shop = openShop();
    const before = shop.deployment();
    await shop.settle();
    shop.store.delete({ kind: kinds.canary, namespace: 'shop', name: 'shop' });
    const { look, effect } = await shop.until('removeFinalizer');
    await carryOut(shop.kube, effect, look);
    expect(shop.find(kinds.canary, 'shop')).toBeUndefined();
    expect(shop.deployment().spec).toEqual(before.spec);
    expect(shop.deployment().metadata.managedFields?.map(({ manager }) => manager)).not.toContain('linnet');
  });
});

describe("the stable pods' disruption budget", () => {
  const budget = (spec: string) =>
    `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: shop, namespace: shop, labels: {team: a}}, spec: {${spec}, selector: {matchLabels: {app: shop}}}}`;

  test.each([
    ['minAvailable: 3', { minAvailable: '75%' }],
    ['minAvailable: 50%', { minAvailable: '50%' }],
    ['maxUnavailable: 1', { maxUnavailable: 1 }],
    ['minAvailable: 9', { minAvailable: '100%' }],
  ])('with %s is copied for the attempt and removed after it', async (spec, expected) => {
    const shop = await aRelease({ more: [budget(spec)] });
    const uid = shop.canary().metadata.uid ?? '';
    expect(shop.get(kinds.podDisruptionBudget, 'shop-canary')).toMatchObject({
      metadata: { labels: { 'linnet.dev/canary-uid': uid } },
      spec: { ...expected, selector: { matchLabels: { 'linnet.dev/canary-uid': uid } } },
    });
    shop.edit(kinds.canary, 'shop', abort);
    await shop.settle();
    shop.accept();
    await shop.settle();
    shop.pass(60);
    await shop.settle();
    expect(shop.canary().status?.history?.[0]?.outcome).toBe('Aborted');
    expect(shop.find(kinds.podDisruptionBudget, 'shop-canary')).toBeUndefined();
    expect(shop.find(kinds.podDisruptionBudget, 'shop')).toBeDefined();
    expect(shop.find(kinds.service, 'shop-canary')).toBeUndefined();
  });

  test('costs a release without one nothing but the look for it', async () => {
    const shop = await aRelease();
    expect(shop.requests.filter((one) => one.endsWith('PodDisruptionBudget'))).toEqual(['list PodDisruptionBudget']);
  });

  test('that is there under the name of the copy is left alone', async () => {
    const own = budget('maxUnavailable: 2').replace('name: shop,', 'name: shop-canary,').replace('app: shop', 'app: x');
    const shop = await aRelease({ more: [budget('maxUnavailable: 1'), own] });
    expect(shop.get(kinds.podDisruptionBudget, 'shop-canary')).toMatchObject({ spec: { maxUnavailable: 2 } });
  });
});

describe('the end of an attempt', () => {
  async function ended(): Promise<{ shop: Shop; look: Parameters<typeof carryOut>[2]; effect: Effect }> {
    const shop = await anEnd();
    for (;;) {
      const { look, effect } = await shop.decideNext();
      if (effect.do === 'writeStatus' && effect.status.release === undefined) return { shop, look, effect };
      await carryOut(shop.kube, effect, look);
    }
  }

  test('is told in one Event on the Canary, with the outcome as its reason', async () => {
    const { shop, look, effect } = await ended();
    if (effect.do !== 'writeStatus') throw new Error('no status is written');
    await tellOfEnd({ kube: shop.kube, log: quiet }, look.objects, effect.status);
    await tellOfEnd({ kube: shop.kube, log: quiet }, look.objects, effect.status);
    expect(shop.store.list(kinds.event).items).toMatchObject([
      {
        type: 'Warning',
        reason: 'Aborted',
        involvedObject: { apiVersion: 'linnet.dev/v1beta1', kind: 'Canary', name: 'shop', namespace: 'shop' },
        source: { component: 'linnet' },
      },
    ]);
  });

  test('goes by in silence where Events may not be written', async () => {
    const { shop, look, effect } = await ended();
    if (effect.do !== 'writeStatus') throw new Error('no status is written');
    shop.refuse(kinds.event, 403);
    await tellOfEnd({ kube: shop.kube, log: quiet }, look.objects, effect.status);
    expect(shop.requests.at(-1)).toBe('create Event');
  });

  test('is not told of a status that ends nothing', async () => {
    const shop = await aRelease();
    const { look } = await shop.decideNext();
    if (look.view.status === undefined) throw new Error('there is no status');
    await tellOfEnd({ kube: shop.kube, log: quiet }, look.objects, look.view.status);
    expect(shop.store.list(kinds.event).items).toEqual([]);
  });
});

describe('a status that the CustomResourceDefinition is too old for', () => {
  test('is stored as far as it goes, and the run fails with what to do', async () => {
    const shop = openShop();
    const { look, effect } = await shop.until('writeStatus');
    if (effect.do !== 'writeStatus') throw new Error('no status is written');
    const ofTomorrow = { ...effect.status, tomorrow: true } as typeof effect.status;
    const failure = await failureOf(shop, { do: 'writeStatus', status: ofTomorrow }, look);
    expect(failure.message).toContain('status.tomorrow was not stored');
    expect(failure.reason).toBe('invalid');
    expect(shop.canary().status).toEqual(effect.status);
  });
});
