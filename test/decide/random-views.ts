import fc from 'fast-check';
import type { AnalysisSpec } from '../../src/api/canary-spec.ts';
import {
  type CanaryStatus,
  type Frozen,
  type HistoryEntry,
  type Release,
  type Stage,
  outcomes,
  stages,
  verbs,
} from '../../src/api/canary-status.ts';
import type { CommandRequest, Measured, Pods, RouteView, Target, View } from '../../src/decide/view.ts';
import { ago, aView, betweenTwoBackends, measuredOf, now, v1, v2, v3 } from './builders.ts';

const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** Leaves out what is undefined, as JSON does. */
const compact = (value: object): unknown =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined));

/** Within the last hour mostly; now and then in the future, as a clock that was set back leaves it. */
const moment = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 200 }).map(ago) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 100_000 }).map(ago) },
  { weight: 1, arbitrary: fc.integer({ min: -600, max: 0 }).map(ago) },
);

const digest = fc.constantFrom(v1, v2, v3);
const share = fc.oneof(fc.constantFrom(0, 5, 50, 100), fc.integer({ min: 0, max: 100 }));
const pods: fc.Arbitrary<Pods> = fc.record({ ready: fc.nat(6), desired: fc.nat(6) });
const sentence = fc.oneof(fc.string({ maxLength: 40 }), fc.constant('long '.repeat(500)));

const steps = fc
  .uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 4 })
  .map((weights) => [...weights.toSorted((a, b) => a - b), 100])
  .chain((weights) =>
    fc
      .array(fc.constantFrom('5s', '30s', '2m'), { minLength: weights.length, maxLength: weights.length })
      .map((intervals) => weights.map((weight, index) => ({ weight, interval: intervals[index] ?? '30s' }))),
  );

const analysis: fc.Arbitrary<AnalysisSpec> = fc.record({
  interval: fc.constantFrom('5s', '30s'),
  threshold: fc.integer({ min: 1, max: 3 }),
  stepWeights: fc.constant([5, 50, 100]),
  metrics: fc.subarray([
    { name: 'request-success-rate', thresholdRange: { min: 99 } },
    { name: 'request-duration', thresholdRange: { max: 500 }, minSamples: 5 },
    { name: 'mine', templateRef: { name: 'mine' }, thresholdRange: { min: 1, max: 2 } },
  ]),
  onUnsure: fc.record({
    after: fc.constantFrom('10s', '30m'),
    do: fc.constantFrom('hold' as const, 'rollback' as const, 'advance' as const),
  }),
});

const frozen = (subject: Frozen['subject']): fc.Arbitrary<Frozen> =>
  fc
    .record({
      subject: fc.constant(subject),
      steps,
      analysis,
      skipAnalysis: some(fc.constant(true)),
      progressDeadlineSeconds: fc.constantFrom(10, 600),
      retreatTimeout: fc.constantFrom('0s', '30s', '10m'),
      onSuccess: some(fc.constantFrom('keep', 'removeStable')),
    })
    .map((value) => compact(value) as Frozen);

const ending = fc.record({
  outcome: fc.constantFrom(...outcomes),
  reason: fc.constantFrom('CheckFailed', 'Aborted', 'Superseded'),
  message: fc.string({ maxLength: 1024 }),
});

const release = (subject: Frozen['subject']): fc.Arbitrary<Release> =>
  fc
    .record({
      digest,
      stableDigest: digest,
      startedAt: moment,
      targetUid: fc.constantFrom('target-uid', 'target-uid', 'another-uid'),
      frozen: frozen(subject),
      full: fc.integer({ min: 1, max: 8 }),
      leg:
        subject.target === undefined ? fc.constant('out' as const) : fc.constantFrom('out' as const, 'return' as const),
      returnAnalysed: some(fc.boolean()),
      routes: fc.constantFrom([], [{ kind: 'HTTPRoute', name: 'shop', plan: { uid: 'route-uid', rules: [] } }]),
      acceptedAt: some(moment),
      passFrom: some(moment),
      failFrom: some(moment),
      committedAt: some(moment),
      contests: some(fc.array(moment, { maxLength: 8 })),
      retreat: some(fc.tuple(ending, moment).map(([end, since]) => ({ ...end, since }))),
      retreatTouched: some(fc.boolean()),
      jump: some(fc.constant(true)),
      advancedBy: some(fc.constant('promoted by somebody')),
    })
    .map((value) => compact(value) as Release);

const historyEntry: fc.Arbitrary<HistoryEntry> = fc
  .tuple(ending, digest, fc.nat(9), moment, moment)
  .map(([end, of, attempt, startedAt, endedAt]) => ({
    ...end,
    attempt,
    digest: of,
    revision: of.slice(0, 10),
    startedAt,
    endedAt,
  }));

