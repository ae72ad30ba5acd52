import { podsNeeded } from './capacity.ts';
import type { AttemptTurn } from './turn.ts';
import type { Decision } from './view.ts';

/**
 * Gives the canary Deployment the pods that its share needs, where it has more to carry than it was made for or somebody has scaled it down: it
 * is the only version that is sure to work. Undefined when it has them.
 */
export function strengthenCarrier({ view, status, release }: AttemptTurn): Decision | undefined {
  const replicas = podsNeeded(release.full, status.intent?.weight ?? 0);
  if (view.carrier === undefined || view.carrier.replicas >= replicas) return undefined;
  return { effect: { do: 'scaleCanary', replicas } };
}
