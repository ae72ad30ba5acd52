import type { BackendRef, Route, RouteParentStatus } from '../../src/api/objects.ts';
import { kinds } from '../../src/api/kinds.ts';
import { fenceAnnotation } from '../../src/api/names.ts';
import { podsNeeded } from '../../src/decide/capacity.ts';
import { compareFences } from '../../src/decide/turn.ts';
import type { Known, Scene } from './checks.ts';
import type { Stored } from './history.ts';
import { servicesOf } from './manifests.ts';
import { freshMs, sentAt } from './step.ts';

/** S1, S7, S14 and the half of S2 that is about the route: every stored route of the engine against the intents that status has said. */
export function checkRoute(scene: Scene, known: Known): void {
  let last: Stored | undefined;
  let newest: string | undefined;
  scene.history.onStored((stored) => {
    if (stored.kind !== kinds.httpRoute || stored.type !== 'put') return;
    const before = last;
    last = stored;
    const route = stored.object as Route;
    const fence = fenceOf(scene, route);
    if (fence !== undefined && isAccepted(route) && !known.acceptedMs.has(fence)) {
      known.acceptedMs.set(fence, stored.atMs);
    }
    if (before === undefined || !stored.writer.engine) return;
    if (
      JSON.stringify(before.object['spec']) === JSON.stringify(route.spec) &&
      fence === fenceOf(scene, before.object)
    ) {
      return;
    }
    scene.say(`route ${describe(route)} fence ${fence}`);
    checkOthers(scene, route);
    if (fence === undefined) return checkLeft(scene, { route, before: before.object as Route });
    if (newest !== undefined && compareFences(fence, newest) < 0) {
      scene.report(`S14 fence ${fence} on the route comes after ${newest}`);
    }
    newest = fence;
    checkWeights(scene, known, { stored, fence, before: before.object as Route });
  });
}

/** S1 and S14: what the route says is what an earlier status has asked for. */
function checkWeights(
  scene: Scene,
  known: Known,
  { stored, fence, before }: { stored: Stored; fence: string; before: Route },
): void {
  const { report, options, readiness } = scene;
  const intent = known.intents.get(fence);
  if (intent === undefined) return report(`S14 fence ${fence} is on the route, and no status has said it`);
  const share = shareOf(scene, stored.object as Route);
  if (share !== intent.weight)
    report(`S1 the route gives ${share} % to the canary, intent ${fence} is ${intent.weight}`);
  const was = shareOf(scene, before) ?? 0;
  if (intent.leg !== 'out' || share === undefined || share <= was) return;
  if (intent.retreat) return;
  const needed = podsNeeded(intent.full, share);
  const ready = readiness.mostSince(servicesOf(options).canary, sentAt(stored) - freshMs);
  if (ready < needed) report(`S2 the route went from ${was} to ${share} % with ${ready} of ${needed} pods ready`);
}

/** S7: the fence goes only when everything is at home. */
function checkLeft(scene: Scene, { route, before }: { route: Route; before: Route }): void {
  const { report, options, users } = scene;
  const { stable, canary } = servicesOf(options);
  const refs = route.spec.rules?.[0]?.backendRefs ?? [];
  const weights = (name: string) => refs.filter((ref) => ref.name === name).map(({ weight }) => weight ?? 1);
  const was = shareOf(scene, before);
  const { release, stage } = users.canary()?.status ?? {};
  if (stage !== 'Cleaning') return report(`S7 the route was restored in stage ${stage}`);
  const promoted = release?.retreat === undefined && options.mode === 'backends';
  const [kept, gone] = promoted ? [canary, stable] : [stable, canary];
  if ((weights(kept)[0] ?? 0) === 0) report(`S1 the route was left without weight for ${kept}`);
  if (weights(gone).some((weight) => weight > 0))
    report(`S1 the route was left with weight for ${gone}, from ${was} %`);
}

/** S1: a backend that is not of the pair keeps its share. */
function checkOthers({ report, options }: Scene, route: Route): void {
  if (!options.third) return;
  for (const { backendRefs = [] } of route.spec.rules ?? []) {
    const sum = backendRefs.reduce((total, { weight = 1 }) => total + weight, 0);
    const third = backendRefs.find(({ name }) => name === servicesOf(options).third)?.weight ?? 1;
    if (Math.abs(third / sum - 0.25) > 1e-9)
      report(`S1 the third backend has ${third} of ${sum}, its own share is 1 of 4`);
  }
}

function fenceOf({ users }: Scene, route: { metadata: Route['metadata'] }): string | undefined {
  return route.metadata.annotations?.[fenceAnnotation(users.canary()?.metadata.uid ?? '')];
}

/** The canary's percent of the pair; undefined when one of the two is not there. */
function shareOf({ options }: Scene, route: Route): number | undefined {
  const { stable, canary } = servicesOf(options);
  const refs = route.spec.rules?.[0]?.backendRefs ?? [];
  const weight = (name: string) => weightOf(refs.find((ref) => ref.name === name));
  const [a, b] = [weight(stable), weight(canary)];
  return a === undefined || b === undefined || a + b === 0 ? undefined : Math.round((10_000 * b) / (a + b)) / 100;
}

function weightOf(ref: BackendRef | undefined): number | undefined {
  return ref === undefined ? undefined : (ref.weight ?? 1);
}

function isAccepted({ metadata, status }: Route): boolean {
  const parents = status?.parents ?? [];
  return parents.length > 0 && parents.every((parent) => isTrue(parent, 'Accepted', metadata.generation));
}

function isTrue({ conditions = [] }: RouteParentStatus, type: string, generation: number | undefined): boolean {
  return conditions.some((one) => one.type === type && one.status === 'True' && one.observedGeneration === generation);
}

function describe(route: Route): string {
  return (route.spec.rules ?? [])
    .map(({ backendRefs = [] }) => backendRefs.map(({ name, weight }) => `${name}=${weight ?? ''}`).join(' '))
    .join(' | ');
}
