import { createHash } from 'node:crypto';
import type { PodTemplate } from './objects.ts';

/** Label that the Deployment controller adds to a ReplicaSet's template. */
const templateHashLabel = 'pod-template-hash';

/** JSON with the keys of every object in order, so that equal values give equal text. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** SHA-256 of canonical JSON, 64 hex digits. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

/** Templates of the cache are never changed and are asked for at every look. */
const known = new WeakMap<PodTemplate, string>();

/** The digest that names a revision: of a pod template without the hash that its ReplicaSet carries. The template must not be changed afterwards. */
export function templateDigest(template: PodTemplate): string {
  const { [templateHashLabel]: _, ...labels } = template.metadata?.labels ?? {};
  const digest = known.get(template) ?? digestOf({ ...template, metadata: { ...template.metadata, labels } });
  known.set(template, digest);
  return digest;
}
