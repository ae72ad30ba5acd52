import type { Kind } from '../../../api/kinds.ts';
import type { ObjectStore } from '../types.ts';

const core = (kind: string, plural: string, namespaced: boolean): Kind => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  namespaced,
});

export const podKind = core('Pod', 'pods', true);
export const nodeKind = core('Node', 'nodes', false);

/** The definition of a kind as the store serves it, whichever its version; undefined when it is not served. */
export function servedKind(store: ObjectStore, group: string, kind: string): Kind | undefined {
  return store.kinds().find((candidate) => candidate.group === group && candidate.kind === kind);
}
