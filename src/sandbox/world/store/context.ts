import type { Clock } from '../../../ports/clock.ts';
import type { Random } from '../../../ports/random.ts';
import type { State } from './state.ts';

/** What every part of the store works with. */
export interface StoreContext {
  readonly state: State;
  readonly clock: Clock;
  readonly random: Random;
}
