import type { CanaryStatus, Release } from '../../api/canary-status.ts';
import { durationMs } from '../../api/duration.ts';
import { fullPods, podsNeeded, shareCarried } from '../capacity.ts';
import { acceptanceOf } from '../drive.ts';
import { type Rung, rungs } from '../ladder.ts';
import { paused } from '../pausing.ts';
import { type AttemptTurn, cleared, hold, iso, move, ms, nextFence, startRetreat, write } from '../turn.ts';
import type { Decision } from '../view.ts';
import { finishStep } from './leave.ts';

/** Makes the canary's objects and waits for the pods of the first step. */
export function preparing(turn: AttemptTurn): Decision {
  const first = rungs(turn.release, turn.settings.settleMs)[0];
  const needed = podsNeeded(fullNow(turn), first?.weight ?? 100);
  const missing = makeCanary(turn, needed);
  if (missing !== undefined) return missing;
  const waiting = awaitPods(turn, turn.view.canary.ready, needed);
  if (waiting !== undefined) return waiting;
  const intent = { weight: 0, fence: nextFence(turn.status) };
  return move(cleared(turn), 'Accepting', { intent, stepIndex: -1, shares: { asked: 0, rung: 'written' } });
}

/** Waits until a person, a suspend or the pods let the next weight be asked for, and asks for it. */
export function shifting(turn: AttemptTurn): Decision {
  const stopped = paused(turn);
  if (stopped !== undefined) return stopped;
  const target = nextRung(turn);
  if (target === undefined) return finishStep(turn);
  const reachable =
    turn.release.leg === 'return' ? returnWeight(turn, target.rung.weight) : outWeight(turn, target.rung.weight);
  if (typeof reachable !== 'number') return reachable;
  const refused = notAccepted(turn, reachable);
  if (refused !== undefined) return refused;
  if (turn.view.fresh === 'none') return { effect: { do: 'lookFresh', at: 'pods' } };
  const intent = { weight: reachable, fence: nextFence(turn.status) };
  const reached = reachable === target.rung.weight ? target.index : turn.step;
  const shares = { ...turn.status.shares, asked: reachable, rung: 'written' as const };
  const { notAccepted: _, ...release } = promptless(turn.release);
  return move(
    { ...cleared(turn), release },
    'Accepting',
    { intent, stepIndex: reached, shares },
    { full: fullNow(turn) },
  );
}

/** Waits until every route has accepted the weight; in the end goes back to the last one that was. */
export function accepting(turn: AttemptTurn): Decision {
  const weight = turn.status.intent?.weight ?? 0;
  const acceptance = acceptanceOf(turn);
  if (acceptance.state === 'accepted') {
    const acceptedAt = iso(turn.nowMs);
    const shares = { asked: weight, accepted: weight, rung: 'accepted' as const };
    const attached = turn.step < 0 && turn.release.leg === 'out';
    const changes = { canaryWeight: weight, shares };
    if (attached) return goOn(cleared(turn), changes);
    return move(cleared(turn), 'Observing', changes, { acceptedAt, failFrom: acceptedAt });
  }
  const deadline = ms(turn.status.stageSince, turn.nowMs) + turn.settings.acceptMs;
  if (turn.nowMs < deadline) return hold(turn, acceptance.reason, acceptance.message, deadline);
  if (weight === turn.status.canaryWeight) return hold(turn, acceptance.reason, acceptance.message);
  const back = fallBack(turn, deadline);
  if (back.weight === weight) return hold(turn, acceptance.reason, acceptance.message, back.again);
  if (turn.view.fresh === 'none') return { effect: { do: 'lookFresh', at: 'pods' } };
  return giveUp(turn, weight, back.weight);
}

/**
 * The weight on the way back to the last accepted one that the side which gets more carries: as in a retreat everything follows after
 * `retreatTimeout`, when that side has a ready pod. `again`: when that is, if it is still to come.
 */
function fallBack(turn: AttemptTurn, deadline: number): { weight: number; again: number | undefined } {
  const { view, release, status, nowMs } = turn;
  const last = status.canaryWeight;
  const asked = status.intent?.weight ?? last;
  const receiver = last < asked ? view.stable : view.canary;
  const end = deadline + durationMs(release.frozen.retreatTimeout);
  if (nowMs >= end && receiver.ready > 0) return { weight: last, again: undefined };
  const carried = shareCarried(fullNow(turn), receiver.ready);
  const weight =
    last < asked ? Math.min(asked, Math.max(last, 100 - carried)) : Math.max(asked, Math.min(last, carried));
  return { weight, again: nowMs < end ? end : undefined };
}

/** The step whose weight was not accepted is left; between two steps, where pods allowed no more, there is none to leave. */
function giveUp(turn: AttemptTurn, asked: number, weight: number): Decision {
  const { release, status, step, nowMs } = turn;
  const onRung = rungs(release, turn.settings.settleMs)[step]?.weight === asked;
  const known = onRung ? undefined : release.notAccepted;
  return write(turn, {
    intent: { weight, fence: nextFence(status) },
    stepIndex: onRung ? step - 1 : step,
    release: { ...release, notAccepted: known ?? { weight: asked, at: iso(nowMs) } },
    stageSince: iso(nowMs),
    shares: { ...status.shares, asked: weight, rung: 'written' },
  });
}

