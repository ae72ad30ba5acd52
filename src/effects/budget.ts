import type { Canary } from '../api/canary.ts';
import { apiVersionOf, kinds } from '../api/kinds.ts';
import { canaryObjectName, canaryUidLabel } from '../api/names.ts';
import type { KubeObject } from '../api/objects.ts';
import { type Kube, KubeError, type ObjectRef } from '../ports/kube.ts';
import { ourLabels } from './canary-objects.ts';

interface Budget extends KubeObject {
  spec: { minAvailable?: number | string; maxUnavailable?: number | string; unhealthyPodEvictionPolicy?: string };
}

/**
 * Gives the canary's pods a copy of the PodDisruptionBudget that protects the stable ones, where there is one: once the traffic is theirs a
 * drained node must not take all of them. Doing it again changes nothing.
 */
export async function copyBudget(kube: Kube, canary: Canary, full: number): Promise<void> {
  const { budget } = canary.status?.release ?? {};
  const ref = budgetRef(canary);
  if (budget === undefined || ref === undefined) return;
  const original = await kube.get<Budget>({ ...ref, name: budget });
  if (original === undefined) return;
  const copy = {
    apiVersion: apiVersionOf(kinds.podDisruptionBudget),
    kind: kinds.podDisruptionBudget.kind,
    metadata: { name: ref.name, ...(ref.namespace && { namespace: ref.namespace }), labels: ourLabels(canary) },
    spec: {
      ...limitsOf(original.spec, full),
      selector: { matchLabels: { [canaryUidLabel]: canary.metadata.uid ?? '' } },
    },
  };
  try {
    await kube.create(kinds.podDisruptionBudget, copy);
  } catch (error) {
    if (!(error instanceof KubeError) || error.reason !== 'exists') throw error;
  }
}

/** Removes the copy, if one was made. */
export async function removeBudget(kube: Kube, canary: Canary): Promise<void> {
  const ref = budgetRef(canary);
  if (canary.status?.release?.budget === undefined || ref === undefined) return;
  const copy = await kube.get(ref);
  if (copy === undefined || copy.metadata.labels?.[canaryUidLabel] !== canary.metadata.uid) return;
  await kube.delete(ref, { uid: copy.metadata.uid ?? '' });
}

function budgetRef({ metadata, status }: Canary): ObjectRef | undefined {
  const { target } = status?.release?.frozen.subject ?? {};
  if (target === undefined) return undefined;
  const { namespace = 'default' } = metadata;
  return { kind: kinds.podDisruptionBudget, namespace, name: canaryObjectName(target) };
}

/** A number of pods that must stay is meant for all of stable's; the canary has fewer for most of the time, so it becomes a part of them. */
function limitsOf(spec: Budget['spec'], full: number): Budget['spec'] {
  const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy } = spec;
  const part =
    typeof minAvailable === 'number'
      ? `${Math.min(100, Math.ceil((100 * minAvailable) / Math.max(1, full)))}%`
      : minAvailable;
  return {
    ...(part === undefined ? {} : { minAvailable: part }),
    ...(maxUnavailable === undefined ? {} : { maxUnavailable }),
    ...(unhealthyPodEvictionPolicy === undefined ? {} : { unhealthyPodEvictionPolicy }),
  };
}
