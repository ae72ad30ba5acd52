import { type AttemptTurn, move, without } from '../turn.ts';
import type { Decision } from '../view.ts';

/** The ladder is climbed: on the way out the target is next, on the return and with `backends` only cleaning up is left. */
export function finishStep(turn: AttemptTurn): Decision {
  const { release, status } = turn;
  const clear = { ...turn, status: without(status, 'hold', 'holdWrittenAt') };
  if (release.leg === 'return') return move(clear, 'Draining');
  return move(clear, release.frozen.subject.target === undefined ? 'Cleaning' : 'DrainingStable');
}
