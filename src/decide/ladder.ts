import type { Release } from '../api/canary-status.ts';
import { durationMs } from '../api/duration.ts';

/** One rung as the state machine climbs it. */
export interface Rung {
  /** The canary's share, in percent; falls on the return. */
  weight: number;
  intervalMs: number;
  /** Whether passing evidence is asked before the next rung. */
  needsEvidence: boolean;
}

/** Shares of the target on the return with the template that was analysed on the way out. */
const returnShares = [50, 100];

/**
 * The rungs of the leg under way. On the way out the canary's share rises along the frozen steps. On the return the target's does:
 * in two steps held for as long as traffic needs to settle when its template was analysed on the way out, along all steps when it was not.
 * At the last rung nothing is left to compare with, so no passing evidence is asked there.
 */
export function rungs(release: Release, settleMs: number): Rung[] {
  const { steps, skipAnalysis } = release.frozen;
  const analysed = release.leg === 'return' && release.returnAnalysed === true;
  const shares = analysed
    ? returnShares.map((weight) => ({ weight, intervalMs: settleMs }))
    : steps.map((step) => ({ weight: step.weight, intervalMs: durationMs(step.interval) }));
  return shares.map(({ weight, intervalMs }) => ({
    weight: release.leg === 'return' ? 100 - weight : weight,
    intervalMs,
    needsEvidence: weight < 100 && !analysed && skipAnalysis !== true,
  }));
}

/** The side that is being judged: the one whose share grows. */
export function judgedSide(release: Release): 'stable' | 'canary' {
  return release.leg === 'return' ? 'stable' : 'canary';
}
