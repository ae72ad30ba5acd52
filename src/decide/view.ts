import type { Answer, MeasuredValue } from '../analysis/answer.ts';
import type { Timeline } from '../analysis/timeline.ts';
import type { CanarySpec } from '../api/canary-spec.ts';
import type { CanaryStatus, Frozen, Outcome, Verb } from '../api/canary-status.ts';

/** Something in the way of a release that only the cluster can tell; the reason is that of `Ready=False`. */
export interface Problem {
  reason: string;
  message: string;
}

/** The pods behind one side's Service. */
export interface Pods {
  /** Ready endpoints. */
  ready: number;
  /** `spec.replicas` of the workload; the ready ones where no workload is known. */
  desired: number;
}

/** The user's Deployment in `targetRef` mode. */
export interface Target {
  uid: string;
  /** Digest of the template in `spec`. */
  specDigest: string;
  /** Digest of the active ReplicaSet's template; undefined unless exactly one ReplicaSet has pods. */
  activeDigest: string | undefined;
  /** Every replica is of the active ReplicaSet and available, and the controller has seen the present generation. */
  rolledOut: boolean;
  /** What the Deployment says of a roll-out that does not get on (ProgressDeadlineExceeded). */
  stuck: string | undefined;
  hold:
    | { state: 'held' }
    | { state: 'free' }
    /** Somebody else owns `spec.paused`, so Linnet can neither hold nor let go. */
    | { state: 'foreign'; manager: string };
}

/** A Deployment that is to be given back. */
export type NamedTarget = Target & { name: string };

/** The canary Deployment that Linnet made. */
export interface Carrier {
  replicas: number;
  /** Full digest of the revision that it runs; that of its own template once somebody has changed it. */
  digest: string;
}

/** One of the routes, as the cache or the server shows it. */
export type RouteView =
  | { kind: string; name: string; found: false }
  | {
      kind: string;
      name: string;
      found: true;
      uid: string;
      /** The managed rules with their originals, read now; undefined when none can be told (then a problem says why). */
      plan: RoutePlanJson | undefined;
      /** The canary's share in every managed rule, in percent; undefined when the rules disagree or the pair is not there. */
      share: number | undefined;
      /** `<attempt>.<n>` of the last write of ours. */
      fence: string | undefined;
      /** Why the wanted share cannot be written, if so: somebody took a backend out. */
      blocked: string | undefined;
      /** Why there is nothing to write any more, if so: the route is another one, or no managed rule is left in it. */
      lost: string | undefined;
      /** Who undid our weights, if somebody did. */
      contestedBy: string | undefined;
      acceptance:
        | { state: 'accepted' }
        | { state: 'pending'; waitingFor: string[] }
        | { state: 'refused'; reason: string; message: string };
      /** Something of ours is in the route: the canary's backendRef in `targetRef` mode, or a fence. */
      ours: boolean;
      /** A managedFields entry of ours is on the route. */
      managed: boolean;
    };

/** A `RoutePlan` of `src/routes` as it lies in status; opaque to decisions but for `uid`. */
export type RoutePlanJson = Record<string, unknown>;

/** What the metrics store answered, and when it was asked. */
export interface Measured {
  atMs: number;
  /** The store counts where the traffic is split, so that the observed share can be told. */
  atSplit: boolean;
  /** What to turn on when these metrics cannot tell two versions apart. */
  hint: string | undefined;
  /** Undefined when no check and no share needs counts. */
  counts: Answer<Timeline> | undefined;
  /** Answers to the queries of MetricTemplates by the check's name. */
  values: Record<string, Answer<MeasuredValue>>;
}

/** A command request, parsed; `problem` says why it cannot be one. */
export interface CommandRequest {
  id: string;
  verb: Verb | undefined;
  attempt?: number;
  revision?: string;
  by?: string;
  reason?: string;
  full?: boolean;
  problem?: string;
}

export type Freshness = 'none' | 'pods' | 'all';

/** What a look reads from the server instead of the cache; `surroundings` are what is around the target and not watched. */
export type Reading = Freshness | 'surroundings';

/** What stands around the target: autoscalers, policies, budgets. */
export interface Surroundings {
  problems: Problem[];
  /** Name of the PodDisruptionBudget of the stable pods that the canary's pods need a copy of. */
  budget?: string;
}

