import { type AttemptTurn, compareFences, hold, iso, ms, wait, write } from './turn.ts';
import type { Decision, RouteView } from './view.ts';

type FoundRoute = Extract<RouteView, { found: true }>;

/** Between two repairs of a route in a retreat, so that a fight costs at most one write a second. */
const repairSpacingMs = 1_000;

/**
 * Brings the routes to the intent, one a turn. A route that carries a newer fence means that this look is old. Weights that somebody
 * undid are put back a few times, then the release holds; a retreat never gives in.
 * @returns undefined when every route is as it must be
 */
export function drive(turn: AttemptTurn): Decision | undefined {
  if (turn.status.intent === undefined) return undefined;
  for (const { name } of turn.release.routes) {
    const route = turn.view.routes.find((candidate) => candidate.name === name);
    const decision = route?.found === true && route.lost === undefined ? driveOne(turn, route) : undefined;
    if (decision !== undefined) return decision;
  }
  return undefined;
}

function driveOne(turn: AttemptTurn, route: FoundRoute): Decision | undefined {
  const { intent } = turn.status;
  const order = compareFences(route.fence, intent?.fence);
  if (order > 0) return { effect: { do: 'lookFresh', at: 'pods' }, wakeAt: turn.nowMs + repairSpacingMs };
  if (route.blocked !== undefined)
    return hold(turn, 'RouteContested', `${route.kind} ${route.name}: ${route.blocked}.`);
  if (order < 0 && !wiped(turn, route)) return shift(turn, route);
  const undone = order < 0 || route.share !== intent?.weight || route.contestedBy !== undefined;
  return undone ? repair(turn, route) : undefined;
}

/** Without a fence: somebody replaced the whole route after our write was seen. */
function wiped({ status, release }: AttemptTurn, route: FoundRoute): boolean {
  return route.fence === undefined && status.shares?.rung !== 'written' && release.retreat === undefined;
}

function shift({ status }: AttemptTurn, { kind, name }: FoundRoute): Decision {
  const { weight, fence } = status.intent ?? { weight: 0, fence: '' };
  return { effect: { do: 'shiftRoute', kind, name, weight, fence } };
}

/** Our last write was undone. The repair is recorded before it is made, so that a restart does not forget the count. */
function repair(turn: AttemptTurn, route: FoundRoute): Decision {
  const { status, release, nowMs, settings } = turn;
  const recent = (release.contests ?? []).filter((at) => nowMs - ms(at, 0) < settings.contestWindowMs);
  const last = ms(recent.at(-1), 0);
  if (nowMs - last < repairSpacingMs) return wait(last + repairSpacingMs);
  if (release.retreat === undefined && recent.length >= settings.contestLimit) {
    const again = ms(recent[0], nowMs) + settings.contestWindowMs;
    const message = `${route.contestedBy ?? 'Somebody'} keeps undoing the weights in ${route.kind} ${route.name}; they are put back at most ${settings.contestLimit} times in ${Math.round(settings.contestWindowMs / 60_000)} min, next at ${iso(again)}. Make that tool ignore the weights (docs/gitops.md).`;
    return hold(turn, 'RouteContested', message, again);
  }
  const [attempt, n] = (status.intent?.fence ?? '0.0').split('.');
  const intent = { weight: status.intent?.weight ?? 0, fence: `${attempt}.${Number(n) + 1}` };
  const contests = [...recent, iso(nowMs)].slice(-8);
  return write(turn, { intent, release: { ...release, contests } });
}

/** Whether every route that is there has accepted what is in it now. */
export function acceptanceOf(
  turn: AttemptTurn,
): { state: 'accepted' } | { state: 'waiting'; message: string; reason: 'NotAccepted' | 'RouteRefused' } {
  for (const { name } of turn.release.routes) {
    const route = turn.view.routes.find((candidate) => candidate.name === name);
    if (route?.found !== true || route.acceptance.state === 'accepted') continue;
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
