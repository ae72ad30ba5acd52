import type { AttemptTurn } from './turn.ts';

/** Nothing of the traffic depends on the attempt any more: what is left is to clean up. */
export function isHome({ status }: AttemptTurn): boolean {
  return status.stage === 'Cleaning';
}
