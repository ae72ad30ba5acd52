import type { CanaryStatus, Release } from '../../api/canary-status.ts';
import { observedShare, shareAgrees } from '../../analysis/share.ts';
import type { Timeline } from '../../analysis/timeline.ts';
import { durationMs } from '../../api/duration.ts';
import { fullPods, podsNeeded, shareCarried } from '../capacity.ts';
import { type Judged, judgeStep, mergeRecords, recordsOf } from '../checks.ts';
import { acceptanceOf } from '../drive.ts';
import { finishStep } from './leave.ts';
import { countFailure } from '../interrupts.ts';
import { type Rung, rungs } from '../ladder.ts';
import {
  type AttemptTurn,
  hold,
  iso,
  move,
  ms,
  nextCheck,
  nextFence,
  stageAge,
  startRetreat,
  wait,
  without,
  write,
} from '../turn.ts';
import type { Decision } from '../view.ts';

/** Recent windows in which the share is looked for: the shorter one lets a share count that has just arrived. */
const shareWindowsMs = [10_000, 30_000];

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

/** Waits until the requests themselves show the share, or for as long as traffic takes to follow where it cannot be seen. */
export function observing(turn: AttemptTurn): Decision {
  const asked = turn.status.intent?.weight ?? 0;
  const seen = seenShare(turn, asked);
  const age = stageAge(turn);
  if (seen.verdict === 'agrees')
    return agree(turn, { rung: 'observed', observed: seen.share, requests: seen.requests });
  if (seen.verdict === 'differs' && (seen.late || age < 2 * turn.settings.trafficMissingMs)) {
    if (!seen.late || age < turn.settings.trafficMissingMs) return wait(nextCheck(turn));
    const message = `${asked} % were asked for and accepted, but ${seen.share.toFixed(1)} % of ${seen.requests} requests went to the canary for ${Math.round(age / 1000)} s.`;
    return startRetreat(turn, { outcome: 'Failed', reason: 'TrafficMissing', message });
  }
  const patience = showsSoon(turn, asked) ? 2 * turn.settings.trafficMissingMs : turn.settings.settleMs;
  const settled = ms(turn.status.stageSince, turn.nowMs) + patience;
  return turn.nowMs < settled ? wait(Math.min(settled, nextCheck(turn))) : agree(turn, { rung: 'settled' });
}

/** Whether the traffic of the last minute is enough for the share to show within the next one. */
function showsSoon({ view: { measured }, nowMs }: AttemptTurn, asked: number): boolean {
  if (measured?.atSplit !== true || measured.counts?.outcome !== 'data') return false;
  const { requests } = observedShare(measured.counts.data, nowMs - 60_000);
  return shareAgrees({ share: asked, asked, requests }) !== 'tooFew';
}

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

function leaveStep(turn: AttemptTurn, judged: Judged[]): Decision {
  const next = nextRung(turn);
  const checks = judged.length === 0 ? {} : { checks: mergeRecords(turn.status.checks, recordsOf(judged, turn.nowMs)) };
  const before100 = turn.release.leg === 'out' && next?.rung.weight === 100 && isPaused(turn);
  const { unsureSince: _, ...release } = promptless(turn.release);
  const left = { ...cleared(turn), release };
  return before100 ? move(left, 'WaitingPromotion', checks) : goOn(left, checks);
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
function nextRung(turn: AttemptTurn): { index: number; rung: Rung } | undefined {
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

interface Seen {
  share: number;
  requests: number;
}

/** `late`: it differs in requests from after the time that a gateway may take to follow, so that its being slow is no explanation. */
type SeenShare =
  | ({ verdict: 'agrees' } & Seen)
  | ({ verdict: 'differs'; late: boolean } & Seen)
  | { verdict: 'unseen' };

/** Any window may show that the share agrees; that it is missing is said of one without the requests from before the gateway followed. */
function seenShare({ view: { measured }, release, nowMs, settings }: AttemptTurn, asked: number): SeenShare {
  if (measured?.atSplit !== true || measured.counts?.outcome !== 'data') return { verdict: 'unseen' };
  const { data } = measured.counts;
  const since = ms(release.acceptedAt, nowMs);
  const within = (from: number) =>
    shareWindowsMs.map((windowMs) => splitAfter(data, Math.max(from, nowMs - windowMs), asked));
  const [early, late] = [within(since), within(since + settings.settleMs)];
  const agreeing = [...early, ...late].find(({ verdict }) => verdict === 'agrees');
  if (agreeing !== undefined) return { ...agreeing, verdict: 'agrees' };
  const [lateDiffering, differing] = [late, early].map((all) => all.findLast(({ verdict }) => verdict === 'differs'));
  if (lateDiffering !== undefined) return { ...lateDiffering, verdict: 'differs', late: true };
  return differing === undefined ? { verdict: 'unseen' } : { ...differing, verdict: 'differs', late: false };
}

function splitAfter(data: Timeline, fromMs: number, asked: number): { verdict: ReturnType<typeof shareAgrees> } & Seen {
  const { share, requests } = observedShare(data, fromMs);
  if (share === undefined) return { verdict: 'tooFew', share: 0, requests };
  // A side that gets nothing is told by the other one getting everything.
  const verdict =
    asked > 0 ? shareAgrees({ share, requests, asked }) : shareAgrees({ share: 100 - share, requests, asked: 100 });
  return { verdict, share, requests };
}

function agree(
  turn: AttemptTurn,
  seen: { rung: 'observed' | 'settled'; observed?: number; requests?: number },
): Decision {
  const accepted = turn.status.canaryWeight;
  const observed = seen.observed === undefined ? {} : { observed: Math.round(seen.observed * 100) / 100 };
  const shares = {
    asked: accepted,
    accepted,
    rung: seen.rung,
    ...observed,
    ...(seen.requests === undefined ? {} : { requests: Math.round(seen.requests) }),
  };
  const passFrom = iso(turn.nowMs);
  const rung = rungs(turn.release, turn.settings.settleMs)[turn.step];
  const over = rung !== undefined && turn.nowMs >= ms(turn.release.acceptedAt, turn.nowMs) + rung.intervalMs;
  if (over && !rung.needsEvidence)
    return goOn({ ...cleared(turn), release: { ...turn.release, passFrom } }, { shares });
  return move(cleared(turn), 'Watching', { shares }, { passFrom });
}

function isPaused({ view, status }: AttemptTurn): boolean {
  return status.paused !== undefined || view.spec.suspend === true;
}

/** What a person asked for holds for the step in which it was asked. */
function promptless({ advancedBy: _, ...release }: Release): Release {
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

function cleared<T extends AttemptTurn>(turn: T): T {
  const status: CanaryStatus = without(turn.status, 'hold', 'holdWrittenAt');
  return { ...turn, status };
}
