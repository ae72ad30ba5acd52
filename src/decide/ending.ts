import type { CanaryStatus, HistoryEntry, Release } from '../api/canary-status.ts';
import { setCondition } from './conditions.ts';
import { type AttemptTurn, isCommitted, iso, without, write } from './turn.ts';
import type { Decision, Ending } from './view.ts';

/** Attempts that status remembers. */
const historyLength = 20;

/** People see ten characters of a digest. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 10);
}

/** The attempt as history remembers it. */
export function historyEntry(status: CanaryStatus, release: Release, ending: Ending, nowMs: number): HistoryEntry {
  return {
    attempt: status.attempt,
    revision: shortDigest(release.digest),
    digest: release.digest,
    ...ending,
    startedAt: release.startedAt,
    endedAt: iso(nowMs),
  };
}

/** History with one more entry, newest first. */
export function remembered(status: CanaryStatus, entry: HistoryEntry): HistoryEntry[] {
  return [entry, ...(status.history ?? [])].slice(0, historyLength);
}

/** A pause ends with its attempt. One from before it, as of a status that was not to be trusted, waits for a person. */
function pauseOf({ reason }: Ending): 'paused'[] {
  return reason === 'Leftovers' ? [] : ['paused'];
}

/** The end of an attempt: everything of ours is gone, what is left is the history. */
export function finish(turn: AttemptTurn, ending: Ending): Decision {
  const { status, release, nowMs, view } = turn;
  const promoted = ending.outcome === 'Promoted';
  const rest = without(status, 'release', 'intent', 'hold', 'holdWrittenAt', 'shares', 'stepIndex', ...pauseOf(ending));
  const next: CanaryStatus = {
    ...rest,
    history: remembered(status, historyEntry(status, release, ending, nowMs)),
    canaryWeight: promoted && release.frozen.subject.target === undefined ? 100 : 0,
    stableRevision: shortDigest(promoted || isCommitted(release) ? release.digest : release.stableDigest),
    conditions: setCondition(
      status.conditions,
      { type: 'Promoted', status: promoted ? 'True' : 'False', reason: ending.outcome, message: ending.message },
      { nowMs, generation: view.generation },
    ),
  };
  const stage = view.deleting ? 'Releasing' : promoted && isRolledOut(turn) ? 'Resting' : 'Initializing';
  return write({ ...turn, status: next }, { stage, stageSince: iso(nowMs) });
}

/** There is one version now, and it is held: the beginning of the next attempt has nothing to wait for. */
function isRolledOut({ view, release }: AttemptTurn): boolean {
  if (release.frozen.subject.target === undefined) return true;
  return view.target?.hold.state === 'held' && view.target.rolledOut;
}
