import type { Stage } from '../api/canary-status.ts';
import { accepting, preparing, shifting } from './stages/climb.ts';
import { observing } from './stages/observe.ts';
import { waitingPromotion, watching } from './stages/watch.ts';
import { carrying, committing, draining, drainingStable, rollingOut } from './stages/promote.ts';
import { initializing, releasing, resting } from './stages/rest.ts';
import { cleaning, retreatingStage } from './stages/retreat.ts';
import type { AttemptTurn, Turn } from './turn.ts';
import type { Decision } from './view.ts';

/** One stage: what is decided in it and where it can lead. */
export type Row =
  | { during: 'rest'; decide(turn: Turn): Decision; next: Stage[] }
  | {
      during: 'attempt';
      decide(turn: AttemptTurn): Decision;
      next: Stage[];
      /** Whether the routes are brought to the intent before anything else. */
      drives: boolean;
    };

/** Where a weight that was reached leads: to the next one, or to what comes after the last. */
const after: Stage[] = ['Accepting', 'DrainingStable', 'Draining', 'Cleaning'];
const onward: Stage[] = ['Shifting', ...after];

/** The state machine. Every stage is here once; the diagram in `docs/` is printed from it. */
export const table = {
  Initializing: { during: 'rest', decide: initializing, next: ['Resting', 'Retreating', 'Releasing'] },
  Resting: { during: 'rest', decide: resting, next: ['Preparing', 'Initializing', 'Retreating', 'Releasing'] },
  Preparing: { during: 'attempt', decide: preparing, next: ['Accepting', 'Retreating'], drives: true },
  Shifting: {
    during: 'attempt',
    decide: shifting,
    next: [...after, 'Retreating'],
    drives: true,
  },
  Accepting: { during: 'attempt', decide: accepting, next: ['Shifting', 'Observing', 'Retreating'], drives: true },
  Observing: { during: 'attempt', decide: observing, next: ['Watching', ...onward, 'Retreating'], drives: true },
  Watching: {
    during: 'attempt',
    decide: watching,
    next: ['WaitingPromotion', ...onward, 'Retreating'],
    drives: true,
  },
  WaitingPromotion: {
    during: 'attempt',
    decide: waitingPromotion,
    next: ['Shifting', 'Accepting', 'Retreating'],
    drives: true,
  },
  DrainingStable: {
    during: 'attempt',
    decide: drainingStable,
    next: ['Committing', 'Accepting', 'Retreating'],
    drives: true,
  },
  Committing: { during: 'attempt', decide: committing, next: ['RollingOut', 'Accepting', 'Retreating'], drives: true },
  RollingOut: { during: 'attempt', decide: rollingOut, next: ['Shifting', 'Accepting', 'Retreating'], drives: true },
  Carrying: { during: 'attempt', decide: carrying, next: ['Committing', 'Shifting', 'Retreating'], drives: true },
  Retreating: {
    during: 'attempt',
    decide: retreatingStage,
    next: ['Draining', 'Cleaning', 'Carrying'],
    drives: true,
  },
  Draining: { during: 'attempt', decide: draining, next: ['Cleaning', 'Retreating'], drives: true },
  Cleaning: { during: 'attempt', decide: cleaning, next: ['Resting', 'Initializing', 'Releasing'], drives: false },
  Releasing: { during: 'rest', decide: releasing, next: [] },
} satisfies Record<Stage, Row>;
