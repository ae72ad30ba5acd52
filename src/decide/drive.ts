import { podsNeeded } from './capacity.ts';
import type { CanaryStatus, Release, Stage } from '../api/canary-status.ts';
import {
  type AttemptTurn,
  type FoundRoute,
  compareFences,
  foundRoute,
  hold,
  homeWeight,
  iso,
  ms,
  stageAge,
  startRetreat,
  wait,
  write,
} from './turn.ts';
import type { Decision } from './view.ts';

/** A count of pods that is older says nothing about now. */
const countedMs = 2_000;

/** Between two repairs of a route in a retreat, so that a fight costs at most one write a second. */
const repairSpacingMs = 1_000;

/**
 * Brings the routes to the intent, one a turn. A route that carries a newer fence means that this look is old. Weights that somebody
 * undid are put back a few times, then the release holds; a retreat never gives in.
 * @returns undefined when every route is as it must be
 */
export function drive(turn: AttemptTurn): Decision | undefined {
  const { status, release } = turn;
  // A retreat first asks for a weight of its own: what was asked for before it, and may never have been written, is void.
  const isVoid = status.stage === 'Retreating' && release.retreatTouched !== true;
  if (status.intent === undefined || isVoid) return undefined;
  const decisions = turn.release.routes.flatMap(({ name }) => {
    const route = foundRoute(turn.view, name);
    return (route === undefined || route.lost !== undefined ? undefined : driveOne(turn, route)) ?? [];
  });
  // A route that is fought over or cannot be written does not keep the others where they are.
  const written = decisions.find(({ effect }) => effect.do === 'shiftRoute' || effect.do === 'restoreRoute');
  return written ?? decisions[0] ?? repaired(turn);
}

function driveOne(turn: AttemptTurn, route: FoundRoute): Decision | undefined {
  const { intent } = turn.status;
  const order = compareFences(route.fence, intent?.fence);
  if (order > 0) return { effect: { do: 'lookFresh', at: 'pods' }, wakeAt: turn.nowMs + repairSpacingMs };
  if (route.blocked !== undefined) return blockedRoute(turn, route);
  if (order < 0 && !wiped(turn, route)) return lateRaise(turn, route) ?? shift(turn, route);
  const undone = order < 0 || route.share !== intent?.weight || route.contestedBy !== undefined;
  return undone ? repair(turn, route) : undefined;
}

/** The share cannot be written any more. On the way home what is ours is taken out instead. */
function blockedRoute(turn: AttemptTurn, { kind, name, blocked, ours }: FoundRoute): Decision | undefined {
  const goesHome = turn.release.retreat !== undefined && homeWeight(turn.release, turn.view.deleting) === 0;
  if (!goesHome) return hold(turn, 'RouteContested', `${kind} ${name}: ${blocked}.`);
  return ours ? { effect: { do: 'restoreRoute', kind, name, keep: 'stable' } } : undefined;
}

/** Without a fence: somebody replaced the whole route after our write was seen. */
function wiped({ status, release }: AttemptTurn, route: FoundRoute): boolean {
  return route.fence === undefined && status.shares?.rung !== 'written' && release.retreat === undefined;
}

/**
 * Pods were counted when the weight was asked for. When that is a while ago, by a replica that died perhaps, they are counted anew before a
 * side gets more.
 */
function lateRaise(turn: AttemptTurn, route: FoundRoute): Decision | undefined {
  const { status, release, view } = turn;
  const [present, asked] = [route.share ?? 0, status.intent?.weight ?? 0];
  const rises = release.leg === 'out' ? asked > present : asked < present;
  if (!rises || release.retreat !== undefined || stageAge(turn) <= countedMs) return undefined;
  if (view.fresh === 'none') return { effect: { do: 'lookFresh', at: 'pods' } };
  const [ready, needed] =
    release.leg === 'out' ? [view.canary.ready, podsNeeded(release.full, asked)] : [view.stable.ready, 1];
  if (ready >= needed) return undefined;
  const message = `${ready} of ${needed} pods are ready for the weight that was asked for.`;
  const deadline = ms(status.stageSince, turn.nowMs) + release.frozen.progressDeadlineSeconds * 1000;
  if (turn.nowMs < deadline) return hold(turn, 'NotEnoughPods', message, deadline);
  return startRetreat(turn, { outcome: 'Failed', reason: 'ProgressDeadlineExceeded', message });
}

