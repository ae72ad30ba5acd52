import { countsBetween } from '../analysis/counts.ts';
import { observedShare } from '../analysis/share.ts';
import { type AttemptTurn, checkFrom, ms, nextCheck, stageAge } from './turn.ts';

/** Longer than this nobody waits for the last requests of a side that must not get any: they go past the route. */
const drainLimitMs = 120_000;

/**
 * Whether a side that has lost its weight has been left by the traffic: `drainMs` after the weight 0 was accepted, with no request in the last
 * `drainMs` that the samples tell of; where the traffic cannot be seen, after it has had time to settle.
 */
export function drained(
  turn: AttemptTurn,
  side: 'stable' | 'canary',
): { drained: true } | { drained: false; wakeAt: number } {
  const { settings, nowMs } = turn;
  const age = stageAge(turn);
  const since = ms(turn.status.stageSince, nowMs);
  const end = since + settings.settleMs + settings.drainMs;
  // Only a sample from after the drain time tells anything, so there is no need to ask before the others do.
  if (age < settings.drainMs) {
    return { drained: false, wakeAt: Math.min(end, checkFrom(since + settings.drainMs, settings)) };
  }
  if (age >= drainLimitMs) return { drained: true };
  const left = leftAlone(turn, side, since);
  if (left === 'unseen') {
    return nowMs >= end ? { drained: true } : { drained: false, wakeAt: Math.min(end, nextCheck(turn)) };
  }
  return left ? { drained: true } : { drained: false, wakeAt: nextCheck(turn) };
}

/** Judged at the newest sample of either side, since between two scrapes nobody knows. */
function leftAlone({ view, settings }: AttemptTurn, side: 'stable' | 'canary', since: number): boolean | 'unseen' {
  const { measured } = view;
  if (measured?.atSplit !== true || measured.counts?.outcome !== 'data') return 'unseen';
  const { data } = measured.counts;
  const newest = observedShare(data, since).newestSampleMs;
  if (newest === undefined) return 'unseen';
  const from = newest - settings.drainMs;
  if (from < since) return false;
  return countsBetween(data, side, from, { baseline: 'before' }).total === 0;
}
