import type { Canary } from '../api/canary.ts';
import type { CanaryStatus, Frozen } from '../api/canary-status.ts';
import { type Kind, kinds } from '../api/kinds.ts';
import { canaryUidLabel } from '../api/names.ts';
import type { Deployment, KubeObject, ReplicaSet, Route, Service } from '../api/objects.ts';
import { parseCanary } from '../api/parse.ts';
import type { StatusProblem } from '../api/parse-status.ts';
import type { Freshness, Problem } from '../decide/view.ts';
import type { Kube, KubeCache } from '../ports/kube.ts';
import { labelsOf } from './labels.ts';
import { type Endpoints, endpointsOf, slicesOf } from './pods.ts';
import { inUse, namesTaken, overlaps, targetProblems } from './problems.ts';
import { freeze, tellSubject } from './subject.ts';

/** Which Canary is looked at, and by which subject and rules. */
interface Identity {
  canary: Canary;
  namespace: string;
  status: CanaryStatus | undefined;
  statusProblem: StatusProblem | undefined;
  /** By the spec as it is now. */
  wanted: Frozen | undefined;
  /** By which it is looked at: that of the attempt under way, else the wanted one. */
  frozen: Frozen | undefined;
  problems: Problem[];
}

/** What runs on the two sides. `targetRef` mode has a target and what Linnet made of it, `backends` mode any Deployments. */
interface Workloads {
  target: Deployment | undefined;
  /** A Deployment that may still be held and is not the target; undefined when another Canary names it. */
  former: Deployment | undefined;
  replicaSets: ReplicaSet[];
  carrier: Deployment | undefined;
  canaryLabels: Record<string, string> | undefined;
  /** Why there are no such labels. */
  labelsProblem: Problem | undefined;
  stableService: Service | undefined;
  canaryService: Service | undefined;
  deployments: Deployment[];
}

/** What is read of the cluster for one Canary. */
export interface Gathered extends Identity, Workloads {
  stable: Endpoints;
  canaryPods: Endpoints;
  routes: Map<string, Route>;
  namespaceTerminating: boolean;
  fresh: Freshness;
}

/** Where objects are read from. */
interface Sources {
  kube: Kube;
  cache: KubeCache;
}

type Subject = Frozen['subject'];

/** Reads the cluster for one Canary: from the cache, and with `fresh` the pods, or all that an attempt works on, from the server. */
export async function gather(sources: Sources, stored: KubeObject, fresh: Freshness): Promise<Gathered> {
  const { cache, kube } = sources;
  const identity = identify(stored, cache);
  const { canary, namespace, frozen } = identity;
  const workloads = await workloadsOf(sources, identity, fresh);
  const problems = [...identity.problems, ...problemsOf(cache, identity, workloads)];
  const subject = frozen?.subject;
  const pods = subject && (await podsOf(fresh === 'none' ? { cache } : { kube }, namespace, subject));
  const deleting = canary.metadata.deletionTimestamp !== undefined;
  return {
    ...identity,
    ...workloads,
    problems,
    stable: pods?.stable ?? nobody,
    canaryPods: pods?.canary ?? nobody,
    routes: await routesOf(finder(sources, namespace, fresh), subject),
    namespaceTerminating: deleting && (await terminating(kube, namespace)),
    fresh,
  };
}

const nobody: Endpoints = { ready: 0, addresses: [] };

function identify(stored: KubeObject, cache: KubeCache): Identity {
  const { canary, problems, statusProblem } = read(stored);
  const { status, metadata } = canary;
  const told = problems.length === 0 ? tellSubject(canary, cache) : undefined;
  if (told?.ok === false) problems.push(told.problem);
  const wanted = told?.ok === true ? freeze(canary, told.subject) : undefined;
  const frozen = status?.release?.frozen ?? wanted;
  return { canary, namespace: metadata.namespace ?? 'default', status, statusProblem, wanted, frozen, problems };
}

async function workloadsOf(sources: Sources, identity: Identity, fresh: Freshness): Promise<Workloads> {
  const { cache } = sources;
  const { canary, namespace, frozen } = identity;
  const subject = frozen?.subject;
  const find = finder(sources, namespace, fresh);
  const service = (name: string | undefined) =>
    name === undefined ? undefined : cache.get<Service>({ kind: kinds.service, namespace, name });
  const stableService = service(subject?.stable.name);
  const former = await find<Deployment>(kinds.deployment, formerOf(identity, cache));
  if (subject?.target === undefined) {
    const deployments = cache.list<Deployment>(kinds.deployment, namespace);
    const none = { target: undefined, carrier: undefined, canaryLabels: undefined, labelsProblem: undefined };
    const replicaSets = former === undefined ? [] : cache.list<ReplicaSet>(kinds.replicaSet, namespace);
    return { ...none, former, replicaSets, stableService, canaryService: service(subject?.canary.name), deployments };
  }
  const [target, carrier, canaryService, replicaSets] = await Promise.all([
    find<Deployment>(kinds.deployment, subject.target),
    find<Deployment>(kinds.deployment, subject.canary.name),
    find<Service>(kinds.service, subject.canary.name),
    fresh === 'all'
      ? sources.kube.list<ReplicaSet>(kinds.replicaSet, namespace)
      : cache.list<ReplicaSet>(kinds.replicaSet, namespace),
  ]);
  return {
    ...toldApart(target, canary, cache),
    target,
    former,
    replicaSets,
    carrier: ours(canary, carrier),
    stableService,
    canaryService: ours(canary, canaryService),
    deployments: [],
  };
}

