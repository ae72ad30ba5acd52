import Type, { type Static } from 'typebox';
import { Analysis, MetricsServerRef, providers } from './canary-spec.ts';
import { atomicList, listMap, moment, oneOf, text } from './schema.ts';

export const phases = [
  'Initializing',
  'Initialized',
  'Waiting',
  'Progressing',
  'WaitingPromotion',
  'Promoting',
  'Finalising',
  'Succeeded',
  'Failed',
  'Terminating',
] as const;
export type Phase = (typeof phases)[number];

export const stages = [
  'Initializing',
  'Resting',
  'Preparing',
  'Shifting',
  'Accepting',
  'Observing',
  'Watching',
  'WaitingPromotion',
  'DrainingStable',
  'Committing',
  'RollingOut',
  'Carrying',
  'Retreating',
  'Draining',
  'Cleaning',
  'Releasing',
] as const;
/** What exactly is going on; the rows of the transition table in `src/decide`. */
export type Stage = (typeof stages)[number];

export const outcomes = [
  'Promoted',
  'RolledBack',
  'Aborted',
  'Superseded',
  'Reverted',
  'Cancelled',
  'Bypassed',
  'Inconclusive',
  'Failed',
] as const;
/** How an attempt ended. */
export type Outcome = (typeof outcomes)[number];

const percent = (description: string) => Type.Number({ description, minimum: 0, maximum: 100 });
const share = (description: string) => Type.Integer({ description, minimum: 0, maximum: 100 });
const digest = (description: string) => text(description, 64);

const RoutePlanRecord = Type.Unsafe<Record<string, unknown>>({
  type: 'object',
  description: "What the managed rules were before the attempt; written and read by Linnet's route editing.",
  'x-kubernetes-preserve-unknown-fields': true,
  maxProperties: 16,
});

const Step = Type.Object({ weight: share('Percent.'), interval: text('Duration.', 32) });

/** The subject and rules of an attempt, frozen when it began. */
const Frozen = Type.Object(
  {
    subject: Type.Object({
      target: Type.Optional(text('Name of the Deployment.', 253)),
      stable: Type.Object({ name: text('Service.', 253), port: Type.Optional(Type.Integer()) }),
      canary: Type.Object({ name: text('Service.', 253), port: Type.Optional(Type.Integer()) }),
      routes: atomicList(
        Type.Object({
          kind: text('Kind.', 63),
          name: text('Name.', 253),
          rules: Type.Optional(atomicList(text('Rule name.', 253), { description: 'Rules.', maxItems: 16 })),
        }),
        { description: 'Routes.', maxItems: 16 },
      ),
    }),
    steps: atomicList(Step, { description: 'The ladder; its last weight is 100.', maxItems: 100 }),
    analysis: Analysis,
    provider: Type.Optional(oneOf(providers, { description: 'As in spec.' })),
    metricsServer: Type.Optional(MetricsServerRef),
    skipAnalysis: Type.Optional(Type.Boolean()),
    progressDeadlineSeconds: Type.Integer(),
    retreatTimeout: text('Duration.', 32),
    onSuccess: Type.Optional(text('As in spec.', 16)),
  },
  { description: 'What the attempt releases and by which rules, as they were when it began.' },
);
export type Frozen = Static<typeof Frozen>;

