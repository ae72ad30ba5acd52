import type { Outcome, Stage } from '../api/canary-status.ts';
import { type Judged, clearBreaches, mergeRecords, recordsOf } from './checks.ts';
import { digestOf } from '../api/digest.ts';
import { type AttemptTurn, carrierPodsGone, foundRoute, isCommitted, iso, startRetreat, write } from './turn.ts';
import type { Decision, Ending } from './view.ts';

/**
 * What ends an attempt from any stage: first what makes it pointless, then pods that are gone, then a breach. Pauses, gates and holds
 * do not come before these.
 * @returns undefined when the attempt goes on
 */
export function interrupt(turn: AttemptTurn): Decision | undefined {
  // In Cleaning nothing of the traffic depends on the attempt any more.
  if (turn.release.retreat !== undefined || turn.status.stage === 'Cleaning') return undefined;
  const ending =
    pointless(turn) ?? lostSubject(turn) ?? changedRevision(turn) ?? changedCarrier(turn) ?? podsGone(turn);
  // What a cache shows may be from before our own last step: nothing is ended on it before the server has said the same.
  if (ending !== undefined && ending.reason !== 'Deleted' && turn.view.fresh !== 'all') {
    return { effect: { do: 'lookFresh', at: 'all' } };
  }
  if (ending !== undefined) return startRetreat(turn, ending);
  return breach(turn);
}

/** In Draining the target has all of the traffic again: what is left is done whether the Canary is deleted or not. */
function pointless({ view, status }: AttemptTurn): Ending | undefined {
  return view.deleting && status.stage !== 'Draining'
    ? end('Cancelled', 'Deleted', 'The Canary is being deleted.')
    : undefined;
}

/**
 * The objects of the attempt are not those that it began with. After the point of no return there is nothing to take back: what is left of the attempt is
 * brought to its end by the rules it began with.
 */
function lostSubject(turn: AttemptTurn): Ending | undefined {
  const { view, release } = turn;
  if (isCommitted(release)) return undefined;
  const { subject } = release.frozen;
  // The API server gives the fields of what it stored in an order of its own.
  if (view.wanted !== undefined && digestOf(view.wanted.subject) !== digestOf(subject)) {
    return end('Cancelled', 'SpecChanged', 'spec names another target, other backends or other routes now.');
  }
  if (subject.target !== undefined && view.target?.uid !== release.targetUid) {
    const what = view.target === undefined ? 'is gone' : 'was deleted and made anew';
    return end('Cancelled', 'TargetReplaced', `Deployment ${subject.target} ${what}.`);
  }
  return lostRoute(turn);
}

function lostRoute({ view, release }: AttemptTurn): Ending | undefined {
  for (const { name, plan } of release.routes) {
    const route = foundRoute(view, name);
    if (route === undefined) return end('Cancelled', 'RouteReplaced', `HTTPRoute ${name} is gone.`);
    const lost = route.uid === plan['uid'] ? route.lost : 'it was deleted and made anew';
    if (lost !== undefined) return end('Cancelled', 'RouteReplaced', `HTTPRoute ${name}: ${lost}.`);
  }
  return undefined;
}

/** In the other stages the target is let go on purpose, and the stages themselves look at what it becomes. */
const climbing: Stage[] = [
  'Preparing',
  'Shifting',
  'Accepting',
  'Observing',
  'Watching',
  'WaitingPromotion',
  'DrainingStable',
];

/** What waits is not what is being tried; on the return: what runs on the target is not what it was given. */
function changedRevision({ view, release, status }: AttemptTurn): Ending | undefined {
  if (!climbing.includes(status.stage) || view.revision === undefined) return undefined;
  if (view.target !== undefined && view.target.hold.state !== 'held') {
    return end('Bypassed', 'Bypassed', `Deployment ${release.frozen.subject.target} was unpaused by somebody else.`);
  }
  if (release.leg === 'return') return undefined;
  if (view.revision === release.digest) return undefined;
  return view.revision === release.stableDigest
    ? end('Reverted', 'Reverted', 'The template is that of the stable version again.')
    : end('Superseded', 'Superseded', 'A newer revision waits.');
}

/** The canary's pods are of another revision than the one that is tried. One without traffic is made anew instead. */
function changedCarrier({ view, release, status }: AttemptTurn): Ending | undefined {
  const { carrier } = view;
  if (carrier === undefined || carrier.digest === release.digest) return undefined;
  const served = Math.max(status.intent?.weight ?? 0, status.canaryWeight);
  if (release.leg === 'return' || !climbing.includes(status.stage) || served === 0) return undefined;
  const message = `Deployment ${release.frozen.subject.canary.name} was changed by somebody else: it does not run the revision that is tried.`;
  return end('Failed', 'CarrierChanged', message);
}

/** A side that has traffic has lost its pods, while there is another side to go to. */
function podsGone({ view, status, release }: AttemptTurn): Ending | undefined {
  const { weight } = status.intent ?? { weight: 0 };
  const { canary, stable } = view;
  if (weight > 0 && canary.ready === 0 && stable.ready > 0) {
    const reason = isCommitted(release) ? carrierPodsGone : 'CanaryPodsGone';
    return end('Failed', reason, `The canary has ${weight} % of the traffic and no ready pod.`);
  }
  // At 100 on the way out the stable version has no traffic to lose.
  const split = weight < 100 && (weight > 0 || release.leg === 'return');
  if (!split || stable.ready > 0 || canary.ready === 0) return undefined;
  return end('Failed', 'StablePodsGone', `The stable version has ${100 - weight} % of the traffic and no ready pod.`);
}

function breach(turn: AttemptTurn): Decision | undefined {
  const { measured } = turn.view;
  if (measured === undefined || turn.release.failFrom === undefined) return undefined;
  const failed = clearBreaches(turn, measured);
  return failed.length === 0 ? undefined : countFailure(turn, failed);
}

/** One failed check more; the attempt ends when there are as many as `threshold`. */
export function countFailure(turn: AttemptTurn, failed: Judged[]): Decision {
  const { status, release, nowMs } = turn;
  const failedChecks = status.failedChecks + 1;
  const checks = mergeRecords(status.checks, recordsOf(failed, nowMs));
  const { threshold } = release.frozen.analysis;
  if (failedChecks < threshold) {
    const since = iso(nowMs);
    return write(turn, { failedChecks, checks, release: { ...release, failFrom: since, passFrom: since } });
  }
  const [first] = failed;
  const message = `${first?.metric.name}: ${first?.verdict.message}`;
  return startRetreat(turn, end('RolledBack', 'CheckFailed', message), { failedChecks, checks });
}

function end(outcome: Outcome, reason: string, message: string): Ending {
  return { outcome, reason, message };
}