/** All that a decision rests on. */
export interface View {
  name: string;
  namespace: string;
  uid: string;
  generation: number;
  spec: CanarySpec;
  status: CanaryStatus | undefined;
  /** Why a status that is there cannot be used; `status` is undefined then. */
  statusProblem: { reason: 'StatusUnreadable' | 'StatusTampered'; message: string } | undefined;
  deleting: boolean;
  hasFinalizer: boolean;
  namespaceTerminating: boolean;
  /** Subject and rules as the spec has them now; undefined when a problem keeps them from being told. */
  wanted: Frozen | undefined;
  problems: Problem[];
  /** `targetRef` only; undefined when this look was not for them. */
  surroundings: Surroundings | undefined;
  /** `targetRef` only; undefined when the Deployment is not there. */
  target: Target | undefined;
  /** A Deployment that may still be held although nothing is released in it: the spec names another one, or what it needs is gone. */
  former: NamedTarget | undefined;
  /** `backends` only: why there are pods of more than one template behind the canary's Service, if so. */
  mixed: string | undefined;
  carrier: Carrier | undefined;
  hasCanaryService: boolean;
  /** Full digest of what could be released now; undefined when it cannot be told. */
  revision: string | undefined;
  /** Full digest of what it would replace. */
  stableRevision: string | undefined;
  stable: Pods;
  canary: Pods;
  /** What this look has read from the server instead of the cache: nothing, the pods, or the pods and the target. */
  fresh: Freshness;
  routes: RouteView[];
  measured: Measured | undefined;
  commands: CommandRequest[];
}

/**
 * For what begins something, where no resourceVersion tells that the decision is old. `confirm`: the stage has lasted so long that the attempt may
 * have ended unseen, so the server is asked first whether the Canary is still as it was seen.
 */
interface Confirmable {
  confirm?: true;
}

/** What one turn does: at most one write. */
export type Effect =
  | { do: 'nothing' }
  /** Look again at once, with this read from the server. */
  | { do: 'lookFresh'; at: 'pods' | 'all' | 'surroundings' }
  | { do: 'writeStatus'; status: CanaryStatus }
  | { do: 'addFinalizer' }
  | { do: 'removeFinalizer' }
  | { do: 'removeCommand'; id: string }
  | ({ do: 'shiftRoute'; kind: string; name: string; weight: number; fence: string } & Confirmable)
  | { do: 'restoreRoute'; kind: string; name: string; keep: 'stable' | 'canary' | 'canaryAlone' }
  | { do: 'stripRoute'; kind: string; name: string }
  | { do: 'holdTarget' }
  /** Unpause; only while the Deployment's template has this digest. */
  | { do: 'letTargetGo'; name: string; digest: string }
  /** Stop owning `spec.paused` and leave it as it is, and tell people so in an Event. */
  | { do: 'disownTarget'; name: string; message: string }
  | ({ do: 'createCanaryService' } & Confirmable)
  | ({ do: 'createCanaryDeployment'; replicas: number } & Confirmable)
  | { do: 'scaleCanary'; replicas: number }
  | { do: 'deleteCanaryDeployment' }
  | { do: 'deleteCanaryService' };

/** The effect of a turn and the next moment to look, epoch ms; no moment means: when something changes. */
export interface Decision {
  effect: Effect;
  wakeAt?: number | undefined;
  /** Nothing is done because of the hold in status, which stays. */
  holding?: true;
}

/** Durations of the engine, in milliseconds. */
export interface Settings {
  /** How often checks are looked at. */
  checkPeriodMs: number;
  /** How long traffic may take to follow where it cannot be seen. */
  settleMs: number;
  /** How long a side that lost its traffic is left alone. */
  drainMs: number;
  /** How long a gateway may take to accept a weight. */
  acceptMs: number;
  /** From when on missing traffic is a failure. */
  trafficMissingMs: number;
  /** In this time our weights are put back at most `contestLimit` times. */
  contestWindowMs: number;
  contestLimit: number;
}

/** The defaults of design.md's sections 4 and 6. */
export const defaultSettings: Settings = {
  checkPeriodMs: 5_000,
  settleMs: 10_000,
  drainMs: 5_000,
  acceptMs: 120_000,
  trafficMissingMs: 30_000,
  contestWindowMs: 300_000,
  contestLimit: 3,
};

/** An end that was reached or is being reached. */
export interface Ending {
  outcome: Outcome;
  reason: string;
  message: string;
}
