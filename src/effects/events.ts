import type { Canary } from '../api/canary.ts';
import type { CanaryStatus, HistoryEntry } from '../api/canary-status.ts';
import { type Kind, apiVersionOf, kinds } from '../api/kinds.ts';
import { fieldManager } from '../api/names.ts';
import type { Deployment, KubeObject } from '../api/objects.ts';
import type { Log } from '../ports/log.ts';
import { type Kube, KubeError } from '../ports/kube.ts';
import type { Objects } from '../view/objects.ts';

interface Occasion {
  /** Tells it from all others of the object; the same one again changes nothing. */
  id: string;
  type: 'Normal' | 'Warning';
  /** One word, as in status. */
  reason: string;
  message: string;
  /** ISO 8601. */
  at: string | null;
}

/** Tells of the attempt that has ended with this status, if one has. An Event that cannot be written is not missed: status says the same. */
export async function tellOfEnd(
  { kube, log }: { kube: Kube; log: Log },
  { canary }: Objects,
  status: CanaryStatus,
): Promise<void> {
  const [ended] = status.history ?? [];
  const [known] = canary.status?.history ?? [];
  if (ended === undefined || (known?.attempt === ended.attempt && known.endedAt === ended.endedAt)) return;
  try {
    await kube.create(kinds.event, eventAbout(kinds.canary, canary, endOf(ended)));
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.reason !== 'exists') log.debug({ reason: error.reason }, error.message);
  }
}

function endOf({ attempt, revision, outcome, message, endedAt }: HistoryEntry): Occasion {
  const type = outcome === 'Promoted' ? 'Normal' : 'Warning';
  return { id: `${attempt}`, type, reason: outcome, message: `Revision ${revision}: ${message}`, at: endedAt };
}

/** The Event on the target that outlives a deleted Canary. */
export function leftHeld(canary: Canary, target: Deployment, message: string): KubeObject {
  const at = canary.status?.conditions?.find(({ type }) => type === 'LeftHeld')?.lastTransitionTime ?? null;
  const occasion: Occasion = { id: canary.metadata.uid ?? '', type: 'Warning', reason: 'LeftHeld', message, at };
  return eventAbout(kinds.deployment, target, occasion);
}

function eventAbout(kind: Kind, { metadata }: KubeObject, occasion: Occasion): KubeObject {
  const { name, namespace = 'default', uid = '' } = metadata;
  const { id, type, reason, message, at } = occasion;
  return {
    apiVersion: apiVersionOf(kinds.event),
    kind: kinds.event.kind,
    metadata: { name: `${name.slice(0, 150)}.${uid}.${id}`, namespace },
    involvedObject: { apiVersion: apiVersionOf(kind), kind: kind.kind, namespace, name, uid },
    type,
    reason,
    message: message.slice(0, 1024),
    source: { component: fieldManager },
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
  };
}
