import type { KubeObject } from '../../../api/objects.ts';
import type { KindDefinition } from '../../world/types.ts';

/** `events.k8s.io/v1`: the core group's events under other field names. */
export const modernEvents: KindDefinition = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
  singular: 'event',
  shortNames: ['ev'],
  statusSubresource: false,
  generation: false,
};

const coreNames: Record<string, string> = {
  regarding: 'involvedObject',
  note: 'message',
  reportingController: 'reportingComponent',
  deprecatedSource: 'source',
  deprecatedFirstTimestamp: 'firstTimestamp',
  deprecatedLastTimestamp: 'lastTimestamp',
  deprecatedCount: 'count',
};

const modernNames = Object.fromEntries(Object.entries(coreNames).map(([modern, core]) => [core, modern]));

/** A core event under the newer names. */
export function toModernEvent(event: KubeObject): KubeObject {
  return { ...(renamed(event, modernNames) as KubeObject), apiVersion: 'events.k8s.io/v1' };
}

/** An event, or a merge patch of one, under the core group's names. */
export function toCoreEvent(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const core = renamed(body, coreNames);
  return 'apiVersion' in core ? { ...core, apiVersion: 'v1' } : core;
}

function renamed(object: object, names: Record<string, string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [names[name] ?? name, value]));
}