const status = (subject: Frozen['subject']): fc.Arbitrary<CanaryStatus> =>
  fc
    .record({
      observedGeneration: some(fc.constantFrom(1, 2)),
      stage: fc.constantFrom(
        ...stages.filter((stage) => subject.target !== undefined || !ofTargetOnly.includes(stage)),
      ),
      stageSince: moment,
      canaryWeight: share,
      attempt: fc.nat(9),
      revision: some(fc.constant(v2.slice(0, 10))),
      stableRevision: some(fc.constant(v1.slice(0, 10))),
      stepIndex: some(fc.integer({ min: -1, max: 4 })),
      failedChecks: fc.nat(3),
      intent: some(fc.record({ weight: share, n: fc.nat(20) })),
      shares: some(fc.record({ asked: share, rung: fc.constantFrom('written', 'accepted', 'observed', 'settled') })),
      hold: some(
        fc.record({ reason: fc.constantFrom('NotEnoughPods', 'Paused', 'NoData'), message: sentence, since: moment }),
      ),
      holdWrittenAt: some(moment),
      paused: some(fc.record({ by: fc.constant('ann'), since: moment })),
      retryAsked: some(fc.constant(true)),
      lastCommand: some(
        fc.record({
          id: fc.constantFrom('a', 'b'),
          verb: fc.constant('pause'),
          at: moment,
          result: fc.constant('done' as const),
          message: fc.constant('Done.'),
        }),
      ),
      history: some(fc.array(historyEntry, { minLength: 1, maxLength: 20 })),
      release: release(subject),
    })
    .map(({ intent, hold, ...rest }) => {
      const during = !['Initializing', 'Resting', 'Releasing'].includes(rest.stage);
      const { release: _, ...resting } = rest;
      return compact({
        schemaVersion: 1,
        phase: 'Progressing' as const,
        ...(during ? { ...rest, release: fitting(rest.stage, rest.release) } : resting),
        intent: intent && { weight: intent.weight, fence: `${rest.attempt}.${intent.n}` },
        hold: hold && { ...hold, message: hold.message.slice(0, 1024) },
      }) as CanaryStatus;
    });

/** Only the stages of a retreat know that there is one, and the carrier keeps the traffic only when a return has failed. */
function fitting(stage: Stage, { retreat, ...rest }: Release): Release {
  const because = retreat ?? { outcome: 'Aborted' as const, reason: 'Aborted', message: '', since: ago(60) };
  if (stage === 'Carrying') return { ...rest, leg: 'return', retreat: because };
  if (stage === 'Retreating') return { ...rest, retreat: because };
  return stage === 'Draining' || stage === 'Cleaning' ? { ...rest, ...(retreat && { retreat }) } : rest;
}

/** Stages that a release between two backends never sees. */
const ofTargetOnly = ['DrainingStable', 'Committing', 'RollingOut', 'Carrying'];

const target: fc.Arbitrary<Target> = fc.record({
  uid: fc.constant('target-uid'),
  specDigest: digest,
  activeDigest: some(digest),
  rolledOut: fc.boolean(),
  stuck: some(fc.constant('Deployment shop: ProgressDeadlineExceeded')),
  hold: fc.oneof(
    { weight: 4, arbitrary: fc.constant({ state: 'held' as const }) },
    { weight: 1, arbitrary: fc.constant({ state: 'free' as const }) },
    { weight: 1, arbitrary: fc.constant({ state: 'foreign' as const, manager: 'helm' }) },
  ),
});

const acceptance: fc.Arbitrary<Extract<RouteView, { found: true }>['acceptance']> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ state: 'accepted' as const }) },
  { weight: 1, arbitrary: fc.constant({ state: 'pending' as const, waitingFor: ['Gateway shop/web'] as string[] }) },
  {
    weight: 1,
    arbitrary: sentence.map((message) => ({ state: 'refused' as const, reason: 'BackendNotFound', message })),
  },
);

const route = (now_: CanaryStatus): fc.Arbitrary<RouteView> =>
  fc.oneof(
    { weight: 1, arbitrary: fc.constant({ kind: 'HTTPRoute', name: 'shop', found: false as const }) },
    {
      weight: 12,
      arbitrary: fc.record({
        kind: fc.constant('HTTPRoute'),
        name: fc.constant('shop'),
        found: fc.constant(true as const),
        uid: fc.constantFrom('route-uid', 'route-uid', 'route-uid', 'another-uid'),
        plan: some(fc.constant({ uid: 'route-uid', rules: [] })),
        share: fc.oneof(fc.constant(now_.intent?.weight), some(share)),
        fence: fc.oneof(fc.constant(now_.intent?.fence), some(fc.constantFrom('1.1', '9.99', 'nonsense'))),
        blocked: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: sentence }),
        lost: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: sentence }),
        contestedBy: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: sentence }),
        acceptance,
        ours: fc.boolean(),
        managed: fc.boolean(),
      }),
    },
  );

