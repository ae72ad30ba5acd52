import type { Release } from '../../api/canary-status.ts';
import { strengthenCarrier } from '../carrier.ts';
import { drained } from '../drained.ts';
import { historyEntry, remembered, shortDigest } from '../ending.ts';
import {
  type AttemptTurn,
  cleared,
  carrierPodsGone,
  hold,
  iso,
  move,
  startRetreat,
  wait,
  without,
  write,
} from '../turn.ts';
import type { Decision, Ending } from '../view.ts';
import { goOn } from './climb.ts';
import { paused } from '../pausing.ts';

/** The stable pods have no weight any more; nothing is done to them before their last requests are answered. */
export function drainingStable(turn: AttemptTurn): Decision {
  const stopped = paused(turn);
  if (stopped !== undefined) return stopped;
  const left = drained(turn, 'stable');
  if (!left.drained) return wait(left.wakeAt);
  return move(cleared(turn), 'Committing', {}, { committedAt: iso(turn.nowMs) });
}

/**
 * The point of no return is recorded; now the target gets the analysed template, and only that one. While it is still held with
 * another template nothing has happened yet, and the attempt can be taken back.
 */
export function committing(turn: AttemptTurn): Decision {
  const { target } = turn.view;
  const { digest } = turn.release;
  if (target === undefined) return hold(turn, 'TargetGone', 'The target is gone; the carrier keeps the traffic.');
  if (target.hold.state === 'foreign') {
    return hold(
      turn,
      'TargetHeldByOther',
      `${target.hold.manager} owns spec.paused of the Deployment; the carrier keeps the traffic.`,
    );
  }
  if (target.hold.state === 'free') return move(turn, 'RollingOut');
  if (target.specDigest !== digest) {
    if (turn.view.fresh !== 'all') return { effect: { do: 'lookFresh', at: 'all' } };
    // From the carrier nothing can be taken back: whatever the target gets is tried from the beginning.
    if (turn.release.leg === 'return') return tryOnTarget(turn, 'Committing', target.specDigest);
    const { committedAt: _, ...release } = turn.release;
    const ending: Ending = {
      outcome: 'Superseded',
      reason: 'Superseded',
      message: 'The template changed before it was rolled out.',
    };
    return startRetreat({ ...turn, release }, ending);
  }
  return paused(turn) ?? { effect: { do: 'letTargetGo', name: turn.release.frozen.subject.target ?? '', digest } };
}

/** The target rolls out without traffic from the route. When it is done it is held again, and the traffic returns. */
export function rollingOut(turn: AttemptTurn): Decision {
  const { view, release } = turn;
  const { target } = view;
  const stronger = strengthenCarrier(turn);
  if (stronger !== undefined) return stronger;
  if (target === undefined) return hold(turn, 'TargetGone', 'The target is gone; the carrier keeps the traffic.');
  if (!target.rolledOut || target.activeDigest === undefined) {
    const message = target.stuck ?? 'The target rolls out; the carrier has the traffic.';
    return hold(turn, target.stuck === undefined ? 'TargetRollingOut' : 'TargetStuck', message);
  }
  if (target.hold.state === 'free') return { effect: { do: 'holdTarget' } };
  if (target.activeDigest !== release.digest) {
    // A cache may still show the ReplicaSet of the old template.
    if (view.fresh !== 'all') return { effect: { do: 'lookFresh', at: 'all' } };
    const message = `Revision ${shortDigest(target.activeDigest)} took its place while the target rolled out.`;
    const ending: Ending = { outcome: 'Superseded', reason: 'Superseded', message };
    const history = remembered(turn.status, historyEntry(turn.status, release, ending, turn.nowMs));
    return tryOnTarget({ ...turn, status: { ...turn.status, history } }, 'Shifting', target.activeDigest);
  }
  // Only what came here over the carrier has been analysed.
  const returnAnalysed = release.leg === 'out';
  const back: Release = { ...unmarked(release), leg: 'return', returnAnalysed };
  return goOn({ ...cleared(turn), step: -1, release: back }, { stepIndex: -1 });
}