const Release = Type.Object(
  {
    digest: digest('Full digest of the revision.'),
    stableDigest: digest('Full digest of what it replaces.'),
    startedAt: moment('When the attempt began.'),
    targetUid: Type.Optional(text('uid of the target Deployment.', 64)),
    budget: Type.Optional(text('PodDisruptionBudget of which the canary has a copy.', 253)),
    frozen: Frozen,
    full: Type.Integer({ description: 'Pods that carry all of the traffic.', minimum: 1 }),
    leg: oneOf(['out', 'return'], { description: 'out: to the canary; return: from the carrier to the target.' }),
    returnAnalysed: Type.Optional(
      Type.Boolean({ description: 'On the return: the target has the analysed template.' }),
    ),
    routes: atomicList(Type.Object({ kind: text('Kind.', 63), name: text('Name.', 253), plan: RoutePlanRecord }), {
      description: 'Originals of the managed rules.',
      maxItems: 16,
    }),
    acceptedAt: Type.Optional(moment('When the present weight was accepted.')),
    passFrom: Type.Optional(moment('From when on requests count for passing.')),
    failFrom: Type.Optional(moment('From when on requests count for failing.')),
    committedAt: Type.Optional(moment('When the target was let go.')),
    contests: Type.Optional(
      atomicList(moment('When.'), { description: 'When somebody undid our weights.', maxItems: 8 }),
    ),
    unsureSince: Type.Optional(moment('Since when a check of this step has no verdict.')),
    notAccepted: Type.Optional(
      Type.Object(
        { weight: share('Share.'), at: moment('When it was given up.') },
        { description: 'A weight that the parents of a route did not accept in time.' },
      ),
    ),
    retreat: Type.Optional(
      Type.Object({
        outcome: oneOf(outcomes, { description: 'How the attempt will have ended.' }),
        reason: text('Reason.', 63),
        message: text('Sentence.', 1024),
        since: moment('When it began.'),
      }),
    ),
    retreatTouched: Type.Optional(
      Type.Boolean({ description: 'The retreat has given a fence of its own, which makes older writes fail.' }),
    ),
    jump: Type.Optional(Type.Boolean({ description: 'A person asked for 100 percent at once.' })),
    advancedBy: Type.Optional(text('Why the last step was left without passing evidence.', 256)),
  },
  { description: 'The attempt under way.' },
);
export type Release = Static<typeof Release>;

const HistoryEntry = Type.Object({
  attempt: Type.Integer({ description: 'Number of the attempt.' }),
  revision: text('First ten characters of the digest.', 16),
  digest: digest('Full digest.'),
  outcome: oneOf(outcomes, { description: 'How it ended.' }),
  reason: text('Why, in one word.', 63),
  message: text('Why, in one sentence.', 1024),
  startedAt: moment('When it began.'),
  endedAt: moment('When it ended.'),
});
export type HistoryEntry = Static<typeof HistoryEntry>;

const CheckRecord = Type.Object({
  name: text('Name of the metric.', 63),
  query: Type.Optional(text('The query as sent.', 8192)),
  value: Type.Optional(Type.Number({ description: 'What was measured.' })),
  requests: Type.Optional(Type.Integer({ description: 'How many requests it rests on.' })),
  limit: text('The limit, e.g. at least 99 %.', 64),
  verdict: oneOf(['pass', 'fail', 'unsure'], {
    description: 'Whether the value was within the limit; unsure: that cannot be said.',
  }),
  message: text('The reason of the verdict in one sentence.', 512),
  at: moment('When it was measured.'),
});
export type CheckRecord = Static<typeof CheckRecord>;

const Hold = Type.Object(
  {
    reason: text('Why, in one word.', 63),
    message: text('Why, in one sentence.', 1024),
    since: moment('When it began.'),
  },
  { description: 'Why the release stays where it is; absent while it goes on.' },
);
export type Hold = Static<typeof Hold>;

export const verbs = ['promote', 'abort', 'pause', 'resume', 'retry'] as const;
/** What a person can ask for. */
export type Verb = (typeof verbs)[number];

const CommandRecord = Type.Object(
  {
    id: text('Id of the request.', 253),
    verb: text('What was asked.', 32),
    attempt: Type.Optional(Type.Integer({ description: 'Attempt that it named.' })),
    revision: Type.Optional(text('Revision that it named.', 64)),
    claimedBy: Type.Optional(text('Who asked, as the request itself says.', 253)),
    reason: Type.Optional(text('Why.', 512)),
    at: moment('When it was answered.'),
    result: oneOf(['done', 'refused'], { description: 'The answer.' }),
    message: text('The answer in one sentence.', 512),
    removed: Type.Optional(Type.Boolean({ description: 'The request is gone; the same id is a new one.' })),
  },
  { description: 'The newest request of a person, and what became of it.' },
);
export type CommandRecord = Static<typeof CommandRecord>;

