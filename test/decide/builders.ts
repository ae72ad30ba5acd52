import type { SideSeries, Timeline } from '../../src/analysis/timeline.ts';
import type { CanarySpec } from '../../src/api/canary-spec.ts';
import type { CanaryStatus, Frozen, HistoryEntry, Outcome, Release, Stage } from '../../src/api/canary-status.ts';
import type {
  Carrier,
  CommandRequest,
  Decision,
  Freshness,
  Measured,
  Pods,
  RouteView,
  Settings,
  Surroundings,
  Target,
  View,
} from '../../src/decide/view.ts';
import { decide } from '../../src/decide/decide.ts';
import { defaultSettings } from '../../src/decide/view.ts';

/** The moment at which the tests decide, epoch ms. */
export const now = Date.parse('2026-01-02T03:00:00Z');

/** A moment in status, so many seconds before {@link now}. */
export const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString();

/** Full digests of three templates. */
export const v1 = 'a'.repeat(64);
export const v2 = 'b'.repeat(64);
export const v3 = 'c'.repeat(64);

/** A change of a view on the way to the one that a test wants. */
export type Change = (view: View) => View;

type FoundRoute = Extract<RouteView, { found: true }>;

const spec: CanarySpec = {
  targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' },
  routes: [{ kind: 'HTTPRoute', name: 'shop' }],
  progressDeadlineSeconds: 600,
  retreatTimeout: '30s',
  analysis: {
    interval: '30s',
    threshold: 1,
    stepWeights: [5, 50, 100],
    metrics: [{ name: 'request-success-rate', thresholdRange: { min: 99 } }],
    onUnsure: { after: '30m', do: 'hold' },
  },
};

const inPlace: Frozen['subject'] = {
  target: 'shop',
  stable: { name: 'shop' },
  canary: { name: 'shop-canary' },
  routes: [{ kind: 'HTTPRoute', name: 'shop' }],
};

const betweenBackends: Frozen['subject'] = {
  stable: { name: 'v1', port: 80 },
  canary: { name: 'v2', port: 80 },
  routes: [{ kind: 'HTTPRoute', name: 'shop' }],
};

function frozenOf(subject: Frozen['subject']): Frozen {
  return {
    subject,
    steps: [5, 50, 100].map((weight) => ({ weight, interval: '30s' })),
    analysis: spec.analysis,
    progressDeadlineSeconds: 600,
    retreatTimeout: '30s',
  };
}

const target: Target = {
  uid: 'target-uid',
  specDigest: v1,
  activeDigest: v1,
  rolledOut: true,
  stuck: undefined,
  hold: { state: 'held' },
};

const route: FoundRoute = {
  kind: 'HTTPRoute',
  name: 'shop',
  found: true,
  uid: 'route-uid',
  plan: { uid: 'route-uid', rules: [] },
  share: undefined,
  fence: undefined,
  blocked: undefined,
  lost: undefined,
  contestedBy: undefined,
  acceptance: { state: 'accepted' },
  ours: false,
  managed: false,
};

const restingStatus: CanaryStatus = {
  observedGeneration: 1,
  schemaVersion: 1,
  phase: 'Initialized',
  stage: 'Resting',
  stageSince: ago(600),
  canaryWeight: 0,
  attempt: 0,
  failedChecks: 0,
  stableRevision: v1.slice(0, 10),
  conditions: [
    {
      type: 'Ready',
      status: 'True',
      reason: 'Ready',
      message: 'Waiting for a new revision.',
      observedGeneration: 1,
      lastTransitionTime: ago(600),
    },
  ],
};

/** A Canary at rest on a Deployment whose four pods run the first template, with changes. */
export function aView(...changes: Change[]): View {
  const view: View = {
    name: 'shop',
    namespace: 'shop',
    uid: 'canary-uid',
    generation: 1,
    spec,
    status: restingStatus,
    statusProblem: undefined,
    deleting: false,
    hasFinalizer: true,
    namespaceTerminating: false,
    wanted: frozenOf(inPlace),
    problems: [],
    surroundings: undefined,
    target,
    former: undefined,
    mixed: undefined,
    carrier: undefined,
    hasCanaryService: false,
    revision: v1,
    stableRevision: v1,
    stable: { ready: 4, desired: 4 },
    canary: { ready: 0, desired: 0 },
    fresh: 'none',
    routes: [route],
    measured: undefined,
    commands: [],
  };
  return changes.reduce((changed, change) => change(changed), view);
}