/** Name of a Deployment that was held, or is by the spec, and is not what is looked at. */
function formerOf({ canary, namespace, frozen }: Identity, cache: KubeCache): string | undefined {
  const { status, metadata } = canary;
  const name = status?.held ?? canary.spec?.targetRef?.name;
  const others = cache.list<Canary>(kinds.canary, namespace).filter(({ metadata: { uid } }) => uid !== metadata.uid);
  const isTaken = name === undefined || others.some(({ spec }) => spec?.targetRef?.name === name);
  return name === frozen?.subject.target || isTaken ? undefined : name;
}

type Find = <T extends KubeObject>(kind: Kind, name: string | undefined) => Promise<T | undefined>;

/** Finds objects by name where the look reads them: from the server, or from the cache. */
function finder({ kube, cache }: Sources, namespace: string, fresh: Freshness): Find {
  return async <T extends KubeObject>(kind: Kind, name: string | undefined) => {
    if (name === undefined) return undefined;
    const ref = { kind, namespace, name };
    return fresh === 'all' ? kube.get<T>(ref) : cache.get<T>(ref);
  };
}

/** Only what carries our uid label is ever touched. */
function ours<T extends KubeObject>({ metadata }: Canary, object: T | undefined): T | undefined {
  return object?.metadata.labels?.[canaryUidLabel] === metadata.uid ? object : undefined;
}

/** The labels of the canary's pods, or what is in the way of them. */
function toldApart(
  target: Deployment | undefined,
  canary: Canary,
  cache: KubeCache,
): Pick<Workloads, 'canaryLabels' | 'labelsProblem'> {
  if (target === undefined) return { canaryLabels: undefined, labelsProblem: undefined };
  const labels = labelsOf(target, canary, cache);
  return labels.ok
    ? { canaryLabels: labels.labels, labelsProblem: undefined }
    : { canaryLabels: undefined, labelsProblem: labels.problem };
}

/** What keeps an attempt from beginning; one that is under way goes by what it began with. */
function problemsOf(
  cache: KubeCache,
  { canary, status, problems }: Identity,
  { target, labelsProblem }: Workloads,
): Problem[] {
  if (status?.release !== undefined || problems.length > 0) return [];
  const used = [...inUse(canary, cache), ...overlaps(canary, target, cache)];
  if (target === undefined) return used;
  return [
    ...(labelsProblem === undefined ? [] : [labelsProblem]),
    ...used,
    ...targetProblems(target, canary),
    ...namesTaken(target, canary, cache),
  ];
}

async function podsOf(
  source: { cache: KubeCache } | { kube: Kube },
  namespace: string,
  { stable, canary }: Subject,
): Promise<{ stable: Endpoints; canary: Endpoints }> {
  const slices = await slicesOf(source, namespace, [stable.name, canary.name]);
  return { stable: endpointsOf(slices, stable.name), canary: endpointsOf(slices, canary.name) };
}

async function routesOf(find: Find, subject: Subject | undefined): Promise<Map<string, Route>> {
  const found = await Promise.all((subject?.routes ?? []).map(({ name }) => find<Route>(kinds.httpRoute, name)));
  return new Map(found.filter((route) => route !== undefined).map((route) => [route.metadata.name, route]));
}

type Read = Pick<Identity, 'canary' | 'problems' | 'statusProblem'>;

/** Objects of the cache are never changed, so each is read once. */
const reads = new WeakMap<KubeObject, Read>();

function read(stored: KubeObject): Read {
  const known = reads.get(stored) ?? readAnew(stored);
  reads.set(stored, known);
  return { ...known, problems: [...known.problems] };
}

/** An object that cannot be read is looked at with what can be, so that an attempt under way is taken back and not forgotten. */
function readAnew(stored: KubeObject): Read {
  const parsed = parseCanary(stored);
  const { statusProblem } = parsed;
  if (parsed.ok) return { canary: parsed.canary, problems: [], statusProblem };
  const { status: _, ...rest } = stored;
  const canary = { ...rest, ...(parsed.status === undefined ? {} : { status: parsed.status }) } as Canary;
  const problems = parsed.problems.map(({ field, message }) => ({
    reason: 'InvalidSpec',
    message: `${field} ${message}.`,
  }));
  return { canary, problems, statusProblem };
}

/** Asked only while a Canary is being deleted. Without the right to read namespaces it counts as staying. */
async function terminating(kube: Kube, namespace: string): Promise<boolean> {
  try {
    const found = await kube.get({ kind: kinds.namespace, name: namespace });
    return found === undefined || found.metadata.deletionTimestamp !== undefined;
  } catch {
    return false;
  }
}
