import type { Canary } from '../api/canary.ts';
import type { Frozen } from '../api/canary-status.ts';
import { digestOf, templateDigest } from '../api/digest.ts';
import { kinds } from '../api/kinds.ts';
import { ladderOf } from '../api/ladder.ts';
import { canaryObjectName } from '../api/names.ts';
import type { Deployment, Route, Service } from '../api/objects.ts';
import type { Problem } from '../decide/view.ts';
import type { KubeCache } from '../ports/kube.ts';
import { serviceSelects } from './pods.ts';

type Subject = Frozen['subject'];

/** What the spec means in this cluster now, or why that cannot be told. */
export type Told = { ok: true; subject: Subject } | { ok: false; problem: Problem };

/** Finds out which two Services the traffic is split between. */
export function tellSubject(canary: Canary, cache: KubeCache): Told {
  const { spec, metadata } = canary;
  const routes = spec.routes.map(({ kind, name, rules }) => ({
    kind,
    name,
    ...(rules === undefined ? {} : { rules }),
  }));
  if (spec.backends !== undefined) {
    const { stable, canary: other } = spec.backends;
    return { ok: true, subject: { stable: { ...stable }, canary: { ...other }, routes } };
  }
  const name = spec.targetRef?.name ?? '';
  const namespace = metadata.namespace ?? 'default';
  const target = cache.get<Deployment>({ kind: kinds.deployment, namespace, name });
  if (target === undefined) {
    const message = `spec.targetRef: Deployment ${namespace}/${name} is not there; create it or correct the name.`;
    return { ok: false, problem: { reason: 'TargetNotFound', message } };
  }
  const service = stableServiceOf(target, routes, cache, namespace);
  if ('reason' in service) return { ok: false, problem: service };
  const subject = { target: name, stable: { name: service.name }, canary: { name: canaryObjectName(name) }, routes };
  return { ok: true, subject };
}

/** The Service in the routes that selects the target's pods. */
function stableServiceOf(
  target: Deployment,
  routes: Subject['routes'],
  cache: KubeCache,
  namespace: string,
): { name: string } | Problem {
  const found = routes.map(({ name }) => cache.get<Route>({ kind: kinds.httpRoute, namespace, name }));
  const missing = routes[found.indexOf(undefined)];
  if (missing !== undefined) {
    const message = `spec.routes: HTTPRoute ${namespace}/${missing.name} is not there; create it or correct the name.`;
    return { reason: 'RouteNotFound', message };
  }
  const labels = target.spec.template.metadata?.labels ?? {};
  const { name: deployment } = target.metadata;
  const names = new Set(
    found
      .flatMap((route) => route?.spec.rules ?? [])
      .flatMap((rule) => rule.backendRefs ?? [])
      .filter((ref) => (ref.namespace ?? namespace) === namespace && ref.name !== canaryObjectName(deployment))
      .map(({ name }) => cache.get<Service>({ kind: kinds.service, namespace, name }))
      .flatMap((service) => (service !== undefined && serviceSelects(service, labels) ? [service.metadata.name] : [])),
  );
  const [only] = names;
  if (only === undefined) {
    const where = routes.map(({ name }) => name).join(', ');
    const message = `spec.routes: no backendRef of ${where} names a Service that selects the pods of Deployment ${deployment}.`;
    return { reason: 'RouteHasNoStableBackend', message };
  }
  if (names.size === 1) return { name: only };
  const message = `spec.routes: ${[...names].join(' and ')} both select the pods of Deployment ${deployment}; one Canary releases through one Service.`;
  return { reason: 'AmbiguousRoute', message };
}

/** The subject with the rules of the spec as they are now. */
export function freeze({ spec }: Canary, subject: Subject): Frozen {
  return {
    subject,
    steps: spec.skipAnalysis === true ? [{ weight: 100, interval: spec.analysis.interval }] : ladderOf(spec.analysis),
    analysis: spec.analysis,
    ...(spec.provider === undefined ? {} : { provider: spec.provider }),
    ...(spec.metricsServer === undefined ? {} : { metricsServer: spec.metricsServer }),
    ...(spec.skipAnalysis === undefined ? {} : { skipAnalysis: spec.skipAnalysis }),
    progressDeadlineSeconds: spec.progressDeadlineSeconds,
    retreatTimeout: spec.retreatTimeout,
    ...(spec.onSuccess === undefined ? {} : { onSuccess: spec.onSuccess }),
  };
}

/** What runs behind a Service: the Deployments whose pods it selects. */
export function workloadsBehind(service: Service | undefined, deployments: Deployment[]): Deployment[] {
  if (service === undefined) return [];
  return deployments.filter((deployment) => serviceSelects(service, deployment.spec.template.metadata?.labels ?? {}));
}

/** The digest that names one side in `backends` mode; undefined while its Service is not there. */
export function backendDigest(
  service: Service | undefined,
  other: Service | undefined,
  port: number | undefined,
  deployments: Deployment[],
): string | undefined {
  if (service === undefined || other === undefined) return undefined;
  const templates = workloadsBehind(service, deployments)
    .map((deployment) => templateDigest(deployment.spec.template))
    .toSorted();
  const names = [service, other].map(({ metadata }) => [metadata.name, metadata.uid]);
  return digestOf({ names, port, templates });
}