/** Asks for the next weight at once when nothing is in the way, else goes where it is waited for. */
export function goOn(turn: AttemptTurn, changes: Partial<CanaryStatus>): Decision {
  const stageSince = iso(turn.nowMs);
  const status: CanaryStatus = { ...turn.status, ...changes, stage: 'Shifting', stageSince, release: turn.release };
  const next = shifting({ ...turn, status });
  const { effect } = next;
  return effect.do === 'writeStatus' || effect.do === 'lookFresh' ? next : move(turn, 'Shifting', changes);
}

/** The rung after the present one; with a jump, the last. On the return the first that still gives the target more. */
export function nextRung(turn: AttemptTurn): { index: number; rung: Rung } | undefined {
  const all = rungs(turn.release, turn.settings.settleMs);
  const last = all.length - 1;
  if (turn.step >= last) return undefined;
  const index = turn.release.jump === true ? last : turn.step + 1;
  const rung = all[index];
  return rung === undefined ? undefined : { index, rung };
}

/** The weight that may be asked for on the way out, or what is done until it may. */
function outWeight(turn: AttemptTurn, weight: number): number | Decision {
  const needed = podsNeeded(fullNow(turn), weight);
  const missing = makeCanary(turn, needed);
  return missing ?? awaitPods(turn, turn.view.canary.ready, needed) ?? weight;
}

/**
 * The canary's weight that may be asked for on the return. The target's autoscaler has seen no traffic for a while, so the target gets as
 * much as it carries and the rest as its pods come, and after `retreatTimeout` in any case.
 */
function returnWeight(turn: AttemptTurn, weight: number): number | Decision {
  const { view, status, release, nowMs } = turn;
  const carried = shareCarried(fullNow(turn), view.stable.ready);
  if (carried >= 100 - weight) return weight;
  const end = ms(status.stageSince, nowMs) + durationMs(release.frozen.retreatTimeout);
  if (nowMs >= end && view.stable.ready > 0) return weight;
  const deadline = nowMs < end ? end : undefined;
  const possible = 100 - carried;
  if (possible < status.canaryWeight) return possible;
  const needed = podsNeeded(fullNow(turn), 100 - weight);
  return hold(turn, 'NotEnoughPods', `${view.stable.ready} of ${needed} pods of the target are ready.`, deadline);
}

function fullNow({ view, status, release }: AttemptTurn): number {
  return release.leg === 'return' ? release.full : fullPods(release.full, view.stable, 100 - status.canaryWeight);
}

/** Creates or scales what carries the canary's share. In `backends` mode both sides are the user's. */
function makeCanary(turn: AttemptTurn, replicas: number): Decision | undefined {
  const { view, release } = turn;
  if (release.frozen.subject.target === undefined) return undefined;
  if (!view.hasCanaryService) return { effect: { do: 'createCanaryService' } };
  if (view.carrier === undefined) {
    return othersLeave(turn) ?? { effect: { do: 'createCanaryDeployment', replicas } };
  }
  // Of an earlier attempt, or changed by somebody: as long as it has no traffic, it is made anew.
  const another = view.carrier.digest !== release.digest && turn.status.canaryWeight === 0;
  if (another) return { effect: { do: 'deleteCanaryDeployment' } };
  return view.carrier.replicas < replicas ? { effect: { do: 'scaleCanary', replicas } } : undefined;
}

/** The canary's Service would send requests to pods that another canary Deployment has left. */
function othersLeave(turn: AttemptTurn): Decision | undefined {
  const { ready } = turn.view.canary;
  if (ready === 0 || turn.status.canaryWeight > 0) return undefined;
  const deadline = ms(turn.status.stageSince, turn.nowMs) + turn.release.frozen.progressDeadlineSeconds * 1000;
  const message = `${ready} ready pods of a canary Deployment that is gone are still there.`;
  if (turn.nowMs < deadline) return hold(turn, 'NotEnoughPods', message, deadline);
  return startRetreat(turn, { outcome: 'Failed', reason: 'ProgressDeadlineExceeded', message });
}

function awaitPods(turn: AttemptTurn, ready: number, needed: number): Decision | undefined {
  if (ready >= needed) return undefined;
  const deadline = ms(turn.status.stageSince, turn.nowMs) + turn.release.frozen.progressDeadlineSeconds * 1000;
  const message = `${ready} of ${needed} pods of the canary are ready.`;
  if (turn.nowMs < deadline) return hold(turn, 'NotEnoughPods', message, deadline);
  const ending = `${message} progressDeadlineSeconds is over.`;
  return startRetreat(turn, { outcome: 'Failed', reason: 'ProgressDeadlineExceeded', message: ending });
}

/** What a person asked for holds for the step in which it was asked. */
export function promptless({ advancedBy: _, ...release }: Release): Release {
  return release;
}

/** A weight that was not accepted in time is not asked for again at once: whoever refuses it has to change something first. */
function notAccepted(turn: AttemptTurn, weight: number): Decision | undefined {
  const { notAccepted: given, advancedBy } = turn.release;
  if (given === undefined || given.weight !== weight || advancedBy !== undefined) return undefined;
  const again = Math.min(turn.nowMs, ms(given.at, 0)) + notAcceptedRestMs;
  if (turn.nowMs >= again) return undefined;
  const message = `${weight} % were not accepted in time; they are asked for again at ${iso(again)}, or when somebody says promote.`;
  return hold(turn, 'NotAccepted', message, again);
}

const notAcceptedRestMs = 600_000;
