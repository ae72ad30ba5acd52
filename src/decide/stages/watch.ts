import { durationMs } from '../../api/duration.ts';
import { type Judged, judgeStep, mergeRecords, recordsOf } from '../checks.ts';
import { countFailure } from '../interrupts.ts';
import { type Rung, rungs } from '../ladder.ts';
import { isPaused, paused } from '../pausing.ts';
import { type AttemptTurn, cleared, hold, iso, move, ms, nextCheck, startRetreat, wait, write } from '../turn.ts';
import type { Decision } from '../view.ts';
import { goOn, nextRung, promptless } from './climb.ts';

/** Holds the weight for its interval and until the checks pass. Breaches have been looked for before. */
export function watching(turn: AttemptTurn): Decision {
  const { release, nowMs } = turn;
  const rung = rungs(release, turn.settings.settleMs)[turn.step];
  if (rung === undefined || release.jump === true) return leaveStep(turn, []);
  const start = Math.max(ms(release.acceptedAt, nowMs), ms(release.failFrom, 0));
  if (release.advancedBy !== undefined) return leaveStep(turn, judgeStep(turn, turn.view.measured));
  const end = start + rung.intervalMs;
  if (nowMs < end) return wait(Math.min(end, nextCheck(turn)));
  return weigh(turn, rung);
}

/** The gate before everything goes to the new version. */
export function waitingPromotion(turn: AttemptTurn): Decision {
  const stopped = paused(turn);
  return stopped ?? move({ ...cleared(turn), release: promptless(turn.release) }, 'Shifting');
}

/** The end of a step's interval: a failed check counts on every rung, a missing verdict only where evidence is asked. */
function weigh(turn: AttemptTurn, { needsEvidence }: Rung): Decision {
  const { measured } = turn.view;
  const judged = measured === undefined && !needsEvidence ? [] : judgeStep(turn, measured);
  const failed = judged.filter(({ verdict }) => verdict.verdict === 'fail');
  if (failed.length > 0) return countFailure(turn, failed);
  const unsure = needsEvidence ? judged.find(({ verdict }) => verdict.verdict === 'unsure') : undefined;
  return unsure === undefined ? leaveStep(turn, judged) : stayUnsure(turn, unsure, judged);
}

/** No verdict: stays, says why, and has an end of its own. */
function stayUnsure(turn: AttemptTurn, unsure: Judged, judged: Judged[]): Decision {
  const { verdict, metric } = unsure;
  const reason = verdict.verdict === 'unsure' ? verdict.reason : 'Unsure';
  const message = `${metric.name}: ${verdict.message}`;
  const { after, do: then } = turn.release.frozen.analysis.onUnsure;
  // The reason may change; what counts is how long there has been no verdict.
  const unsureSince = turn.release.unsureSince ?? iso(turn.nowMs);
  const end = ms(unsureSince, turn.nowMs) + durationMs(after);
  if (turn.nowMs >= end && then === 'rollback') {
    return startRetreat(turn, { outcome: 'Inconclusive', reason, message: `No verdict for ${after}: ${message}` });
  }
  if (turn.nowMs >= end && then === 'advance') {
    const advancedBy = `onUnsure: advance after ${after}: ${message}`.slice(0, 256);
    return write(turn, { release: { ...turn.release, advancedBy } });
  }
  const checks = mergeRecords(turn.status.checks, recordsOf(judged, turn.nowMs));
  const release = { ...turn.release, unsureSince };
  const status = turn.status.hold?.reason === reason ? turn.status : { ...turn.status, checks, release };
  return hold({ ...turn, status }, reason, message, nextCheck(turn));
}

/** Goes on to the next weight with what the checks said; before everything goes to the new version a pause is a gate. */
function leaveStep(turn: AttemptTurn, judged: Judged[]): Decision {
  const next = nextRung(turn);
  const checks = judged.length === 0 ? {} : { checks: mergeRecords(turn.status.checks, recordsOf(judged, turn.nowMs)) };
  const before100 = turn.release.leg === 'out' && next?.rung.weight === 100 && isPaused(turn);
  const { unsureSince: _, ...release } = promptless(turn.release);
  const left = { ...cleared(turn), release };
  return before100 ? move(left, 'WaitingPromotion', checks) : goOn(left, checks);
}
