import type { Release } from '../../api/canary-status.ts';
import { shareCarried } from '../capacity.ts';
import { strengthenCarrier } from '../carrier.ts';
import { acceptanceOf } from '../drive.ts';
import { finish, historyEntry, remembered } from '../ending.ts';
import {
  type AttemptTurn,
  cleared,
  foundRoute,
  carrierPodsGone,
  hold,
  homeWeight,
  iso,
  move,
  ms,
  nextFence,
  write,
} from '../turn.ts';
import type { Decision, Effect, Pods } from '../view.ts';
import { durationMs } from '../../api/duration.ts';

/**
 * Takes the traffic home. At once as much as the pods there carry, the rest as they come and in any case after `retreatTimeout`; a side
 * without ready pods gets nothing while the other has some. The first write always gives a new fence, even at the same weight, so
 * that a write that was decided earlier fails. Pods are counted at the server: those in the cache may be gone already.
 */
export function retreatingStage(turn: AttemptTurn): Decision {
  const { status, release, view } = turn;
  // Intent comes before every write, so without one the routes are still as they were.
  if (status.intent === undefined) return move(cleared(turn), 'Cleaning');
  const home = homeWeight(release, view.deleting);
  const weight = nextWeight(turn, home);
  const asked = status.intent.weight;
  const touched = release.retreatTouched === true;
  if (release.routes.length > 0 && (weight !== asked || !touched)) {
    if (weight !== asked && view.fresh === 'none') return { effect: { do: 'lookFresh', at: 'pods' } };
    const intent = { weight, fence: nextFence(status) };
    const shares = { ...status.shares, asked: weight, rung: 'written' as const };
    const stageSince = iso(turn.nowMs);
    return write(cleared(turn), { intent, shares, stageSince, release: { ...release, retreatTouched: true } });
  }
  const stronger = strengthenCarrier(turn);
  if (stronger !== undefined) return stronger;
  const acceptance = acceptanceOf(turn);
  if (acceptance.state !== 'accepted') return unaccepted(turn, acceptance, weight === home && home === 0);
  if (weight !== status.canaryWeight) {
    return write(cleared(turn), {
      canaryWeight: weight,
      shares: { asked: weight, accepted: weight, rung: 'accepted' },
    });
  }
  return weight === home ? atHome(turn, home) : waitForPods(turn);
}

function atHome(turn: AttemptTurn, home: 0 | 100): Decision {
  return home === 0 ? move(cleared(turn), 'Draining') : keepCarrier(turn);
}

/**
 * Home is not accepted. A gateway that says nothing, or refuses, must not keep people from taking the release back: the weight is in the route,
 * and what is still sent to the canary is seen in Draining.
 */
function unaccepted(
  turn: AttemptTurn,
  { reason, message }: { reason: string; message: string },
  isHome: boolean,
): Decision {
  if (!isHome) return hold(turn, reason, message);
  const deadline = ms(turn.status.stageSince, turn.nowMs) + turn.settings.acceptMs;
  if (turn.nowMs < deadline && !onlyUnresolved(turn)) return hold(turn, reason, message, deadline);
  return move(cleared(turn), 'Draining', { canaryWeight: 0, shares: { asked: 0, rung: 'written' } });
}

/** Every route that is not accepted has been read, and only the backend that goes anyway, or another one, cannot be found. */
function onlyUnresolved({ view, release }: AttemptTurn): boolean {
  return release.routes.every(({ name }) => {
    const acceptance = foundRoute(view, name)?.acceptance;
    return (
      acceptance?.state !== 'pending' && (acceptance?.state !== 'refused' || acceptance.reason === 'BackendNotFound')
    );
  });
}

/** Leaves the routes as they must be at rest, then removes the canary's objects, then ends the attempt. */
export function cleaning(turn: AttemptTurn): Decision {
  const { view, release } = turn;
  const edited = editedRoute(turn);
  if (edited !== undefined) return { effect: edited };
  if (view.carrier !== undefined) return { effect: { do: 'deleteCanaryDeployment' } };
  if (view.hasCanaryService) return { effect: { do: 'deleteCanaryService' } };
  const managed = managedRoute(turn);
  if (managed !== undefined) return { effect: managed };
  const { outcome, reason, message } = release.retreat ?? {
    outcome: 'Promoted',
    reason: 'Promoted',
    message: promotedMessage(turn),
  };
  return finish(turn, { outcome, reason, message });
}

/** What is still to be undone in the routes. */
function editedRoute({ view, release }: AttemptTurn): Effect | undefined {
  for (const { kind, name, plan } of release.routes) {
    const route = foundRoute(view, name);
    const edited = route !== undefined && (route.fence !== undefined || (route.uid === plan['uid'] && route.ours));
    if (edited) return { do: 'restoreRoute', kind, name, keep: sideThatStays(release) };
  }
  return undefined;
}

