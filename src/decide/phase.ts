import type { CanaryStatus, Phase } from '../api/canary-status.ts';

/** The phase in Flagger's words that belongs to a status. */
export function phaseOf(status: CanaryStatus, deleting: boolean): Phase {
  if (deleting) return 'Terminating';
  const { stage, release, history } = status;
  switch (stage) {
    case 'Initializing':
      return history === undefined ? 'Initializing' : ended(history[0]?.outcome);
    case 'Resting':
      if (status.hold?.reason === 'Suspended' || status.hold?.reason === 'Paused') return 'Waiting';
      return history === undefined ? 'Initialized' : ended(history[0]?.outcome);
    case 'Preparing':
      return 'Progressing';
    case 'Shifting':
    case 'Accepting':
    case 'Observing':
    case 'Watching':
      return release?.leg === 'return' ? 'Promoting' : 'Progressing';
    case 'WaitingPromotion':
      return 'WaitingPromotion';
    case 'DrainingStable':
    case 'Committing':
    case 'RollingOut':
      return 'Promoting';
    case 'Carrying':
      return 'Failed';
    case 'Retreating':
      return 'Progressing';
    case 'Draining':
    case 'Cleaning':
      return release?.retreat === undefined ? 'Finalising' : 'Progressing';
    case 'Releasing':
      return 'Terminating';
  }
}

function ended(outcome: string | undefined): Phase {
  if (outcome === 'Promoted') return 'Succeeded';
  return outcome === 'Superseded' || outcome === 'Reverted' || outcome === 'Bypassed' ? 'Initialized' : 'Failed';
}
