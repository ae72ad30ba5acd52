import { KubeError } from '../ports/kube.ts';
import type { Random } from '../ports/random.ts';

const firstMs = 200;
const longestMs = 30_000;

/** A lost race is no failure: the next look decides on what is there now. Only one that goes on for long is slowed down. */
const promptConflicts = 3;
const conflictMs = 50;

/** How often a key has failed in a row. */
export interface Failures {
  conflicts: number;
  others: number;
}

/** Counts one more failure. */
export function countFailure(before: Failures | undefined, error: unknown): Failures {
  const { conflicts, others } = before ?? { conflicts: 0, others: 0 };
  const prompt = error instanceof KubeError && error.reason === 'conflict' && conflicts < promptConflicts;
  return prompt ? { conflicts: conflicts + 1, others } : { conflicts, others: others + 1 };
}

/**
 * Milliseconds until the next try: 200 ms doubling up to 30 s, of which the upper half is chance; the first three conflicts
 * in a row take at most 50 ms; a server that asked for more time gets it.
 */
export function delayAfter(before: Failures | undefined, after: Failures, error: unknown, random: Random): number {
  if (after.others === (before?.others ?? 0)) return random.next() * conflictMs;
  const fullMs = Math.min(longestMs, firstMs * 2 ** (after.others - 1));
  const askedMs = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(askedMs, fullMs / 2 + (random.next() * fullMs) / 2);
}
