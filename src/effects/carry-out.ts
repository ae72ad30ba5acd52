import type { Canary } from '../api/canary.ts';
import type { CanaryStatus } from '../api/canary-status.ts';
import { templateDigest } from '../api/digest.ts';
import { type Kind, apiVersionOf, kinds } from '../api/kinds.ts';
import { commandPrefix, fenceAnnotation, fieldManager, finalizer } from '../api/names.ts';
import type { Deployment, KubeObject, Route } from '../api/objects.ts';
import type { Effect, View } from '../decide/view.ts';
import type { JsonPatchOp } from '../api/json-patch.ts';
import { type Kube, KubeError } from '../ports/kube.ts';
import type { RoutePlan } from '../routes/plan.ts';
import { routeRestore, stripManager } from '../routes/restore.ts';
import { routeWrite } from '../routes/share.ts';
import type { Objects } from '../view/objects.ts';
import { copyBudget, removeBudget } from './budget.ts';
import { canaryDeployment, canaryService } from './canary-objects.ts';
import { leftHeld } from './events.ts';
import { prunedField } from './pruned.ts';

/** What an effect is carried out on: the look on which it was decided. */
interface Look {
  view: View;
  objects: Objects;
}

/**
 * Carries out one effect with at most one write, under the precondition that the object is still as it was seen. Throws a
 * {@link KubeError}; on `conflict` the decision is void: look again and decide anew.
 */
export async function carryOut(kube: Kube, effect: Effect, look: Look): Promise<void> {
  switch (effect.do) {
    case 'nothing':
    case 'lookFresh':
      return;
    case 'writeStatus':
      return writeStatus(kube, look, effect.status);
    case 'addFinalizer':
    case 'removeFinalizer':
      return changeFinalizer(kube, look, effect.do === 'addFinalizer');
    case 'removeCommand':
      return removeCommand(kube, look, commandPrefix + effect.id);
    case 'shiftRoute':
    case 'restoreRoute':
    case 'stripRoute':
      return changeRoute(kube, look, effect);
    case 'holdTarget':
    case 'letTargetGo':
    case 'disownTarget':
      return changeTarget(kube, look, effect);
    case 'createCanaryService':
    case 'createCanaryDeployment':
    case 'scaleCanary':
    case 'deleteCanaryDeployment':
    case 'deleteCanaryService':
      return changeCanary(kube, look, effect);
  }
}

async function writeStatus(kube: Kube, { objects }: Look, status: CanaryStatus): Promise<void> {
  const { metadata } = objects.canary;
  const ops: JsonPatchOp[] = [seen(objects.canary), { op: 'add', path: '/status', value: status }];
  const stored = await kube.patch<Canary>({ kind: kinds.canary, ...idOf(metadata) }, { type: 'json', ops }, 'status');
  const lost = prunedField(status, stored.status, 'status');
  if (lost === undefined) return;
  // What is decided on a status that lacks something would be decided again and again, so the run fails and backs off.
  const message = `Canary ${metadata.name}: ${lost} was not stored; the CustomResourceDefinition is older than this Linnet: apply the one that comes with it`;
  throw new KubeError(message, { reason: 'invalid', code: 422 });
}

async function changeFinalizer(kube: Kube, { objects }: Look, add: boolean): Promise<void> {
  const { finalizers = [] } = objects.canary.metadata;
  const value = [...finalizers.filter((name) => name !== finalizer), ...(add ? [finalizer] : [])];
  await patchSeen(kube, kinds.canary, objects.canary, [{ op: 'add', path: '/metadata/finalizers', value }]);
}

/** The `test` makes it a conflict, and no bad request, that somebody else has removed it. */
async function removeCommand(kube: Kube, { objects }: Look, key: string): Promise<void> {
  const value = objects.canary.metadata.annotations?.[key];
  if (value === undefined) return;
  const path = `/metadata/annotations/${escaped(key)}`;
  await patchSeen(kube, kinds.canary, objects.canary, [
    { op: 'test', path, value },
    { op: 'remove', path },
  ]);
}

