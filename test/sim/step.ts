import type { Stored } from './history.ts';
import { epochMs } from './schedule.ts';

/** How old a look at the pods may be when traffic is raised. */
export const freshMs = 2_000;

/** What is remembered of the step at which the release stands. */
export interface Step {
  fence: string;
  weight: number;
  /** The moment of acceptance in status, since the beginning. */
  acceptedMs: number;
  /** Somebody or a rule said that the step need not pass. */
  excused: boolean;
}

/** When the request of a stored version was sent. */
export function sentAt({ writer, atMs }: Stored): number {
  return writer.engine ? writer.sentAtMs : atMs;
}

/** Milliseconds since the beginning of a moment in status. */
export function moment(text: string | undefined): number {
  return Date.parse(text ?? '') - epochMs;
}
