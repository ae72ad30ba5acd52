import { type Baseline, countsBetween } from './counts.ts';
import type { Timeline } from './timeline.ts';

/** How requests were split between the two versions. */
export interface ObservedShare {
  /** Percent of the requests of both versions that the canary got; undefined when there were none. */
  share: number | undefined;
  /** Requests of both versions. */
  requests: number;
  newestSampleMs: number | undefined;
}

/** The split of the requests after `fromMs` (epoch ms). */
export function observedShare(timeline: Timeline, fromMs: number): ObservedShare {
  const baseline: Baseline = 'after';
  const stable = countsBetween(timeline, 'stable', fromMs, { baseline });
  const canary = countsBetween(timeline, 'canary', fromMs, { baseline });
  const requests = stable.total + canary.total;
  const newest = Math.max(stable.newestSampleMs ?? -Infinity, canary.newestSampleMs ?? -Infinity);
  return {
    share: requests > 0 ? (100 * canary.total) / requests : undefined,
    requests,
    newestSampleMs: Number.isFinite(newest) ? newest : undefined,
  };
}

/** Canary requests that must be expected before an observed share says anything. */
const enoughExpected = 20;
/** Percentage points that the observed share may always be off. */
const slackPoints = 3;
/** Standard deviations that it may be off when chance alone decides. */
const slackDeviations = 4;

export interface ShareQuestion {
  /** Observed, percent. */
  share: number | undefined;
  /** Asked for, percent. */
  asked: number;
  /** Requests of both versions that the observed share rests on. */
  requests: number;
}

/** How far (percentage points) an observed share may be from the one asked for: max(3, 4·√(p(1−p)/n)). */
export function shareTolerance(asked: number, requests: number): number {
  const p = asked / 100;
  return Math.max(slackPoints, slackDeviations * 100 * Math.sqrt((p * (1 - p)) / requests));
}

/** Whether the split is what was asked for; `tooFew`: fewer than 20 canary requests were to be expected. */
export function shareAgrees({ share, asked, requests }: ShareQuestion): 'agrees' | 'differs' | 'tooFew' {
  if (share === undefined || (requests * asked) / 100 < enoughExpected) return 'tooFew';
  return Math.abs(share - asked) <= shareTolerance(asked, requests) ? 'agrees' : 'differs';
}
