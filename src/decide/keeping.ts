import { saysAlready, setCondition } from './conditions.ts';
import { shortDigest } from './ending.ts';
import { type Turn, without, write } from './turn.ts';
import type { Decision, NamedTarget } from './view.ts';

/** Takes hold of the target, after its name is in status: whatever comes next, it can be given back. */
export function takeHold(turn: Turn): Decision {
  const name = turn.view.wanted?.subject.target;
  if (name === undefined || turn.status.held === name) return { effect: { do: 'holdTarget' } };
  return write(turn, { held: name });
}

/** Gives back the Deployment that the spec does not name any more; undefined when there is none. */
export function giveFormerBack(turn: Turn): Decision | undefined {
  const { view, status } = turn;
  if (status.held === undefined || status.held === view.spec.targetRef?.name) return undefined;
  if (view.former?.hold.state === 'held') return giveBack(turn, view.former);
  return write({ ...turn, status: without(status, 'held') }, {});
}

/** Lets a Deployment go that is at its template anyway, or as `onDelete` says; one with a template that was not released stays paused. */
export function giveBack(turn: Turn, target: NamedTarget): Decision {
  const { name, specDigest, activeDigest } = target;
  const waits = activeDigest !== undefined && specDigest !== activeDigest;
  if (waits && turn.view.spec.onDelete !== 'roll') return leaveHeld(turn, target);
  return { effect: { do: 'letTargetGo', name, digest: specDigest } };
}

/** What was never analysed must not roll because Linnet goes: it stays paused, and people are told what rolls it. */
function leaveHeld(turn: Turn, { name, specDigest }: NamedTarget): Decision {
  const { namespace, generation } = turn.view;
  const { conditions } = turn.status;
  const message = `Deployment ${name} stays paused: its template, revision ${shortDigest(specDigest)}, was not released. To roll it: kubectl -n ${namespace} rollout resume deployment/${name}`;
  const condition = { type: 'LeftHeld', status: 'True' as const, reason: 'LeftHeld', message };
  if (saysAlready(conditions, condition, generation)) return { effect: { do: 'disownTarget', name, message } };
  return write(turn, { conditions: setCondition(conditions, condition, { nowMs: turn.nowMs, generation }) });
}
