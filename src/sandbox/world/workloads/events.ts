import { kinds } from '../../../api/kinds.ts';
import type { KubeObject } from '../../../api/objects.ts';
import type { Clock } from '../../../ports/clock.ts';
import { ApiError, type ObjectStore } from '../types.ts';
import { kubeTime, shortHash } from './canonical.ts';

export interface Told {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

/** Writes Events about objects, as `kubectl describe` shows them; the same one again counts up. */
export type RecordEvent = (about: KubeObject, told: Told) => void;

/** Events kept at most: the oldest go first. The real ones go after an hour, for which a sandbox at rest would need a timer. */
const limit = 500;

/** @param component what the Events are from, such as `deployment-controller` */
export function createEventRecorder(store: ObjectStore, clock: Clock, component: string): RecordEvent {
  const written = new Map<string, { namespace: string; name: string }>();
  const options = { fieldManager: component };

  return (about, told) => {
    const { namespace = 'default', name: aboutName, uid = '', resourceVersion = '' } = about.metadata;
    const name = `${aboutName}.${shortHash(uid + told.reason + told.message, 16)}`;
    const at = kubeTime(clock.now());
    const ref = { kind: kinds.event, namespace, name };
    const involvedObject = {
      apiVersion: about.apiVersion,
      kind: about.kind,
      namespace,
      name: aboutName,
      uid,
      resourceVersion,
    };
    const fresh = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject,
      ...told,
      source: { component },
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    };
    ignoring(['NotFound', 'Forbidden'], () => {
      if (!written.has(`${namespace}/${name}`)) store.create(kinds.event, fresh, { ...options, namespace });
      else {
        const old = store.get(ref);
        store.update(ref, { ...old, count: Number(old['count'] ?? 1) + 1, lastTimestamp: at }, options);
      }
      written.set(`${namespace}/${name}`, { namespace, name });
    });
    const [oldest] = written;
    if (written.size <= limit || !oldest) return;
    written.delete(oldest[0]);
    ignoring(['NotFound'], () => store.delete({ kind: kinds.event, ...oldest[1] }));
  };
}

/** Events are told as well as it goes: a namespace on its way out takes none, and people may delete them. */
function ignoring(reasons: readonly string[], attempt: () => void): void {
  try {
    attempt();
  } catch (error) {
    if (!(error instanceof ApiError && reasons.includes(error.status.reason))) throw error;
  }
}
