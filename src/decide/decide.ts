import type { CanaryStatus, Stage } from '../api/canary-status.ts';
import { answeredRequest, noteRemoval, takeCommand } from './commands.ts';
import { drive } from './drive.ts';
import { interrupt } from './interrupts.ts';
import { leftovers } from './leftovers.ts';
import { phaseOf } from './phase.ts';
import { type Row, table } from './table.ts';
import { type AttemptTurn, type Turn, iso, ms, nextCheck, wait, without, write } from './turn.ts';
import { type Decision, type Effect, type Settings, type View, defaultSettings } from './view.ts';

/**
 * The state machine: what is seen and the time in, one effect and the next moment to look out. Pure: the same view at the same
 * time always gives the same decision.
 */
export function decide(view: View, nowMs: number, settings: Settings = defaultSettings): Decision {
  const decision = choose(view, nowMs, settings);
  if (decision.effect.do !== 'writeStatus')
    return { ...decision, effect: confirmed(decision.effect, { view, nowMs, settings }) };
  const { status } = decision.effect;
  return { ...decision, effect: { do: 'writeStatus', status: { ...status, phase: phaseOf(status, view.deleting) } } };
}

/**
 * An attempt does not end before its side has drained, so what a younger stage begins cannot come after the end: half of that time
 * is left for clocks that differ.
 */
function confirmed(
  effect: Effect,
  { view, nowMs, settings }: { view: View; nowMs: number; settings: Settings },
): Effect {
  const { do: what } = effect;
  if (what !== 'shiftRoute' && what !== 'createCanaryService' && what !== 'createCanaryDeployment') return effect;
  const young = nowMs - ms(view.status?.stageSince, 0) <= settings.drainMs / 2;
  return young ? effect : { ...effect, confirm: true };
}

function choose(view: View, nowMs: number, settings: Settings): Decision {
  if (view.deleting) {
    if (!view.hasFinalizer) return wait();
    if (view.namespaceTerminating) return { effect: { do: 'removeFinalizer' } };
  } else if (!view.hasFinalizer) {
    return { effect: { do: 'addFinalizer' } };
  }
  const turn: Turn = { view, status: view.status ?? firstStatus(nowMs), nowMs, settings };
  if (view.status === undefined) return view.deleting ? inStage(turn) : adopt(turn);
  // On the way home traffic comes first: a request that cannot be removed must not keep it where it is.
  if (turn.status.stage === 'Retreating' && answeredRequest(turn) !== undefined) {
    const decision = inStage(turn);
    if (decision.effect.do !== 'nothing') return decision;
  }
  return takeCommand(turn) ?? noteRemoval(turn, inStage(turn));
}

function inStage(turn: Turn): Decision {
  const { status, view } = turn;
  const row: Row = table[status.stage];
  if (row.during === 'rest') {
    if (view.deleting && status.stage !== 'Releasing') return leftovers(turn) ?? write(turn, { stage: 'Releasing' });
    // A status that was restored from a backup of a Canary that was being deleted.
    if (!view.deleting && status.stage === 'Releasing') return write(turn, { stage: 'Initializing' });
    return tidy(turn, row.decide(turn));
  }
  if (status.release === undefined) return write(turn, { stage: 'Initializing' });
  const attempt: AttemptTurn = { ...turn, release: status.release, step: status.stepIndex ?? -1 };
  const decision = interrupt(attempt) ?? (row.drives ? drive(attempt) : undefined) ?? tidy(turn, row.decide(attempt));
  return watched(attempt, decision);
}

/** Stages in which what the canary has of the traffic is not judged any more. */
const unjudged: Stage[] = ['Committing', 'RollingOut', 'Carrying', 'Draining', 'Cleaning'];

/** A breach is acted on wherever the canary has traffic, so whatever is waited for, checks are looked at meanwhile. */
function watched(turn: AttemptTurn, decision: Decision): Decision {
  const { status, release } = turn;
  if (decision.effect.do !== 'nothing' || status.canaryWeight === 0) return decision;
  if (release.retreat !== undefined || unjudged.includes(status.stage)) return decision;
  return { ...decision, wakeAt: Math.min(decision.wakeAt ?? Infinity, nextCheck(turn)) };
}

/** A hold of which no decision speaks any more is over. */
function tidy(turn: Turn, decision: Decision): Decision {
  if (decision.effect.do !== 'nothing' || turn.status.hold === undefined || decision.holding === true) return decision;
  return write({ ...turn, status: without(turn.status, 'hold', 'holdWrittenAt') }, {}, decision.wakeAt);
}

/**
 * The first status of a Canary. One that a newer version wrote is left alone; in the place of one that contradicts itself comes a fresh one that
 * is paused, so that a person looks before anything is released.
 */
function adopt(turn: Turn): Decision {
  const { statusProblem } = turn.view;
  if (statusProblem === undefined) return write(turn, {});
  const { reason, message } = statusProblem;
  if (reason === 'StatusUnreadable') return wait();
  return write(turn, { paused: { by: `Linnet (${reason})`, reason: message.slice(0, 512), since: iso(turn.nowMs) } });
}

function firstStatus(nowMs: number): CanaryStatus {
  return {
    schemaVersion: 1,
    phase: 'Initializing',
    stage: 'Initializing',
    stageSince: iso(nowMs),
    canaryWeight: 0,
    attempt: 0,
    failedChecks: 0,
  };
}
