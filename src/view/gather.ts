import type { Canary } from '../api/canary.ts';
import type { CanaryStatus, Frozen } from '../api/canary-status.ts';
import { kinds } from '../api/kinds.ts';
import { canaryUidLabel } from '../api/names.ts';
import type { Deployment, KubeObject, ReplicaSet, Route, Service } from '../api/objects.ts';
import { parseCanary } from '../api/parse.ts';
import type { StatusProblem } from '../api/parse-status.ts';
import type { Freshness, Problem } from '../decide/view.ts';
import type { Kube, KubeCache } from '../ports/kube.ts';
import { labelsOf } from './labels.ts';
import { type Endpoints, endpointsOf, slicesOf } from './pods.ts';
import { inUse, targetProblems } from './problems.ts';
import { freeze, tellSubject } from './subject.ts';

/** What is read of the cluster for one Canary. */
export interface Gathered {
  canary: Canary;
  namespace: string;
  status: CanaryStatus | undefined;
  statusProblem: StatusProblem | undefined;
  /** By the spec as it is now. */
  wanted: Frozen | undefined;
  /** By which it is looked at: that of the attempt under way, else the wanted one. */
  frozen: Frozen | undefined;
  problems: Problem[];
  target: Deployment | undefined;
  replicaSets: ReplicaSet[];
  carrier: Deployment | undefined;
  stableService: Service | undefined;
  canaryService: Service | undefined;
  canaryLabels: Record<string, string> | undefined;
  deployments: Deployment[];
  stable: Endpoints;
  canaryPods: Endpoints;
  routes: Map<string, Route>;
  namespaceTerminating: boolean;
  fresh: Freshness;
}

/** Reads the cluster for one Canary: from the cache, and with `fresh` the pods and the target from the server. */
export async function gather(
  { kube, cache }: { kube: Kube; cache: KubeCache },
  stored: KubeObject,
  fresh: Freshness,
): Promise<Gathered> {
  const { canary, problems, statusProblem } = read(stored);
  const { namespace = 'default' } = canary.metadata;
  const status = canary.status;
  const told = problems.length === 0 ? tellSubject(canary, cache) : undefined;
  if (told?.ok === false) problems.push(told.problem);
  const wanted = told?.ok === true ? freeze(canary, told.subject) : undefined;
  const frozen = status?.release?.frozen ?? wanted;
  const subject = frozen?.subject;
  const get = <T extends KubeObject>(kind: (typeof kinds)[keyof typeof kinds], name: string | undefined) =>
    name === undefined ? undefined : cache.get<T>({ kind, namespace, name });
  const services = subject === undefined ? [] : [subject.stable.name, subject.canary.name];
  const slices =
    subject === undefined ? [] : await slicesOf(fresh === 'none' ? { cache } : { kube }, namespace, services);
  const inPlace = subject?.target !== undefined;
  const target = await targetNow({ kube, cache }, namespace, subject?.target, fresh === 'all');
  const labels = target !== undefined && inPlace ? labelsOf(target, canary, cache) : undefined;
  if (labels !== undefined && 'problem' in labels) problems.push(labels.problem);
  if (status?.release === undefined && problems.length === 0) {
    problems.push(...inUse(canary, cache), ...(target === undefined ? [] : targetProblems(target, canary)));
  }
  const ours = <T extends KubeObject>(object: T | undefined) =>
    object?.metadata.labels?.[canaryUidLabel] === canary.metadata.uid ? object : undefined;
  const canaryService = get<Service>(kinds.service, subject?.canary.name);
  return {
    canary,
    namespace,
    status,
    statusProblem,
    wanted,
    frozen,
    problems,
    target,
    replicaSets: inPlace ? cache.list<ReplicaSet>(kinds.replicaSet, namespace) : [],
    carrier: inPlace ? ours(get<Deployment>(kinds.deployment, subject.canary.name)) : undefined,
    stableService: get<Service>(kinds.service, subject?.stable.name),
    canaryService: inPlace ? ours(canaryService) : canaryService,
    canaryLabels: labels !== undefined && 'labels' in labels ? labels.labels : undefined,
    deployments: inPlace ? [] : cache.list<Deployment>(kinds.deployment, namespace),
    stable: endpointsOf(slices, subject?.stable.name ?? ''),
    canaryPods: endpointsOf(slices, subject?.canary.name ?? ''),
    routes: new Map(
      (subject?.routes ?? []).flatMap(({ name }) => {
        const route = get<Route>(kinds.httpRoute, name);
        return route === undefined ? [] : [[name, route] as const];
      }),
    ),
    namespaceTerminating: canary.metadata.deletionTimestamp !== undefined && (await terminating(kube, namespace)),
    fresh,
  };
}

/** An object that cannot be read is looked at with what can be, so that an attempt under way is taken back and not forgotten. */
function read(stored: KubeObject): { canary: Canary; problems: Problem[]; statusProblem: StatusProblem | undefined } {
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

async function targetNow(
  { kube, cache }: { kube: Kube; cache: KubeCache },
  namespace: string,
  name: string | undefined,
  fresh: boolean,
): Promise<Deployment | undefined> {
  if (name === undefined) return undefined;
  const ref = { kind: kinds.deployment, namespace, name };
  return fresh ? kube.get<Deployment>(ref) : cache.get<Deployment>(ref);
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