/** The same with two Services that both run already instead of a Deployment. */
export const betweenTwoBackends: Change = (view) => {
  const { targetRef: _, ...rest } = view.spec;
  const status = view.status?.release && {
    ...view.status,
    release: { ...view.status.release, frozen: { ...view.status.release.frozen, subject: betweenBackends } },
  };
  return {
    ...view,
    spec: { ...rest, backends: { stable: { name: 'v1', port: 80 }, canary: { name: 'v2', port: 80 } } },
    wanted: frozenOf(betweenBackends),
    target: undefined,
    carrier: undefined,
    hasCanaryService: false,
    revision: v2,
    stable: { ready: 4, desired: 4 },
    canary: { ready: 4, desired: 4 },
    ...(status && { status }),
  };
};

/** The target has a new template that waits. */
export const withNewTemplate =
  (digest = v2): Change =>
  (view) => ({
    ...view,
    revision: digest,
    ...(view.target && { target: { ...view.target, specDigest: digest } }),
  });

/** An attempt with the second template is in this stage, at this share, on the step to which the share belongs. */
export function inAttempt(stage: Stage, weight = 0, changes: Partial<CanaryStatus> = {}): Change {
  return (view) => {
    const release: Release = {
      digest: v2,
      stableDigest: v1,
      startedAt: ago(300),
      ...(view.target && { targetUid: view.target.uid }),
      frozen: view.wanted ?? frozenOf(inPlace),
      full: 4,
      leg: 'out',
      routes: [{ kind: 'HTTPRoute', name: 'shop', plan: { uid: 'route-uid', rules: [] } }],
      ...(weight > 0 ? { acceptedAt: ago(50), failFrom: ago(50), passFrom: ago(45) } : {}),
    };
    const attached = stage !== 'Preparing';
    const status: CanaryStatus = {
      ...restingStatus,
      phase: 'Progressing',
      stage,
      stageSince: ago(60),
      attempt: 1,
      revision: v2.slice(0, 10),
      canaryWeight: weight,
      stepIndex: [5, 50, 100].indexOf(weight),
      ...(attached ? { intent: { weight, fence: '1.3' }, shares: { asked: weight, rung: 'accepted' } } : {}),
      release,
      ...changes,
    };
    const ofTarget = view.spec.targetRef !== undefined;
    return {
      ...view,
      ...(ofTarget ? { carrier: { replicas: 4, digest: v2 }, hasCanaryService: true } : {}),
      ...(ofTarget && view.target ? { target: { ...view.target, specDigest: v2 } } : {}),
      revision: v2,
      canary: { ready: 4, desired: 4 },
      status,
      routes: view.routes.map((one) =>
        one.found && attached ? { ...one, share: weight, fence: '1.3', ours: true, managed: true } : one,
      ),
    };
  };
}

/** The attempt's traffic returns from the carrier to the target, whose pods have the analysed template. */
export function onTheReturn(stage: Stage, weight: number, release: Partial<Release> = {}): Change {
  return (view) => {
    const back = inAttempt(stage, weight)(view);
    const stepIndex = [50, 0].indexOf(weight);
    return withRelease({ leg: 'return', returnAnalysed: true, committedAt: ago(120), acceptedAt: ago(50), ...release })(
      withStatus({ stepIndex })(withTarget({ specDigest: v2, activeDigest: v2 })(back)),
    );
  };
}

/** The attempt is being taken back. */
export const retreatingFor =
  (outcome: Outcome, seconds = 60, release: Partial<Release> = {}): Change =>
  (view) =>
    withRelease({
      retreat: { outcome, reason: outcome, message: `Because of ${outcome}.`, since: ago(seconds) },
      retreatTouched: true,
      ...release,
    })(view);

export const withStatus =
  (changes: Partial<CanaryStatus>): Change =>
  (view) => ({ ...view, status: { ...(view.status ?? restingStatus), ...changes } });

