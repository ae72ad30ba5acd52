import type { Canary } from '../api/canary.ts';
import { type Kind, kinds } from '../api/kinds.ts';
import { canaryObjectName, canaryUidLabel } from '../api/names.ts';
import type { Deployment, KubeObject, LabelSelector } from '../api/objects.ts';
import { selects } from '../decide/canary-labels.ts';
import type { Problem, Surroundings } from '../decide/view.ts';
import type { Clock } from '../ports/clock.ts';
import { type Kube, KubeError } from '../ports/kube.ts';

interface Autoscaler extends KubeObject {
  spec: { scaleTargetRef: { kind: string; name: string }; minReplicas?: number };
}

interface Selecting extends KubeObject {
  spec: { podSelector?: LabelSelector; selector?: LabelSelector };
}

interface TlsPolicy extends KubeObject {
  spec: { targetRefs?: { group?: string; kind: string; name: string }[] };
}

/** What stands around the workloads of one namespace and is not watched. */
interface Neighbours {
  autoscalers: Autoscaler[];
  networkPolicies: Selecting[];
  budgets: Selecting[];
  tlsPolicies: TlsPolicy[];
  /** Kinds that Linnet may not list. */
  forbidden: Kind[];
}

/** Whom the surroundings are looked at for. */
export interface Subject {
  canary: Canary;
  target: Deployment;
  stableService: string;
  /** Of the canary's pods. */
  canaryLabels: Record<string, string>;
}

/** Attempts that begin at nearly the same time share the lists of their namespace. */
const keptMs = 5_000;

/** Looks at what surrounds a target, with one list for each kind: only when an attempt is about to begin. */
export function createSurroundings(kube: Kube, clock: Clock): (subject: Subject) => Promise<Surroundings> {
  const kept = new Map<string, { untilMs: number; neighbours: Promise<Neighbours> }>();

  function neighboursIn(namespace: string): Promise<Neighbours> {
    const nowMs = clock.now();
    for (const [key, { untilMs }] of kept) if (untilMs <= nowMs) kept.delete(key);
    const known = kept.get(namespace);
    if (known !== undefined) return known.neighbours;
    const neighbours = listNeighbours(kube, namespace);
    kept.set(namespace, { untilMs: nowMs + keptMs, neighbours });
    neighbours.catch(() => kept.delete(namespace));
    return neighbours;
  }

  return async (subject) => judge(subject, await neighboursIn(subject.canary.metadata.namespace ?? 'default'));
}

async function listNeighbours(kube: Kube, namespace: string): Promise<Neighbours> {
  const forbidden: Kind[] = [];
  const list = async <T extends KubeObject>(kind: Kind): Promise<T[]> => {
    try {
      return await kube.list<T>(kind, namespace);
    } catch (error) {
      // A kind that the cluster does not have has no objects either.
      if (error instanceof KubeError && error.reason === 'notFound') return [];
      if (!(error instanceof KubeError) || error.reason !== 'forbidden') throw error;
      forbidden.push(kind);
      return [];
    }
  };
  const [autoscalers, networkPolicies, budgets, tlsPolicies] = await Promise.all([
    list<Autoscaler>(kinds.horizontalPodAutoscaler),
    list<Selecting>(kinds.networkPolicy),
    list<Selecting>(kinds.podDisruptionBudget),
    list<TlsPolicy>(kinds.backendTlsPolicy),
  ]);
  return { autoscalers, networkPolicies, budgets, tlsPolicies, forbidden };
}

function judge(subject: Subject, neighbours: Neighbours): Surroundings {
  const budget = neighbours.budgets.find(({ spec }) => leavesOut(spec.selector, subject));
  return {
    problems: [
      ...neighbours.forbidden.map(unreadable),
      ...scalesToZero(subject, neighbours.autoscalers),
      ...uncovered(subject, neighbours.networkPolicies),
      ...notNamed(subject, neighbours.tlsPolicies),
    ],
    ...(budget === undefined ? {} : { budget: budget.metadata.name }),
  };
}

function unreadable({ kind, group, plural }: Kind): Problem {
  const resource = group === '' ? plural : `${plural}.${group}`;
  const message = `${kind}: Linnet may not list ${resource}, so it cannot tell whether the canary would be treated like the stable version; grant it.`;
  return { reason: 'Forbidden', message };
}

function scalesToZero({ target }: Subject, autoscalers: Autoscaler[]): Problem[] {
  const { name } = target.metadata;
  return autoscalers
    .filter(({ spec }) => spec.scaleTargetRef.kind === 'Deployment' && spec.scaleTargetRef.name === name)
    .filter(({ spec }) => spec.minReplicas === 0)
    .map(({ metadata }) => ({
      reason: 'ScalesToZero',
      message: `HorizontalPodAutoscaler ${metadata.name}: spec.minReplicas is 0, so Deployment ${name} may have no pods to go back to; set it to 1 or more.`,
    }));
}

/** A policy that takes the stable pods and not the canary's does not apply to them: what it forbids, they may. */
function uncovered(subject: Subject, policies: Selecting[]): Problem[] {
  return policies
    .filter(({ spec }) => leavesOut(spec.podSelector, subject))
    .filter(({ metadata }) => !isAccepted(subject, `NetworkPolicy/${metadata.name}`))
    .map(({ metadata }) => ({
      reason: 'PolicyWouldNotCoverCanary',
      message: `NetworkPolicy ${metadata.name}: spec.podSelector selects the stable pods and not the canary's, which have ${changedLabels(subject)}; let it select both, or name NetworkPolicy/${metadata.name} in spec.acceptUncovered.`,
    }));
}

function notNamed(subject: Subject, policies: TlsPolicy[]): Problem[] {
  const { stableService, target } = subject;
  const other = canaryObjectName(target.metadata.name);
  const names = ({ spec }: TlsPolicy, service: string) =>
    spec.targetRefs?.some(({ group = '', kind, name }) => group === '' && kind === 'Service' && name === service) ===
    true;
  return policies
    .filter((policy) => names(policy, stableService) && !names(policy, other))
    .filter(({ metadata }) => !isAccepted(subject, `BackendTLSPolicy/${metadata.name}`))
    .map(({ metadata }) => ({
      reason: 'NotCovered',
      message: `BackendTLSPolicy ${metadata.name}: spec.targetRefs names Service ${stableService} and not ${other}, so the gateway would not speak TLS to the canary as it does to the stable version; add ${other}, or name BackendTLSPolicy/${metadata.name} in spec.acceptUncovered.`,
    }));
}

function leavesOut(selector: LabelSelector | undefined, { canary, target, canaryLabels }: Subject): boolean {
  const stable = target.spec.template.metadata?.labels ?? {};
  const others = { ...canaryLabels, [canaryUidLabel]: canary.metadata.uid ?? '' };
  return selector !== undefined && selects(selector, stable) && !selects(selector, others);
}

function isAccepted({ canary }: Subject, reference: string): boolean {
  return canary.spec.acceptUncovered?.includes(reference) === true;
}

function changedLabels({ target, canaryLabels }: Subject): string {
  const stable = target.spec.template.metadata?.labels ?? {};
  const changed = Object.entries(canaryLabels).filter(([key, value]) => stable[key] !== value);
  return changed.map(([key, value]) => `${key}=${value}`).join(', ');
}
