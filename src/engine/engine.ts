import type { Canary } from '../api/canary.ts';
import { type Kind, kinds } from '../api/kinds.ts';
import type { KubeObject } from '../api/objects.ts';
import type { KubeCache } from '../ports/kube.ts';
import type { Queue } from '../ports/queue.ts';
import { concerns } from './interest.ts';

/** A change that a watch has seen. */
export interface SeenChange {
  kind: Kind;
  object: KubeObject;
  type: 'put' | 'removed';
}

/** Turns changes of objects into work. */
export interface Engine {
  /** Enqueues every Canary that the change can matter to. */
  changed(change: SeenChange): void;
  /** Enqueues every Canary there is; at the start, when nobody knows what happened meanwhile. */
  enqueueAll(): void;
}

export function createEngine({ cache, queue }: { cache: KubeCache; queue: Queue }): Engine {
  return {
    changed({ kind, object, type }) {
      const { namespace = '', name } = object.metadata;
      if (kind === kinds.canary) {
        if (type === 'put') queue.add(`${namespace}/${name}`);
        else queue.forget(`${namespace}/${name}`);
        // The next in line for a target hears that the first is gone.
        if (type === 'put') return;
      }
      for (const canary of cache.list<Canary>(kinds.canary, namespace === '' ? undefined : namespace)) {
        if (concerns(canary, kind, object)) queue.add(keyOf(canary));
      }
    },
    enqueueAll() {
      for (const canary of cache.list<Canary>(kinds.canary)) queue.add(keyOf(canary));
    },
  };
}

function keyOf({ metadata }: Canary): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
