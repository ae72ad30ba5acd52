import type { KubeObject } from '../../../api/objects.ts';
import type { KindDefinition, ObjectStore } from '../../world/types.ts';
import type { ResourcePath } from './api-request.ts';
import { modernEvents, toCoreEvent, toModernEvent } from './modern-events.ts';
import { unknownPath } from './refusals.ts';

/** A kind as clients see it, and the kind as which the store keeps its objects. */
export interface ServedKind {
  served: KindDefinition;
  stored: KindDefinition;
  /** From what the store keeps to what clients see. */
  outward(object: KubeObject): KubeObject;
  /** From what clients send, objects and merge patches, to what the store keeps. */
  inward(body: unknown): unknown;
}

/** All kinds that have URLs. */
export function servedKinds(store: ObjectStore): KindDefinition[] {
  const kinds = store.kinds();
  const events = kinds.find(isCoreEvent);
  return events === undefined ? kinds : [...kinds, modernEvents];
}

/** The kind that a path names. Throws 404 when it is not served. */
export function servedKind(store: ObjectStore, path: ResourcePath): ServedKind {
  const kinds = store.kinds();
  if (path.group === modernEvents.group && path.version === modernEvents.version && path.plural === 'events') {
    const stored = kinds.find(isCoreEvent);
    if (stored !== undefined) return { served: modernEvents, stored, outward: toModernEvent, inward: toCoreEvent };
  }
  const kind = kinds.find(
    ({ group, version, plural }) => group === path.group && version === path.version && plural === path.plural,
  );
  if (kind === undefined) throw unknownPath();
  return { served: kind, stored: kind, outward: (object) => object, inward: (body) => body };
}

function isCoreEvent(kind: KindDefinition): boolean {
  return kind.group === '' && kind.kind === 'Event';
}
