import type { CanaryStatus, Phase, Release, Stage } from '../api/canary-status.ts';

/** The phase in Flagger's words that belongs to a status. */
export function phaseOf(status: CanaryStatus, deleting: boolean): Phase {
  if (deleting) return 'Terminating';
  const { stage, release, history } = status;
  if (release !== undefined) return ofAttempt(stage, release);
  if (stage === 'Releasing') return 'Terminating';
  if (status.hold?.reason === 'Suspended' || status.hold?.reason === 'Paused') return 'Waiting';
  const [last] = history ?? [];
  if (last === undefined) return stage === 'Initializing' ? 'Initializing' : 'Initialized';
  return atRest[last.outcome] ?? 'Failed';
}

/** After these ends a Canary is neither a success nor a failure. */
const atRest: Partial<Record<string, Phase>> = {
  Promoted: 'Succeeded',
  Superseded: 'Initialized',
  Reverted: 'Initialized',
  Bypassed: 'Initialized',
};

const promoting: Stage[] = ['DrainingStable', 'Committing', 'RollingOut'];
const leaving: Stage[] = ['Draining', 'Cleaning'];

function ofAttempt(stage: Stage, release: Release): Phase {
  if (stage === 'Carrying') return 'Failed';
  if (stage === 'WaitingPromotion') return 'WaitingPromotion';
  if (release.retreat !== undefined) return 'Progressing';
  if (leaving.includes(stage)) return 'Finalising';
  return release.leg === 'return' || promoting.includes(stage) ? 'Promoting' : 'Progressing';
}