type RouteEffect = Extract<Effect, { do: 'shiftRoute' | 'restoreRoute' | 'stripRoute' }>;

async function changeRoute(kube: Kube, { view, objects }: Look, effect: RouteEffect): Promise<void> {
  const route = objects.routes.get(effect.name);
  if (route === undefined) throw changed(`HTTPRoute ${effect.name} is gone`);
  const patch = patchFor(route, view, effect);
  if (patch === undefined) return;
  // A route without our fence may be one that was restored since: then the Canary has gone on, and its answer says so.
  const fenced = route.metadata.annotations?.[fenceAnnotation(view.uid)] !== undefined;
  if (effect.do === 'shiftRoute' && effect.confirm === true && !fenced) await stillSo(kube, objects.canary);
  await kube.patch({ kind: kinds.httpRoute, ...idOf(route.metadata) }, { type: 'json', ops: patch });
}

function patchFor(route: Route, view: View, effect: RouteEffect): JsonPatchOp[] | undefined {
  if (effect.do === 'stripRoute') return opsOf(stripManager(route), route);
  // Status is Linnet's alone, and this part of it was written as a RoutePlan.
  const plan = view.status?.release?.routes.find(({ name }) => name === effect.name)?.plan as RoutePlan | undefined;
  if (plan === undefined) throw changed(`status has no plan for HTTPRoute ${effect.name}`);
  if (effect.do === 'shiftRoute') {
    const { weight: share, fence } = effect;
    return opsOf(routeWrite(route, plan, { share, fence, canaryUid: view.uid }), route);
  }
  const restored = routeRestore(route, plan, {
    keep: effect.keep === 'stable' ? 'stable' : 'canary',
    removeStable: effect.keep === 'canaryAlone',
    canaryUid: view.uid,
    fence: view.status?.intent?.fence ?? '0.0',
  });
  return opsOf(restored, route);
}

/** The operations of a route edit; undefined when nothing is to be done. */
function opsOf(edit: object, route: Route): JsonPatchOp[] | undefined {
  if ('patch' in edit) return edit.patch as JsonPatchOp[];
  if ('already' in edit) return undefined;
  throw changed(`HTTPRoute ${route.metadata.name} changed: ${Object.values(edit).join(', ')}`);
}

type TargetEffect = Extract<Effect, { do: 'holdTarget' | 'letTargetGo' | 'disownTarget' }>;

/** An Event that is there already, or that may not be written, keeps nothing from going on: the status says the same. */
function unlessSaid(error: unknown): void {
  const harmless = error instanceof KubeError && (error.reason === 'exists' || error.reason === 'forbidden');
  if (!harmless) throw error;
}

async function changeTarget(kube: Kube, { objects }: Look, effect: TargetEffect): Promise<void> {
  const { target: released, former } = objects;
  const isMeant = (one: Deployment | undefined) => effect.do === 'holdTarget' || one?.metadata.name === effect.name;
  const target = [released, former].find(isMeant);
  if (target === undefined) throw changed('the target Deployment is gone');
  const { metadata } = target;
  const ref = { kind: kinds.deployment, ...idOf(metadata) };
  if (effect.do === 'disownTarget') {
    const at = (metadata.managedFields ?? []).findIndex((entry) => entry.manager === fieldManager);
    if (at < 0) return;
    await kube.create(kinds.event, leftHeld(objects.canary, target, effect.message)).catch(unlessSaid);
    return patchSeen(kube, kinds.deployment, target, [
      { op: 'test', path: `/metadata/managedFields/${at}/manager`, value: fieldManager },
      { op: 'remove', path: `/metadata/managedFields/${at}` },
    ]);
  }
  if (effect.do === 'letTargetGo' && templateDigest(target.spec.template) !== effect.digest) {
    throw changed(`the template of Deployment ${metadata.name} is another one now`);
  }
  const body: KubeObject = {
    apiVersion: apiVersionOf(kinds.deployment),
    kind: kinds.deployment.kind,
    metadata: { ...idOf(metadata), ...(metadata.resourceVersion && { resourceVersion: metadata.resourceVersion }) },
    // An apply without any field gives it up: the server removes the field that nobody else owns, and our entry in managedFields.
    ...(effect.do === 'holdTarget' ? { spec: { paused: true } } : {}),
  };
  await kube.patch(ref, { type: 'apply', body });
}

