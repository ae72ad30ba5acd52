import type { Stage } from '../../src/api/canary-status.ts';
import type { Action, Deed, When } from './actions.ts';
import type { Chance } from './chance.ts';

/** What a scenario is called, and what happens in it. */
export interface Drawn {
  scenario: string;
  mode: 'targetRef' | 'backends';
  version: string;
  actions: Action[];
}

/** The release begins when the Canary rests for the first time. */
const start: When = { stage: 'Resting', attempt: 0, delayMs: 300 };

const stages: Stage[] = [
  'Preparing',
  'Shifting',
  'Accepting',
  'Observing',
  'Watching',
  'Watching',
  'DrainingStable',
  'Committing',
  'RollingOut',
  'Retreating',
  'Draining',
  'Cleaning',
];

const badVersions = ['v2-err50', 'v2-err100', 'v2-slow800'];

/** Names of scenarios; each seed draws one of them unless one is asked for. */
const scenarios: Record<string, (chance: Chance) => Omit<Drawn, 'scenario' | 'mode'>> = {
  promote: () => ({ version: 'v2', actions: [] }),
  rollback: (chance) => ({ version: chance.pick(badVersions), actions: [] }),
  abort: (chance) => ({
    version: chance.pick(['v2', 'v2', 'v2-err50']),
    actions: [{ when: sometime(chance), deed: { do: 'command', verb: 'abort' } }, ...maybeRetry(chance)],
  }),
  supersede: (chance) => ({
    version: chance.pick(['v2', 'v2-err50']),
    actions: [{ when: sometime(chance), deed: { do: 'push', tag: chance.pick(['v3', 'v3', 'v3-err50', 'v1']) } }],
  }),
  command: (chance) => ({
    version: 'v2',
    actions: [
      { when: sometime(chance), deed: chance.pick<Deed>([{ do: 'race' }, promote(chance), promote(chance)]) },
      { when: sometime(chance), deed: chance.pick<Deed>([{ do: 'race' }, promote(chance)]) },
    ],
  }),
  delete: (chance) => ({
    version: chance.pick(['v2', 'v2', 'v2-err50']),
    actions: [{ when: sometime(chance), deed: { do: 'deleteCanary' } }],
  }),
  pods: (chance) => ({ version: chance.pick(['v2', 'v2', 'v2-notready']), actions: [podsGone(chance)] }),
  pause: (chance) => {
    const when = sometime(chance);
    const [off, on]: [Deed, Deed] = chance.happens(0.5)
      ? [
          { do: 'command', verb: 'pause' },
          { do: 'command', verb: 'resume' },
        ]
      : [
          { do: 'suspend', on: true },
          { do: 'suspend', on: false },
        ];
    const later: When = { atMs: chance.between(15_000, 40_000) };
    return {
      version: chance.pick(['v2', 'v2-err50']),
      actions: [
        { when, deed: off },
        { when: later, deed: on },
      ],
    };
  },
  mixed: (chance) => ({
    version: chance.pick(['v2', 'v2', 'v2', ...badVersions]),
    actions: Array.from({ length: chance.between(1, 5) }, () => ({ when: sometime(chance), deed: anything(chance) })),
  }),
};

export function drawActions(chance: Chance, wanted: string | undefined): Drawn {
  const scenario = wanted ?? chance.pick(Object.keys(scenarios));
  const draw = scenarios[scenario];
  if (draw === undefined) {
    throw new Error(`there is no scenario "${scenario}"; there are ${Object.keys(scenarios).join(', ')}`);
  }
  const mode = chance.happens(0.6) ? 'targetRef' : 'backends';
  const { version, actions } = draw(chance);
  const first: Action[] = mode === 'targetRef' ? [{ when: start, deed: { do: 'push', tag: version } }] : [];
  return { scenario, mode, version, actions: [...first, ...actions] };
}

function sometime(chance: Chance): When {
  if (chance.happens(0.3)) return { atMs: chance.between(1_000, 40_000) };
  return {
    stage: chance.pick(stages),
    attempt: chance.happens(0.85) ? 1 : 2,
    delayMs: chance.pick([0, 0, 5, 50, 500, 3_000]),
  };
}

function promote(chance: Chance): Deed {
  return { do: 'command', verb: 'promote', full: chance.happens(0.5) };
}

function maybeRetry(chance: Chance): Action[] {
  if (chance.happens(0.5)) return [];
  return [{ when: { atMs: chance.between(30_000, 45_000) }, deed: { do: 'command', verb: 'retry' } }];
}

function podsGone(chance: Chance): Action {
  const side = chance.pick(['stable', 'canary', 'canary'] as const);
  return { when: sometime(chance), deed: { do: 'podsGone', side, forMs: chance.pick([500, 3_000, 12_000]) } };
}

function anything(chance: Chance): Deed {
  return chance.pick<Deed>([
    { do: 'push', tag: chance.pick(['v3', 'v3-err50', 'v1', 'v4']) },
    { do: 'push', tag: chance.pick(['v3', 'v4']) },
    { do: 'command', verb: 'abort' },
    promote(chance),
    { do: 'command', verb: chance.pick(['pause', 'resume', 'retry'] as const) },
    { do: 'race' },
    { do: 'suspend', on: chance.happens(0.5) },
    podsGone(chance).deed,
    { do: 'scale', replicas: chance.between(1, 5) },
    { do: 'editSteps' },
    { do: 'addFilter' },
    { do: 'resetRoute' },
    { do: 'replaceRoute' },
    { do: 'unpause' },
    { do: 'deleteCanary' },
  ]);
}
