import { type Turn, hold } from './turn.ts';
import type { Decision, Settings, View } from './view.ts';

/** The server's answer to a write that trying again will not change by itself. */
export interface Refusal {
  reason: 'forbidden' | 'invalid';
  /** Names the verb, the object and what the server said. */
  message: string;
}

const reasons = { forbidden: 'Forbidden', invalid: 'WriteRefused' } as const;

/**
 * What to do when an effect was refused: say so in the status, once. The effect itself is decided anew at every look, so the
 * release goes on by itself when the write is let through.
 * @returns undefined while there is no status to say it in
 */
export function refused(view: View, nowMs: number, settings: Settings, refusal: Refusal): Decision | undefined {
  if (view.status === undefined) return undefined;
  const turn: Turn = { view, status: view.status, nowMs, settings };
  return hold(turn, reasons[refusal.reason], refusal.message);
}