const ConditionRecord = Type.Object({
  type: text('What is said to be so: Ready, Promoted and others.', 63),
  status: oneOf(['True', 'False', 'Unknown'], { description: 'Whether it is so.' }),
  reason: text('Why, in one word.', 63),
  message: text('Why, in one sentence.', 2048),
  observedGeneration: Type.Optional(Type.Integer({ description: 'The generation of the spec that it is about.' })),
  lastTransitionTime: moment('When the status changed last.'),
});

export const CanaryStatus = Type.Object(
  {
    observedGeneration: Type.Optional(
      Type.Integer({ description: 'The generation of the spec that this status is about.' }),
    ),
    schemaVersion: Type.Integer({ description: 'Version of the form of this status; 1.' }),
    phase: oneOf(phases, { description: 'Where the release stands, in the words of Flagger.' }),
    stage: oneOf(stages, { description: 'What exactly is going on.' }),
    stageSince: moment('When the stage began.'),
    canaryWeight: share("The canary's share that the gateway has accepted, in percent."),
    attempt: Type.Integer({ description: 'Tries so far.', minimum: 0 }),
    revision: Type.Optional(text('The revision that is tried, or was tried last.', 16)),
    stableRevision: Type.Optional(text('The revision that has the traffic at rest.', 16)),
    stepIndex: Type.Optional(
      Type.Integer({ description: 'Index of the present step; -1 while the canary is attached at weight 0.' }),
    ),
    failedChecks: Type.Integer({ description: 'Failed checks of this attempt.', minimum: 0 }),
    intent: Type.Optional(
      Type.Object(
        {
          weight: share('The share in percent.'),
          fence: text('The counter: <attempt>.<n>, also on the routes.', 32),
        },
        { description: "The canary's share that must be, and the counter that orders writes." },
      ),
    ),
    shares: Type.Optional(
      Type.Object(
        {
          asked: share('Asked for.'),
          accepted: Type.Optional(share('Accepted by the gateway.')),
          observed: Type.Optional(percent('Seen in the requests.')),
          requests: Type.Optional(Type.Integer({ description: 'Requests in which it was seen.' })),
          rung: oneOf(['written', 'accepted', 'observed', 'settled'], {
            description: 'How sure it is that traffic has followed; settled: it cannot be seen, but has had its time.',
          }),
        },
        { description: "The canary's share in percent, as it was asked for, accepted and seen." },
      ),
    ),
    hold: Type.Optional(Hold),
    holdWrittenAt: Type.Optional(moment('When the message of hold was written.')),
    paused: Type.Optional(
      Type.Object(
        { by: text('Who.', 253), reason: Type.Optional(text('Why.', 512)), since: moment('When it began.') },
        { description: 'A person has paused the release.' },
      ),
    ),
    retryAsked: Type.Optional(Type.Boolean({ description: 'A person asked to try the last revision once more.' })),
    checks: Type.Optional(listMap(CheckRecord, ['name'], { description: 'The newest verdicts.', maxItems: 24 })),
    lastCommand: Type.Optional(CommandRecord),
    history: Type.Optional(atomicList(HistoryEntry, { description: 'The last attempts, newest first.', maxItems: 20 })),
    held: Type.Optional(
      text('Name of the Deployment that is kept paused, so that it is given back when the spec names another.', 253),
    ),
    conditions: Type.Optional(
      listMap(ConditionRecord, ['type'], {
        description: 'Ready, Promoted and others, as Kubernetes has them.',
        maxItems: 8,
      }),
    ),
    release: Type.Optional(Release),
  },
  { description: 'What Linnet knows and does. Only Linnet writes it.' },
);
export type CanaryStatus = Static<typeof CanaryStatus>;
