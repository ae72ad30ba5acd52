import { type AttemptTurn, hold, nextCheck } from './turn.ts';
import type { Decision } from './view.ts';

/** Whether a person or the spec keeps the release where it is. */
export function isPaused({ view, status }: AttemptTurn): boolean {
  return status.paused !== undefined || view.spec.suspend === true;
}

/** Nothing advances while a person or the spec says so. */
export function paused(turn: AttemptTurn): Decision | undefined {
  const { status, view } = turn;
  if (status.paused !== undefined) {
    return hold(turn, 'Paused', `Paused by ${status.paused.by}; resume lets it go on.`, checkWhileHolding(turn));
  }
  return view.spec.suspend === true
    ? hold(turn, 'Suspended', 'spec.suspend is true.', checkWhileHolding(turn))
    : undefined;
}

/** Traffic is watched for breaches in a pause too. */
function checkWhileHolding(turn: AttemptTurn): number | undefined {
  return turn.status.canaryWeight > 0 ? nextCheck(turn) : undefined;
}
