import { type AttemptTurn, cleared, move } from '../turn.ts';
import type { Decision } from '../view.ts';

/** The ladder is climbed: on the way out the target is next, on the return and with `backends` only cleaning up is left. */
export function finishStep(turn: AttemptTurn): Decision {
  const { release } = turn;
  if (release.leg === 'return') return move(cleared(turn), 'Draining');
  return move(cleared(turn), release.frozen.subject.target === undefined ? 'Cleaning' : 'DrainingStable');
}