function shift({ status }: AttemptTurn, { kind, name }: FoundRoute): Decision {
  const { weight, fence } = status.intent ?? { weight: 0, fence: '' };
  return { effect: { do: 'shiftRoute', kind, name, weight, fence } };
}

/** Our last write was undone. The repair is recorded before it is made, so that a restart does not forget the count. */
function repair(turn: AttemptTurn, route: FoundRoute): Decision {
  const { status, release, nowMs, settings } = turn;
  const recent = (release.contests ?? []).filter((at) => nowMs - ms(at, 0) < settings.contestWindowMs);
  const last = Math.min(nowMs, ms(recent.at(-1), 0));
  if (nowMs - last < repairSpacingMs) return wait(last + repairSpacingMs);
  if (status.stage !== 'Retreating' && recent.length >= settings.contestLimit) {
    const again = ms(recent[0], nowMs) + settings.contestWindowMs;
    const message = `${route.contestedBy ?? 'Somebody'} keeps undoing the weights in ${route.kind} ${route.name}; they are put back at most ${settings.contestLimit} times in ${Math.round(settings.contestWindowMs / 60_000)} min, next at ${iso(again)}. Make that tool ignore the weights (docs/gitops.md).`;
    return hold(turn, 'RouteContested', message, again);
  }
  const [attempt, n] = (status.intent?.fence ?? '0.0').split('.');
  const intent = { weight: status.intent?.weight ?? 0, fence: `${attempt}.${Number(n) + 1}` };
  const contests = [...recent, iso(nowMs)].slice(-8);
  return write(turn, { intent, ...afresh(turn, { ...release, contests }) });
}

/** Stages that rest on the weight having been as it was written, and that end when it is so again. */
const held: Stage[] = ['Shifting', 'Accepting', 'Observing', 'Watching', 'WaitingPromotion', 'DrainingStable'];

/** What counted from the acceptance of the weight counts anew: while somebody undoes it, nothing is proved and nothing drains. */
function afresh({ status, view, nowMs }: AttemptTurn, release: Release): Partial<CanaryStatus> {
  if (release.retreat !== undefined) return { release };
  const shares = { ...status.shares, asked: status.intent?.weight ?? 0, rung: 'written' as const };
  const stageSince = iso(nowMs);
  const nothingLetGo = status.stage === 'Committing' && view.target?.hold.state === 'held';
  if (!nothingLetGo && !held.includes(status.stage)) return { shares, stageSince, release };
  const { committedAt, ...climbing } = release;
  return {
    stage: 'Accepting',
    shares,
    stageSince,
    release: committedAt === undefined || nothingLetGo ? climbing : release,
  };
}

/** Stages that do not wait for acceptance: a repair in them is over when it is in the route. */
function repaired(turn: AttemptTurn): Decision | undefined {
  const { status, release } = turn;
  const { shares, stage } = status;
  const waits = stage === 'Preparing' || stage === 'Accepting' || release.retreat !== undefined;
  if (waits || shares?.rung !== 'written') return undefined;
  return write(turn, { shares: { ...shares, rung: 'accepted' } });
}

/** Whether every route that is there has accepted what is in it now. */
export function acceptanceOf(
  turn: AttemptTurn,
): { state: 'accepted' } | { state: 'waiting'; message: string; reason: 'NotAccepted' | 'RouteRefused' } {
  for (const { name } of turn.release.routes) {
    const route = foundRoute(turn.view, name);
    if (route === undefined || route.lost !== undefined || route.acceptance.state === 'accepted') continue;
    const { acceptance } = route;
    return acceptance.state === 'refused'
      ? {
          state: 'waiting',
          reason: 'RouteRefused',
          message: `${route.kind} ${name}: ${acceptance.reason}: ${acceptance.message}`,
        }
      : {
          state: 'waiting',
          reason: 'NotAccepted',
          message: `${route.kind} ${name} is not accepted yet by ${acceptance.waitingFor.join(', ')}.`,
        };
  }
  return { state: 'accepted' };
}