const requests = some(fc.record({ good: fc.nat(2000), bad: fc.nat(100) }));
const answer = fc.oneof(
  fc
    .constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 0, 1.5, 1e300, -7)
    .map((value) => ({ outcome: 'data' as const, query: 'mine', data: { value, sampleMs: now - 1000 } })),
  fc.constantFrom(
    { outcome: 'noData' as const, query: 'mine', message: 'nothing' },
    { outcome: 'error' as const, query: 'mine', message: 'down', reason: 'Failed' as const },
    { outcome: 'nonsense' as const, query: 'mine', message: '+Inf' },
  ),
);

const measured: fc.Arbitrary<Measured> = fc
  .record({ stable: requests, canary: requests, atSplit: fc.boolean(), mine: some(answer), counts: some(answer) })
  .map(({ stable, canary, atSplit, mine, counts }) => {
    const sides = measuredOf({ ...(stable && { stable }), ...(canary && { canary }) });
    return {
      ...sides,
      atSplit,
      values: mine === undefined ? {} : { mine },
      counts: counts === undefined || counts.outcome === 'data' ? sides.counts : counts,
    };
  });

const command: fc.Arbitrary<CommandRequest> = fc
  .record({
    id: fc.constantFrom('a', 'b', 'c'),
    verb: some(fc.constantFrom(...verbs)),
    attempt: some(fc.nat(9)),
    revision: some(fc.constantFrom(v1, v2, v2.slice(0, 10), 'ffff')),
    by: some(fc.constant('ann')),
    reason: some(fc.string({ maxLength: 512 })),
    full: some(fc.boolean()),
    problem: some(fc.constant('not JSON')),
  })
  .map((request) => compact(request) as CommandRequest);

const view = (mode: 'targetRef' | 'backends'): fc.Arbitrary<View> => {
  const base = mode === 'targetRef' ? aView() : aView(betweenTwoBackends);
  const subject = (base.wanted as Frozen).subject;
  return status(subject).chain((present) =>
    fc
      .record({
        spec: fc.record({ suspend: some(fc.boolean()), onDelete: some(fc.constantFrom('leave', 'roll')) }),
        status: fc.oneof(
          { weight: 20, arbitrary: fc.constant(present) },
          { weight: 1, arbitrary: fc.constant(undefined) },
        ),
        deleting: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
        hasFinalizer: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.boolean() }),
        namespaceTerminating: fc.oneof(
          { weight: 9, arbitrary: fc.constant(false) },
          { weight: 1, arbitrary: fc.boolean() },
        ),
        problems: fc.oneof(
          { weight: 6, arbitrary: fc.constant([]) },
          { weight: 1, arbitrary: sentence.map((message) => [{ reason: 'TargetInUse', message }]) },
        ),
        surroundings: some(
          fc.record({ problems: fc.constantFrom([], [{ reason: 'ScalesToZero', message: 'minReplicas is 0' }]) }),
        ),
        wanted: fc.oneof(
          { weight: 8, arbitrary: fc.constant(base.wanted) },
          { weight: 1, arbitrary: fc.constant(undefined) },
        ),
        target:
          mode === 'targetRef'
            ? fc.oneof({ weight: 8, arbitrary: target }, { weight: 1, arbitrary: fc.constant(undefined) })
            : fc.constant(undefined),
        carrier: mode === 'targetRef' ? some(fc.record({ replicas: fc.nat(6), digest })) : fc.constant(undefined),
        hasCanaryService: mode === 'targetRef' ? fc.boolean() : fc.constant(false),
        revision: fc.oneof(fc.constant(present.release?.digest), { weight: 1, arbitrary: some(digest) }),
        stableRevision: some(digest),
        stable: pods,
        canary: pods,
        fresh: fc.constantFrom('none' as const, 'pods' as const, 'all' as const),
        routes: route(present).map((one) => [one]),
        measured: some(measured),
        commands: fc.oneof(
          { weight: 3, arbitrary: fc.constant([]) },
          { weight: 1, arbitrary: fc.uniqueArray(command, { maxLength: 3, selector: ({ id }) => id }) },
        ),
      })
      .map((parts) => ({ ...base, ...parts, spec: { ...base.spec, ...(compact(parts.spec) as object) } }) as View),
  );
};

/** Any view that the cluster, other people and earlier versions of Linnet can bring about, likely or not. */
export const anyView: fc.Arbitrary<View> = fc.oneof(
  { weight: 3, arbitrary: view('targetRef') },
  { weight: 1, arbitrary: view('backends') },
);