export const withRelease =
  (changes: Partial<Release>): Change =>
  (view) => {
    const release = view.status?.release;
    if (release === undefined) throw new Error('the view has no attempt under way');
    return withStatus({ release: { ...release, ...changes } })(view);
  };

/** What the attempt has frozen of the spec. */
export const withFrozen =
  (changes: Partial<Frozen>): Change =>
  (view) =>
    withRelease({ frozen: { ...(view.status?.release?.frozen ?? frozenOf(inPlace)), ...changes } })(view);

export const withTarget =
  (changes: Partial<Target>): Change =>
  (view) => ({ ...view, target: { ...(view.target ?? target), ...changes } });

export const withCarrier =
  (carrier: Carrier | undefined): Change =>
  (view) => ({ ...view, carrier });

export const withPods =
  (pods: { stable?: Partial<Pods>; canary?: Partial<Pods> }): Change =>
  (view) => ({
    ...view,
    stable: { ...view.stable, ...pods.stable },
    canary: { ...view.canary, ...pods.canary },
  });

export const withRoute =
  (changes: Partial<FoundRoute>): Change =>
  (view) => ({ ...view, routes: view.routes.map((one) => (one.found ? { ...one, ...changes } : one)) });

export const withoutRoute: Change = (view) => ({
  ...view,
  routes: [{ kind: 'HTTPRoute', name: 'shop', found: false }],
});

export const withHistory =
  (outcome: Outcome, digest = v2): Change =>
  (view) => {
    const entry: HistoryEntry = {
      attempt: 1,
      revision: digest.slice(0, 10),
      digest,
      outcome,
      reason: outcome,
      message: `It was ${outcome}.`,
      startedAt: ago(900),
      endedAt: ago(600),
    };
    return withStatus({ attempt: 1, history: [entry] })(view);
  };

export const withCommand =
  (...commands: CommandRequest[]): Change =>
  (view) => ({ ...view, commands: [...view.commands, ...commands] });

export const withView =
  (changes: Partial<View>): Change =>
  (view) => ({ ...view, ...changes });

export const fresh =
  (freshness: Freshness = 'all'): Change =>
  (view) => ({ ...view, fresh: freshness });

/** The look was for what surrounds the target, and this was found. */
export const lookedAround =
  (surroundings: Surroundings = { problems: [] }): Change =>
  (view) => ({ ...view, surroundings });

export const deleted: Change = (view) => ({ ...view, deleting: true });

/** Requests that were counted on one side in the last `seconds`, evenly, one scrape every five seconds. */
export interface Requests {
  good: number;
  bad?: number;
}

/** What the gateway counted in the last two minutes before now. */
export const withRequests =
  (sides: { stable?: Requests; canary?: Requests }): Change =>
  (view) => ({ ...view, measured: measuredOf(sides) });

export function measuredOf(sides: { stable?: Requests; canary?: Requests }): Measured {
  const data: Timeline = { stable: side(sides.stable), canary: side(sides.canary) };
  return { atMs: now, atSplit: true, hint: undefined, counts: { outcome: 'data', query: 'q', data }, values: {} };
}

const scrapes = Array.from({ length: 25 }, (_none, index) => now - (24 - index) * 5_000);

function side({ good, bad = 0 }: Requests = { good: 0 }): SideSeries {
  const growing = (total: number) => scrapes.map((atMs, index) => ({ atMs, value: (total * index) / 24 }));
  return {
    requests: [
      { target: 'gateway', good: true, samples: growing(good) },
      { target: 'gateway', good: false, samples: growing(bad) },
    ],
    buckets: [],
  };
}

/** Decides at {@link now}. */
export function decided(view: View, settings: Settings = defaultSettings): Decision {
  return decide(view, now, settings);
}

/** The status that is written; fails when something else is done. */
export function written(view: View): CanaryStatus {
  const { effect } = decided(view);
  if (effect.do !== 'writeStatus') throw new Error(`no status is written: ${JSON.stringify(decided(view))}`);
  return effect.status;
}

/** The kind of effect that is decided. */
export function decidedEffect(view: View): Decision['effect']['do'] {
  return decided(view).effect.do;
}
