import { digestOf } from '../../src/api/digest.ts';
import { kinds } from '../../src/api/kinds.ts';
import { canaryUidLabel, fieldManager } from '../../src/api/names.ts';
import type { Deployment, KubeObject, Route } from '../../src/api/objects.ts';
import type { Users } from './actions.ts';
import { servicesOf } from './manifests.ts';
import type { Options } from './options.ts';
import { namespace, type World } from './world.ts';

interface End {
  world: World;
  users: Users;
  options: Options;
  /** Nothing was done for a while, and the Canary rests or is gone. */
  quiet: boolean;
}

/** What is not as it must be when nothing goes wrong any more and time has passed: liveness, and that nothing of ours is left. */
export function finalProblems({ world, users, options, quiet }: End): string[] {
  const canary = users.canary();
  const { stage, hold } = canary?.status ?? {};
  const history = users.last?.status?.history;
  const where = `${canary === undefined ? 'the Canary is gone' : `stage ${stage}`}, ${hold?.reason ?? 'no hold'}: ${hold?.message ?? ''}`;
  if (!quiet) return [`L1 no rest: ${where}; ${users.describeRoute()}`];
  if (stage === 'Carrying') return [];
  const deployments = world.store.list(kinds.deployment, { namespace }).items as Deployment[];
  const ours = [...deployments, ...world.store.list(kinds.service, { namespace }).items].filter(isOurs);
  const route = world.store.list(kinds.httpRoute, { namespace }).items[0] as Route;
  const problems = ours.map(({ kind, metadata }) => `S18 ${kind} ${metadata.name} is left over`);
  const promoted = options.mode === 'backends' && history?.[0]?.outcome === 'Promoted';
  if (!users.meddled && options.mode === 'targetRef') problems.push(...routeProblems(route, users.route));
  const { stable, canary: other } = servicesOf(options);
  const weight = (name: string) => route.spec.rules?.[0]?.backendRefs?.find((ref) => ref.name === name);
  const [home, away] = promoted ? [other, stable] : [stable, other];
  if (!users.meddled && (weight(home)?.weight ?? (weight(home) ? 1 : 0)) === 0) {
    problems.push(`S18 ${home} has no weight at the end: ${users.describeRoute()}`);
  }
  if (!users.meddled && (weight(away)?.weight ?? (weight(away) ? 1 : 0)) > 0) {
    problems.push(`S18 ${away} has weight at the end: ${users.describeRoute()}`);
  }
  for (const object of [route, ...(canary === undefined ? deployments : [])]) {
    const left = object.metadata.managedFields?.some(({ manager }) => manager === fieldManager) === true;
    if (left) problems.push(`S18 ${object.kind} ${object.metadata.name} has managedFields of ours at the end`);
  }
  const fences = Object.keys(route.metadata.annotations ?? {}).filter((key) => key.startsWith('fence.linnet.dev/'));
  if (fences.length > 0) problems.push(`S18 the route has a fence at the end`);
  const asked = Object.keys(canary?.metadata.annotations ?? {});
  if (asked.length > 0) problems.push(`S8 ${asked.join(', ')} was not answered`);
  return problems;
}

function isOurs({ metadata }: KubeObject): boolean {
  return metadata.labels?.[canaryUidLabel] !== undefined;
}

/** Promise 1: the route says what its owner wrote. */
function routeProblems(route: Route, own: Route): string[] {
  const stripped = (spec: Route['spec']) =>
    (spec.rules ?? []).map(({ backendRefs, filters }) => ({ filters, refs: backendRefs?.map(plainRef) }));
  const [is, was] = [stripped(route.spec), stripped(own.spec)].map((rules) => JSON.stringify(rules));
  return digestOf(stripped(route.spec)) === digestOf(stripped(own.spec))
    ? []
    : [`S18 the route is ${is} at the end, its owner wrote ${was}`];
}

function plainRef({ name, port, weight = 1 }: { name: string; port?: number; weight?: number }): object {
  return { name, port, weight };
}