/**
 * The entry in managedFields that the edits left. It goes last: right after an edit the gateway writes its status, and a change made on top of
 * the route as it was before that is a conflict.
 */
function managedRoute({ view, release }: AttemptTurn): Effect | undefined {
  const { kind, name } = release.routes.find((route) => foundRoute(view, route.name)?.managed === true) ?? {};
  return kind === undefined || name === undefined ? undefined : { do: 'stripRoute', kind, name };
}

function sideThatStays({ frozen, retreat }: Release): 'stable' | 'canary' | 'canaryAlone' {
  if (frozen.subject.target !== undefined || retreat !== undefined) return 'stable';
  return frozen.onSuccess === 'removeStable' ? 'canaryAlone' : 'canary';
}

function promotedMessage({ release, status }: AttemptTurn): string {
  const { subject } = release.frozen;
  if (subject.target !== undefined) return `Deployment ${subject.target} runs revision ${status.revision}.`;
  return `All of the traffic goes to Service ${subject.canary.name}. In Git the routes should say the same: ${subject.stable.name} weight 0 (or removed), ${subject.canary.name} all of it.`;
}

/** The canary's share that the retreat can ask for now. */
function nextWeight(turn: AttemptTurn, home: 0 | 100): number {
  const { view, release, status, nowMs } = turn;
  const present = status.intent?.weight ?? status.canaryWeight;
  const overdue = nowMs - ms(release.retreat?.since, nowMs) >= durationMs(release.frozen.retreatTimeout);
  if (present === home || nothingToWaitFor(turn, overdue)) return home;
  const receiver = home === 0 ? view.stable : view.canary;
  const donor = home === 0 ? view.canary : view.stable;
  if (receiver.ready === 0) return donor.ready > 0 ? 100 - home : present;
  if (donor.ready === 0 || overdue) return home;
  return carriedBy(receiver, turn, { present, home });
}

function carriedBy(
  { ready }: Pods,
  { release }: AttemptTurn,
  { present, home }: { present: number; home: 0 | 100 },
): number {
  const carried = shareCarried(release.full, ready);
  return home === 0 ? Math.min(present, 100 - carried) : Math.max(present, carried);
}

/** Of a Canary that is deleted no route is left, or its target went with it, or nobody serves on either side. */
function nothingToWaitFor({ view, release }: AttemptTurn, overdue: boolean): boolean {
  if (!view.deleting) return false;
  const routeless = release.routes.every(({ name }) => {
    const route = foundRoute(view, name);
    return route === undefined || route.lost !== undefined;
  });
  const targetGone = release.frozen.subject.target !== undefined && view.target === undefined;
  return routeless || (overdue && (targetGone || (view.stable.ready === 0 && view.canary.ready === 0)));
}

function waitForPods(turn: AttemptTurn): Decision {
  const { view, release, nowMs } = turn;
  const { retreat } = release;
  // Only the return leg has a home at 100: the target has everything, and there is no carrier to give it to.
  if (retreat !== undefined && turn.status.canaryWeight === 0 && view.canary.ready === 0) {
    const end = ms(turn.status.stageSince, nowMs) + durationMs(release.frozen.retreatTimeout);
    const message = 'The carrier has no ready pod; the target keeps all of the traffic.';
    if (nowMs < end) return hold(turn, 'NotEnoughPods', message, end);
    if (view.fresh === 'none') return { effect: { do: 'lookFresh', at: 'pods' } };
    const said = `${message} Before: ${retreat.reason}: ${retreat.message}`.slice(0, 1024);
    return write(cleared(turn), {
      release: { ...release, retreat: { ...retreat, reason: carrierPodsGone, message: said } },
    });
  }
  const side =
    homeWeight(release, view.deleting) === 0
      ? { name: 'stable version', pods: view.stable }
      : { name: 'carrier', pods: view.canary };
  const deadline = ms(release.retreat?.since, nowMs) + durationMs(release.frozen.retreatTimeout);
  const message = `${side.pods.ready} pods of the ${side.name} are ready; all of the traffic needs ${release.full}.`;
  return hold(turn, 'NotEnoughPods', message, deadline > nowMs ? deadline : undefined);
}

/** After the point of no return the way home is the carrier: it keeps the traffic, and a person is called. */
function keepCarrier(turn: AttemptTurn): Decision {
  const { status, release, nowMs } = turn;
  const { outcome = 'Failed', reason = 'ReturnFailed', message = '' } = release.retreat ?? {};
  const history = remembered(status, historyEntry(status, release, { outcome, reason, message }, nowMs));
  return move(cleared(turn), 'Carrying', { history, stageSince: iso(nowMs) });
}
