import type { CanaryStatus, Outcome } from '../../api/canary-status.ts';
import type { Answer } from './users.ts';

/** One step of a release as the users saw it. */
export interface StepReport {
  /** Share of the new version that was asked for, in percent. */
  asked: number;
  /** Percent of the users' answers that were the new version's while the step was held. */
  observed: number;
  /** Answers in which it was observed. */
  requests: number;
  /** How long the step was held. */
  seconds: number;
}

/** One release, as `--report` tells it. */
export interface ReleaseReport {
  name: string;
  /** First ten characters of the digest, as in status. */
  revision: string;
  /** As in status.history; null when the release did not end in time. */
  outcome: Outcome | null;
  /** From the user's change until nothing of the release was left. */
  seconds: number;
  steps: StepReport[];
  /** Users' requests in that time. */
  requests: number;
  failedRequests: number;
  failuresByCause: Record<string, number>;
  /** From the first failed answer of the new version until the gateway had accepted weight 0; null when it was not rolled back. */
  secondsToWeightZero: number | null;
  /** Requests sent after weight 0 was accepted that the new version answered all the same; null when it was not rolled back. */
  requestsAfterRollback: number | null;
}

/** Counts what the users get of one release. Times are monotonic milliseconds. */
export interface Score {
  onAnswer(answer: Answer): void;
  onStatus(status: CanaryStatus, atMs: number): void;
  /** The release is over: later requests are not counted. Answers to earlier ones still are. */
  end(atMs: number): void;
  /** Share of the new version among the answers of the step being held, if one is. */
  present(): StepReport | undefined;
  counted(): { requests: number; failed: number };
  report(): ReleaseReport;
}

interface Window {
  asked: number;
  fromMs: number;
  toMs: number;
  answers: number;
  ofNew: number;
}

export interface ScoreOptions {
  name: string;
  versions: { old: string; new: string };
  /** The attempt that the release will be. */
  attempt: number;
  startMs: number;
}

/** While these last, the share is the step's, by the word of the gateway; before it is being changed, after it may be. */
const heldStages: readonly string[] = ['Observing', 'Watching'];

export function createScore({ name, versions, attempt, startMs }: ScoreOptions): Score {
  const windows: Window[] = [];
  const failuresByCause: Record<string, number> = {};
  let requests = 0;
  let endMs = Number.POSITIVE_INFINITY;
  let revision = '';
  let outcome: Outcome | undefined;
  let hadTraffic = false;
  let firstBadMs: number | undefined;
  let zeroMs: number | undefined;
  let afterZero = 0;

  const open = () => windows.find(({ toMs }) => toMs === Number.POSITIVE_INFINITY);

  function countFailure({ cause, version, endedMs }: Answer): void {
    if (cause === undefined) return;
    failuresByCause[cause] = (failuresByCause[cause] ?? 0) + 1;
    if (version === versions.new) firstBadMs = Math.min(firstBadMs ?? endedMs, endedMs);
  }

  function failed(): number {
    return Object.values(failuresByCause).reduce((sum, count) => sum + count, 0);
  }

  /** Opens a window where a step begins to be held, and closes it where that ends. */
  function followStep(status: CanaryStatus, atMs: number): void {
    const { stage, intent, canaryWeight, release } = status;
    const held =
      heldStages.includes(stage) && release?.leg === 'out' && intent?.weight === canaryWeight && canaryWeight > 0;
    const present = open();
    if (present !== undefined && (!held || present.asked !== canaryWeight)) present.toMs = atMs;
    if (held && open() === undefined) {
      windows.push({ asked: canaryWeight, fromMs: atMs, toMs: Number.POSITIVE_INFINITY, answers: 0, ofNew: 0 });
    }
  }

  return {
    onAnswer(answer) {
      const { sentMs, version } = answer;
      if (sentMs < startMs || sentMs >= endMs) return;
      requests++;
      countFailure(answer);
      const ofNew = version === versions.new ? 1 : 0;
      if (zeroMs !== undefined && sentMs > zeroMs) afterZero += ofNew;
      if (version !== versions.new && version !== versions.old) return;
      for (const window of windows) {
        if (sentMs < window.fromMs || sentMs >= window.toMs) continue;
        window.answers++;
        window.ofNew += ofNew;
      }
    },
    onStatus(status, atMs) {
      const ended = status.history?.find((entry) => entry.attempt === attempt);
      outcome = ended?.outcome ?? outcome;
      revision = ended?.revision ?? (status.attempt === attempt ? status.revision : undefined) ?? revision;
      if (status.attempt !== attempt) return;
      followStep(status, atMs);
      if (status.canaryWeight > 0) hadTraffic = true;
      // Traffic that came back is a new story: only the last way down counts.
      if (status.canaryWeight > 0) zeroMs = undefined;
      else if (hadTraffic) zeroMs ??= atMs;
    },
    end(atMs) {
      endMs = atMs;
      const present = open();
      if (present !== undefined) present.toMs = atMs;
    },
    present: () =>
      stepsOf(
        windows.filter((window) => window === open()),
        startMs,
      )[0],
    counted: () => ({ requests, failed: failed() }),
    report() {
      const isBack = outcome !== undefined && outcome !== 'Promoted';
      const zeroAfterMs = zeroMs === undefined || firstBadMs === undefined ? undefined : zeroMs - firstBadMs;
      return {
        name,
        revision,
        outcome: outcome ?? null,
        seconds: seconds(endMs - startMs),
        steps: stepsOf(windows, endMs),
        requests,
        failedRequests: failed(),
        failuresByCause,
        secondsToWeightZero: isBack && zeroAfterMs !== undefined ? seconds(Math.max(0, zeroAfterMs)) : null,
        requestsAfterRollback: isBack ? afterZero : null,
      };
    },
  };
}

/** Windows of one weight are one step: a hold may have taken the release back and up again. */
function stepsOf(windows: Window[], nowMs: number): StepReport[] {
  const byWeight = Map.groupBy(windows, ({ asked }) => asked);
  return [...byWeight].map(([asked, same]) => {
    const answers = sum(same.map((window) => window.answers));
    const ofNew = sum(same.map((window) => window.ofNew));
    const heldMs = sum(same.map(({ fromMs, toMs }) => Math.min(toMs, nowMs) - fromMs));
    return {
      asked,
      observed: answers === 0 ? 0 : Math.round((ofNew / answers) * 10_000) / 100,
      requests: answers,
      seconds: seconds(heldMs),
    };
  });
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function seconds(ms: number): number {
  return Math.round(ms / 10) / 100;
}
