import { kinds } from '../api/kinds.ts';
import { canaryUidLabel } from '../api/names.ts';
import type { Canary } from '../api/canary.ts';
import type { Deployment, Service } from '../api/objects.ts';
import { canaryLabels, selects } from '../decide/canary-labels.ts';
import type { Problem } from '../decide/view.ts';
import type { KubeCache } from '../ports/kube.ts';

/** Added to the value of a label that tells the canary's pods from the stable ones. */
const suffix = 'canary';

/** The labels that keep the canary's pods apart from everything that selects the target's, or what is in the way of them. */
export function labelsOf(
  target: Deployment,
  canary: Canary,
  cache: KubeCache,
): { ok: true; labels: Record<string, string> } | { ok: false; problem: Problem } {
  const podLabels = target.spec.template.metadata?.labels ?? {};
  const selectors = cache
    .list<Service>(kinds.service, canary.metadata.namespace)
    .filter((service) => service.metadata.labels?.[canaryUidLabel] === undefined)
    .map((service) => ({ matchLabels: service.spec.selector ?? {} }))
    .filter(({ matchLabels }) => Object.keys(matchLabels).length > 0);
  const labels = canaryLabels({
    podLabels,
    away: [target.spec.selector, ...selectors.filter((selector) => selects(selector, podLabels))],
    others: selectors.filter((selector) => !selects(selector, podLabels)),
    wanted: canary.spec.canaryLabels,
    suffix,
  });
  if (labels !== undefined) return { ok: true, labels };
  const field = canary.spec.canaryLabels === undefined ? 'spec.targetRef' : 'spec.canaryLabels';
  const message = `${field}: no labels keep the canary's pods apart from the selectors of Deployment ${target.metadata.name} and its Services; set spec.canaryLabels.`;
  return { ok: false, problem: { reason: 'NoSeparatingLabel', message } };
}
