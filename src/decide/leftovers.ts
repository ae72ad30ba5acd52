import { newRelease, subjectOf } from './begin.ts';
import { type Turn, fenceParts, iso, write } from './turn.ts';
import type { Decision, RouteView } from './view.ts';

type FoundRoute = Extract<RouteView, { found: true }>;

/**
 * Objects or weights of an attempt that status knows nothing of are taken back like an attempt that was cancelled. Its number is above
 * that of every fence found, so that what is written now comes after whatever wrote them.
 * @returns undefined when nothing is left over, or nobody can tell yet what belongs to whom
 */
export function leftovers(turn: Turn): Decision | undefined {
  const { view, status, nowMs } = turn;
  const touched = view.routes.filter((route): route is FoundRoute => route.found && route.ours);
  if (touched.length === 0 && view.carrier === undefined && !view.hasCanaryService) return undefined;
  // What a cache shows may be what another replica has just removed.
  if (view.fresh !== 'all') return { effect: { do: 'lookFresh', at: 'all' } };
  const subject = subjectOf(view);
  if (subject === undefined) return undefined;
  const attempt = Math.max(status.attempt, ...touched.map((route) => fenceParts(route.fence)[0])) + 1;
  const weight = Math.round(Math.max(0, ...touched.map((route) => route.share ?? 0)));
  const message = 'Left over from an attempt that is not in status.';
  return write(turn, {
    stage: 'Retreating',
    attempt,
    stepIndex: -1,
    canaryWeight: weight,
    // Where no route was touched none is written, not even to take something back.
    ...(touched.length === 0 ? {} : { intent: { weight, fence: `${attempt}.1` } }),
    release: {
      ...newRelease(turn, subject),
      retreat: { outcome: 'Cancelled', reason: 'Leftovers', message, since: iso(nowMs) },
    },
  });
}
