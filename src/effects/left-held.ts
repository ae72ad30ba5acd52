import { apiVersionOf, kinds } from '../api/kinds.ts';
import { fieldManager } from '../api/names.ts';
import type { KubeObject } from '../api/objects.ts';
import type { Objects } from '../view/objects.ts';

/**
 * The Event on the target that outlives a deleted Canary. Its name is that of the occasion, so that saying it again after a crash
 * changes nothing.
 */
export function leftHeld({ canary, target }: Objects, message: string): KubeObject {
  const namespace = canary.metadata.namespace ?? 'default';
  const { name = '', uid = '' } = target?.metadata ?? {};
  const at = canary.status?.conditions?.find(({ type }) => type === 'LeftHeld')?.lastTransitionTime ?? null;
  return {
    apiVersion: apiVersionOf(kinds.event),
    kind: kinds.event.kind,
    metadata: { name: `${name.slice(0, 200)}.${canary.metadata.uid}`, namespace },
    involvedObject: {
      apiVersion: apiVersionOf(kinds.deployment),
      kind: kinds.deployment.kind,
      namespace,
      name,
      uid,
    },
    type: 'Warning',
    reason: 'LeftHeld',
    message: message.slice(0, 1024),
    source: { component: fieldManager },
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
  };
}
