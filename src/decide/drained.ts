import { countsBetween } from '../analysis/counts.ts';
import { type AttemptTurn, ms, nextCheck, stageAge } from './turn.ts';

/** Longer than this nobody waits for the last requests of a side that must not get any: they go past the route. */
const drainLimitMs = 120_000;

/**
 * Whether a side that has lost its weight has been left by the traffic: at least `drainMs` after the weight 0 was accepted, and no
 * request seen in the last `drainMs`; where the traffic cannot be seen, after it has had time to settle.
 */
export function drained(
  turn: AttemptTurn,
  side: 'stable' | 'canary',
): { drained: true } | { drained: false; wakeAt: number } {
  const { settings, nowMs, view } = turn;
  const age = stageAge(turn);
  const since = ms(turn.status.stageSince, nowMs);
  if (age < settings.drainMs) return { drained: false, wakeAt: since + settings.drainMs };
  if (age >= drainLimitMs) return { drained: true };
  const seen =
    view.measured?.atSplit === true && view.measured.counts?.outcome === 'data' ? view.measured.counts.data : undefined;
  if (seen === undefined) {
    const end = since + settings.settleMs + settings.drainMs;
    return nowMs >= end ? { drained: true } : { drained: false, wakeAt: Math.min(end, nextCheck(turn)) };
  }
  const { total } = countsBetween(seen, side, nowMs - settings.drainMs, { baseline: 'after' });
  return total === 0 ? { drained: true } : { drained: false, wakeAt: nextCheck(turn) };
}
