import type { Pods } from './view.ts';

/** Below this share, in percent, the stable replicas say too little about how many pods carry everything. */
const tellingShare = 20;

/** Pods that `share` percent of the traffic need when `full` pods carry all of it. At least one, except for no share at all. */
export function podsNeeded(full: number, share: number): number {
  return share <= 0 ? 0 : Math.max(1, Math.ceil((full * share) / 100));
}

/** The largest whole share, in percent, that `ready` pods carry. */
export function shareCarried(full: number, ready: number): number {
  if (ready <= 0) return 0;
  return ready >= full ? 100 : Math.floor((100 * ready) / full);
}

/**
 * Pods that carry all of the traffic: as many as at the start of the attempt, raised (never lowered) when the stable side has grown since although
 * it has less to do. Only growth counts: a Deployment that is not scaled automatically keeps its pods while its share falls.
 */
export function fullPods(known: number, stable: Pods, stableShare: number): number {
  if (stableShare < tellingShare || stable.desired <= known) return known;
  return Math.ceil((100 * stable.desired) / stableShare);
}
