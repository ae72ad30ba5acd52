import type { Action } from './actions.ts';
import { type CrashPoint, type Options, crashPoints, plainOptions } from './options.ts';
import type { Result } from './simulation.ts';

const push: Action = { when: { stage: 'Resting', attempt: 0, delayMs: 300 }, deed: { do: 'push', tag: 'v2' } };
const pushBad: Action = { ...push, deed: { do: 'push', tag: 'v2-err50' } };
const midway = { stage: 'Watching', attempt: 1, delayMs: 500 } as const;

/** The scenarios of which every single call is crashed. */
const fixedScenarios: Record<string, Options> = {
  'promote in place': plainOptions('promote in place', { actions: [push] }),
  'roll back a bad version': plainOptions('roll back a bad version', { version: 'v2-err50', actions: [pushBad] }),
  'abort midway': plainOptions('abort midway', {
    actions: [push, { when: midway, deed: { do: 'command', verb: 'abort' } }],
  }),
  'new revision midway': plainOptions('new revision midway', {
    actions: [push, { when: midway, deed: { do: 'push', tag: 'v3' } }],
  }),
  'promote between backends': plainOptions('promote between backends', { mode: 'backends' }),
};

/** Two replicas take over from each other; alone, a replica comes back to what it had left. */
export const crashedRuns: { scenario: string; replicas: 1 | 2 }[] = [
  ...Object.keys(fixedScenarios).map((scenario) => ({ scenario, replicas: 2 as const })),
  { scenario: 'promote in place', replicas: 1 },
  { scenario: 'roll back a bad version', replicas: 1 },
];

/** One crash of a fixed scenario. */
export interface Crash {
  scenario: string;
  replicas: 1 | 2;
  call: number;
  point: CrashPoint;
}

/** The options of a fixed scenario with as many replicas, and with a crash where one is given. */
export function fixedOptions(scenario: string, replicas: 1 | 2, crash?: { call: number; point: CrashPoint }): Options {
  const options = fixedScenarios[scenario];
  if (options === undefined) {
    throw new Error(`there is no fixed scenario "${scenario}"; there are ${Object.keys(fixedScenarios).join(', ')}`);
  }
  return { ...options, replicas, ...(crash && { crashAt: crash }) };
}

/** Every call of a run that went well, at every point. */
export function crashesOf(scenario: string, replicas: 1 | 2, { calls }: Result): Crash[] {
  return Array.from({ length: calls }, (_, i) => i + 1).flatMap((call) =>
    crashPoints.map((point) => ({ scenario, replicas, call, point })),
  );
}
