import type { CanaryStatus, Release, Stage } from '../api/canary-status.ts';
import type { Decision, Ending, RouteView, Settings, View } from './view.ts';

/** One call of the state machine: what is seen, what is remembered, and the time. */
export interface Turn {
  view: View;
  status: CanaryStatus;
  nowMs: number;
  settings: Settings;
}

/** A turn within an attempt. */
export interface AttemptTurn extends Turn {
  release: Release;
  /** Position on the ladder; -1 while the canary is attached at weight 0. */
  step: number;
}

/** Wait for a change, or until `wakeAt`. */
export function wait(wakeAt?: number): Decision {
  return { effect: { do: 'nothing' }, wakeAt };
}

/** ISO 8601 of an epoch time in milliseconds. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** Epoch milliseconds of a moment in status; a moment that is absent or cannot be read is `otherwise`. */
export function ms(moment: string | undefined, otherwise: number): number {
  const parsed = moment === undefined ? Number.NaN : Date.parse(moment);
  return Number.isNaN(parsed) ? otherwise : parsed;
}

/** Milliseconds for which the present stage has lasted; never negative, even when clocks disagree. */
export function stageAge(turn: Turn): number {
  return Math.max(0, turn.nowMs - ms(turn.status.stageSince, turn.nowMs));
}

/** The next moment on the grid of the check period. A common grid lets one request serve many Canaries. */
export function nextCheck(turn: Turn): number {
  return checkFrom(Math.floor(turn.nowMs) + 1, turn.settings);
}

/** The first moment on the grid of the check period that is not before `moment`. */
export function checkFrom(moment: number, { checkPeriodMs }: Settings): number {
  return Math.ceil(moment / checkPeriodMs) * checkPeriodMs;
}

/** Decides to write `changes` into the status; a new stage begins its time. */
export function write(turn: Turn, changes: Partial<CanaryStatus>, wakeAt?: number): Decision {
  const moved = changes.stage !== undefined && changes.stage !== turn.status.stage;
  const since = moved ? { stageSince: iso(turn.nowMs) } : {};
  return { effect: { do: 'writeStatus', status: { ...turn.status, ...since, ...changes } }, wakeAt };
}

/** As {@link write}, for a change of the stage with changes to the release. */
export function move(
  turn: AttemptTurn,
  stage: Stage,
  changes: Partial<CanaryStatus> = {},
  release: Partial<Release> = {},
): Decision {
  return write(turn, { stage, ...changes, release: { ...turn.release, ...release } });
}

/** The fence of the next intent of this attempt. */
export function nextFence(status: CanaryStatus): string {
  const [attempt, n] = fenceParts(status.intent?.fence);
  return attempt === status.attempt ? `${attempt}.${n + 1}` : `${status.attempt}.1`;
}

/** Attempt and counter of a fence; zeros when there is none. */
export function fenceParts(fence: string | undefined): [number, number] {
  const match = /^(\d+)\.(\d+)$/.exec(fence ?? '');
  return match ? [Number(match[1]), Number(match[2])] : [0, 0];
}

/** Negative when `a` was given before `b`. */
export function compareFences(a: string | undefined, b: string | undefined): number {
  const [attemptA, nA] = fenceParts(a);
  const [attemptB, nB] = fenceParts(b);
  return attemptA - attemptB || nA - nB;
}

/**
 * Writes the hold when it is news: another reason, or other words at most every ten seconds, so that a count in the message
 * stays fresh without a write at every look.
 */
export function hold(turn: Turn, reason: string, message: string, wakeAt?: number): Decision {
  const present = turn.status.hold;
  const worthSaying = ms(turn.status.stageSince, turn.nowMs) + patienceMs;
  if (present === undefined && turn.nowMs < worthSaying) {
    return { ...wait(Math.min(wakeAt ?? worthSaying, worthSaying)), holding: true };
  }
  const text = message.slice(0, 1024);
  if (present?.reason === reason) {
    const written = ms(turn.status.holdWrittenAt, 0);
    if (present.message === text || turn.nowMs - written < holdRefreshMs) {
      return { ...wait(wakeAt), holding: true };
    }
    return write(turn, { hold: { ...present, message: text }, holdWrittenAt: iso(turn.nowMs) }, wakeAt);
  }
  const since = iso(turn.nowMs);
  return write(turn, { hold: { reason, message: text, since }, holdWrittenAt: since }, wakeAt);
}

const holdRefreshMs = 10_000;

/** What passes sooner than this is how things go, not a hold. */
const patienceMs = 5_000;

/** A copy of the status without these fields. */
export function without<K extends keyof CanaryStatus>(status: CanaryStatus, ...fields: K[]): Omit<CanaryStatus, K> {
  const copy = { ...status };
  for (const field of fields) delete copy[field];
  return copy;
}

/** Past the point of no return: the target has the new template, or gets it. */
export function isCommitted(release: Release): boolean {
  return release.leg === 'return' || release.committedAt !== undefined;
}

/**
 * Where a retreat goes to: the canary's share at its end, in percent. Before the point of no return that is the stable version; after it the carrier,
 * unless the Canary is being deleted or the carrier has no pods left.
 */
export function homeWeight(release: Release, deleting: boolean): 0 | 100 {
  if (deleting || release.retreat?.reason === carrierPodsGone) return 0;
  return isCommitted(release) ? 100 : 0;
}

/** Reason of the one retreat after the point of no return that goes to the target. */
export const carrierPodsGone = 'CarrierPodsGone';

/** The beginning of a retreat; its own stage finds the share to begin with. */
export function retreating(
  release: Release,
  ending: Ending,
  nowMs: number,
): Required<Pick<CanaryStatus, 'stage' | 'stageSince' | 'release'>> {
  const { outcome, reason } = ending;
  const since = iso(nowMs);
  const retreat = { outcome, reason, message: ending.message.slice(0, 1024), since };
  return { stage: 'Retreating', stageSince: since, release: { ...release, retreat } };
}

/** Records the decision to retreat, with `changes` to the status beside it. */
export function startRetreat(turn: AttemptTurn, ending: Ending, changes: Partial<CanaryStatus> = {}): Decision {
  const status = without({ ...turn.status, ...changes }, 'hold', 'holdWrittenAt');
  return write({ ...turn, status }, retreating(turn.release, ending, turn.nowMs));
}

/** The turn without a hold: what comes next is not held. */
export function cleared<T extends Turn>(turn: T): T {
  const status: CanaryStatus = without(turn.status, 'hold', 'holdWrittenAt');
  return { ...turn, status };
}

/** A route as it is seen, when it is there. */
export type FoundRoute = Extract<RouteView, { found: true }>;

/** The route of this name; undefined when it is not there. */
export function foundRoute(view: View, name: string): FoundRoute | undefined {
  const route = view.routes.find((candidate) => candidate.name === name);
  return route?.found === true ? route : undefined;
}