type CanaryEffect = Extract<
  Effect,
  {
    do:
      | 'createCanaryService'
      | 'createCanaryDeployment'
      | 'scaleCanary'
      | 'deleteCanaryDeployment'
      | 'deleteCanaryService';
  }
>;

async function changeCanary(kube: Kube, { objects }: Look, effect: CanaryEffect): Promise<void> {
  const { canary, target, carrier, canaryService: service, stableService } = objects;
  switch (effect.do) {
    case 'createCanaryService':
      if (stableService === undefined || target === undefined) throw changed('the stable Service is gone');
      if (effect.confirm === true) await stillSo(kube, canary);
      await kube.create(kinds.service, canaryService(canary, target.metadata.name, stableService));
      return;
    case 'createCanaryDeployment': {
      const labels = objects.canaryLabels;
      if (target === undefined || labels === undefined) throw changed('the target Deployment is gone');
      if (templateDigest(target.spec.template) !== canary.status?.release?.digest) {
        throw changed(`the template of Deployment ${target.metadata.name} is another one now`);
      }
      await stillSo(kube, canary);
      await copyBudget(kube, canary, canary.status.release.full);
      await kube.create(kinds.deployment, canaryDeployment(canary, target, { labels, replicas: effect.replicas }));
      return;
    }
    case 'scaleCanary':
      if (carrier === undefined) throw changed('the canary Deployment is gone');
      return patchSeen(kube, kinds.deployment, carrier, [
        { op: 'replace', path: '/spec/replicas', value: effect.replicas },
      ]);
    case 'deleteCanaryDeployment':
      return deleteSeen(kube, kinds.deployment, carrier);
    case 'deleteCanaryService':
      await removeBudget(kube, canary);
      return deleteSeen(kube, kinds.service, service);
  }
}

async function deleteSeen(kube: Kube, kind: Kind, object: KubeObject | undefined): Promise<void> {
  if (object === undefined) return;
  await kube.delete({ kind, ...idOf(object.metadata) }, { uid: object.metadata.uid ?? '' });
}

async function patchSeen(kube: Kube, kind: Kind, object: KubeObject, ops: JsonPatchOp[]): Promise<void> {
  await kube.patch({ kind, ...idOf(object.metadata) }, { type: 'json', ops: [seen(object), ...ops] });
}

/**
 * Throws a conflict unless the Canary is still as it was seen: for what begins something, where no other object's resourceVersion tells that
 * the decision is old.
 */
async function stillSo(kube: Kube, canary: Canary): Promise<void> {
  const now = await kube.get({ kind: kinds.canary, ...idOf(canary.metadata) });
  const { resourceVersion } = canary.metadata;
  if (now?.metadata.resourceVersion !== resourceVersion) throw changed(`Canary ${canary.metadata.name} has changed`);
}

/** Replacing the resourceVersion by itself makes the API server answer 409 when the object has changed. */
function seen(object: KubeObject): JsonPatchOp {
  return { op: 'replace', path: '/metadata/resourceVersion', value: object.metadata.resourceVersion };
}

function idOf({ name, namespace }: { name: string; namespace?: string }): { name: string; namespace?: string } {
  return { name, ...(namespace === undefined ? {} : { namespace }) };
}

function escaped(segment: string): string {
  return segment.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** What was seen is not so any more: the same as a conflict that the server would have found. */
function changed(what: string): KubeError {
  return new KubeError(`${what}; looking again`, { reason: 'conflict', code: 409 });
}