/** A new attempt, from the carrier to the target, with a template that the carrier does not have: it is tried like any revision. */
function tryOnTarget(turn: AttemptTurn, stage: 'Committing' | 'Shifting', digest: string): Decision {
  const { view, nowMs } = turn;
  const status = without(turn.status, 'checks', 'retryAsked');
  const release = unmarked(turn.release);
  const since = iso(nowMs);
  const stableDigest = view.carrier?.digest ?? release.digest;
  const attempt = status.attempt + 1;
  return write(cleared({ ...turn, status }), {
    stage,
    stageSince: since,
    attempt,
    intent: { weight: status.intent?.weight ?? 100, fence: `${attempt}.1` },
    revision: shortDigest(digest),
    stableRevision: shortDigest(stableDigest),
    stepIndex: -1,
    failedChecks: 0,
    release: {
      ...release,
      digest,
      stableDigest,
      startedAt: since,
      leg: 'return',
      returnAnalysed: false,
      committedAt: since,
    },
  });
}

/** The attempt without what belongs to the leg before: its evidence, what a person asked for, a retreat that the carrier has survived. */
function unmarked(release: Release): Release {
  const { retreat: _, retreatTouched: _t, jump: _j, advancedBy: _a, unsureSince: _u, ...rest } = release;
  const { acceptedAt: _at, passFrom: _p, failFrom: _f, ...kept } = rest;
  return kept;
}

/**
 * The return failed or was stopped: the carrier, which was analysed, keeps the traffic until a person says `retry` or a new template
 * comes. A new template is rolled out on the target, which has no traffic, and then tried.
 */
export function carrying(turn: AttemptTurn): Decision {
  const { view, status, release } = turn;
  const { target } = view;
  const [last] = status.history ?? [];
  if (view.deleting) return startRetreat({ ...turn, release: unmarked(release) }, goingAway);
  const gone = carrierGone(turn);
  if (gone !== undefined) return gone;
  const news = strengthenCarrier(turn) ?? newsOnTarget(turn);
  if (news !== undefined) return news;
  if (status.retryAsked === true && target?.rolledOut === true) return tryOnTarget(turn, 'Shifting', release.digest);
  const message = `${last?.message ?? ''} The canary Deployment keeps all of the traffic. Push a new template, or say retry.`;
  return hold(turn, 'CarrierKeeps', message.trim());
}

/** The carrier has no pods any more and the target has: the target is all there is. */
function carrierGone(turn: AttemptTurn): Decision | undefined {
  const { view, release } = turn;
  if (view.canary.ready > 0 || view.stable.ready === 0) return undefined;
  if (view.fresh !== 'all') return { effect: { do: 'lookFresh', at: 'all' } };
  const message = 'The carrier has no ready pod and the target has: the target takes the traffic.';
  return startRetreat({ ...turn, release: unmarked(release) }, { outcome: 'Failed', reason: carrierPodsGone, message });
}

/** A template that the target has, or waits with, and that was not tried yet. One that somebody else let roll is held when it has rolled out. */
function newsOnTarget(turn: AttemptTurn): Decision | undefined {
  const { view, status, release } = turn;
  const { target } = view;
  if (target === undefined || target.hold.state === 'foreign') return undefined;
  if (target.hold.state === 'free') return target.rolledOut ? { effect: { do: 'holdTarget' } } : undefined;
  const waits = target.specDigest !== target.activeDigest;
  const tried = status.history?.[0]?.digest === target.specDigest && status.retryAsked !== true;
  if (waits) return tried ? undefined : tryOnTarget(turn, 'Committing', target.specDigest);
  const rolledByOthers = target.rolledOut && target.activeDigest !== release.digest;
  return rolledByOthers ? tryOnTarget(turn, 'Shifting', target.specDigest) : undefined;
}

const goingAway: Ending = { outcome: 'Cancelled', reason: 'Deleted', message: 'The Canary is being deleted.' };

/** The side that the attempt empties: the carrier, after it has done its work or after a retreat. */
export function draining(turn: AttemptTurn): Decision {
  const left = drained(turn, 'canary');
  return left.drained ? move(cleared(turn), 'Cleaning') : wait(left.wakeAt);
}
