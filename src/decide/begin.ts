import type { Frozen, Release } from '../api/canary-status.ts';
import { setCondition } from './conditions.ts';
import { shortDigest } from './ending.ts';
import { type Turn, iso, without, write } from './turn.ts';
import type { Decision, View } from './view.ts';

/** What must be known for an attempt to begin. */
interface Subject {
  frozen: Frozen;
  digest: string;
  stableDigest: string;
}

/** Everything an attempt needs, or undefined while something of it cannot be told. */
export function subjectOf(view: View): Subject | undefined {
  const { wanted: frozen, revision: digest, stableRevision: stableDigest } = view;
  if (frozen === undefined || digest === undefined || stableDigest === undefined) return undefined;
  return { frozen, digest, stableDigest };
}

/** The release as it is at the attempt's start. */
export function newRelease(turn: Turn, { frozen, digest, stableDigest }: Subject): Release {
  const { view, nowMs } = turn;
  return {
    digest,
    stableDigest,
    startedAt: iso(nowMs),
    ...(view.target === undefined ? {} : { targetUid: view.target.uid }),
    ...(view.surroundings?.budget === undefined ? {} : { budget: view.surroundings.budget }),
    frozen,
    full: Math.max(1, view.stable.ready, view.stable.desired),
    leg: 'out',
    routes: view.routes.flatMap((route) =>
      route.found && route.plan !== undefined ? [{ kind: route.kind, name: route.name, plan: route.plan }] : [],
    ),
  };
}

/** Begins an attempt with the waiting revision. */
export function begin(turn: Turn, subject: Subject): Decision {
  const { status, view, nowMs } = turn;
  const rest = without(status, 'hold', 'holdWrittenAt', 'checks', 'retryAsked', 'paused', 'shares', 'intent');
  const revision = shortDigest(subject.digest);
  return write(
    { ...turn, status: rest },
    {
      stage: 'Preparing',
      attempt: status.attempt + 1,
      revision,
      stableRevision: shortDigest(subject.stableDigest),
      stepIndex: -1,
      failedChecks: 0,
      canaryWeight: 0,
      release: newRelease(turn, subject),
      conditions: setCondition(
        status.conditions,
        { type: 'Promoted', status: 'Unknown', reason: 'Progressing', message: `Revision ${revision} is being tried.` },
        { nowMs, generation: view.generation },
      ),
    },
  );
}
