import { kinds, apiVersionOf } from '../api/kinds.ts';
import { canaryLabel, canaryObjectName, canaryUidLabel, revisionAnnotation } from '../api/names.ts';
import { templateDigest } from '../api/digest.ts';
import type { Canary } from '../api/canary.ts';
import type { Deployment, LabelSelector, Service } from '../api/objects.ts';
import { selects } from '../decide/canary-labels.ts';

/** Labels and annotations by which other tools know an object as theirs; a copy that carries them would be pruned or fought over. */
const foreignPrefixes = [
  'kubectl.kubernetes.io/',
  'deployment.kubernetes.io/',
  'argocd.argoproj.io/',
  'kustomize.toolkit.fluxcd.io/',
  'helm.toolkit.fluxcd.io/',
  'meta.helm.sh/',
  'helm.sh/',
];
const foreignKeys = ['app.kubernetes.io/managed-by', 'app.kubernetes.io/instance'];

/** Fields of a Service that say how it answers, not where it lives. */
const copiedServiceFields = [
  'sessionAffinity',
  'sessionAffinityConfig',
  'publishNotReadyAddresses',
  'trafficDistribution',
  'internalTrafficPolicy',
];

/** The Service through which the canary's pods are reached: as stable's, with a selector of its own. */
export function canaryService(canary: Canary, target: string, stable: Service): Service {
  const { spec } = stable;
  const ports = (spec.ports ?? []).map(({ nodePort: _, ...port }) => port);
  const copied = Object.fromEntries(copiedServiceFields.flatMap((key) => (key in spec ? [[key, spec[key]]] : [])));
  return {
    apiVersion: apiVersionOf(kinds.service),
    kind: kinds.service.kind,
    metadata: {
      ...metadataOf(canary, target),
      ...annotations(own(stable.metadata.annotations)),
      labels: { ...own(stable.metadata.labels), ...ourLabels(canary) },
    },
    spec: {
      ...copied,
      ...(spec.clusterIP === 'None' ? { clusterIP: 'None' } : {}),
      ports,
      selector: { [canaryUidLabel]: canary.metadata.uid ?? '' },
    },
  };
}

/**
 * The Deployment that carries the canary: the waiting template with labels that no selector of the stable pods matches. It has no owner, so
 * that deleting the Canary in the foreground cannot delete pods that carry traffic; it is known by its labels.
 */
export function canaryDeployment(
  canary: Canary,
  target: Deployment,
  options: { labels: Record<string, string>; replicas: number },
): Deployment {
  const { template } = target.spec;
  const uid = { [canaryUidLabel]: canary.metadata.uid ?? '' };
  const labels = { ...options.labels, ...uid };
  const { minReadySeconds, progressDeadlineSeconds } = target.spec;
  return {
    apiVersion: apiVersionOf(kinds.deployment),
    kind: kinds.deployment.kind,
    metadata: {
      ...metadataOf(canary, target.metadata.name),
      labels: { ...own(target.metadata.labels), ...ourLabels(canary) },
      annotations: { [revisionAnnotation]: templateDigest(template) },
    },
    spec: {
      replicas: options.replicas,
      selector: { matchLabels: uid },
      template: {
        metadata: { ...template.metadata, labels },
        spec: separateSelectors(template.spec ?? {}, template.metadata?.labels ?? {}, options.labels),
      },
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      ...(progressDeadlineSeconds === undefined ? {} : { progressDeadlineSeconds }),
    },
  };
}

function metadataOf(canary: Canary, target: string): { name: string; namespace: string } {
  return { name: canaryObjectName(target), namespace: canary.metadata.namespace ?? 'default' };
}

/** By these Linnet knows what it has made. */
export function ourLabels({ metadata }: Canary): Record<string, string> {
  return { [canaryLabel]: metadata.name.slice(0, 63), [canaryUidLabel]: metadata.uid ?? '' };
}

function annotations(found: Record<string, string>): { annotations?: Record<string, string> } {
  return Object.keys(found).length === 0 ? {} : { annotations: found };
}

function own(values: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values ?? {}).filter(
      ([key]) => !foreignKeys.includes(key) && !foreignPrefixes.some((prefix) => key.startsWith(prefix)),
    ),
  );
}

/** Affinity and spread rules that speak of the stable pods speak of the canary's in the canary. */
function separateSelectors(
  spec: Record<string, unknown>,
  stable: Record<string, string>,
  canary: Record<string, string>,
): Record<string, unknown> {
  const copy = structuredClone(spec);
  for (const part of [copy['affinity'], copy['topologySpreadConstraints']]) rewrite(part, stable, canary);
  return copy;
}

function rewrite(value: unknown, stable: Record<string, string>, canary: Record<string, string>): void {
  if (value === null || typeof value !== 'object') return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'labelSelector' && inner !== null && typeof inner === 'object')
      retarget(inner as LabelSelector, stable, canary);
    else rewrite(inner, stable, canary);
  }
}

function retarget(selector: LabelSelector, stable: Record<string, string>, canary: Record<string, string>): void {
  if (!selects(selector, stable)) return;
  for (const key of Object.keys(selector.matchLabels ?? {})) {
    const value = canary[key];
    if (selector.matchLabels !== undefined && value !== undefined) selector.matchLabels[key] = value;
  }
  for (const expression of selector.matchExpressions ?? []) {
    const [from, to] = [stable[expression.key], canary[expression.key]];
    if (expression.operator === 'In' && from !== to && to !== undefined) expression.values = [to];
  }
}
