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

/** Counts what the users get of one release. Times are monotonic milliseconds; a request belongs to the moment it was sent. */
export class Score {
  readonly #options: ScoreOptions;
  readonly #windows: Window[] = [];
  readonly #failuresByCause: Record<string, number> = {};
  #requests = 0;
  #failed = 0;
  #endMs = Number.POSITIVE_INFINITY;
  #status: CanaryStatus | undefined;
  /** When the first failed answer of the new version came. */
  #firstBadMs: number | undefined;
  /** When status said that the gateway had accepted weight 0, after traffic. */
  #zeroMs: number | undefined;
  #afterZero = 0;

  constructor(options: ScoreOptions) {
    this.#options = options;
  }

  onAnswer(answer: Answer): void {
    const { startMs, versions } = this.#options;
    const { sentMs, version } = answer;
    if (sentMs < startMs || sentMs >= this.#endMs) return;
    this.#requests++;
    this.#countFailure(answer);
    const ofNew = version === versions.new ? 1 : 0;
    if (this.#zeroMs !== undefined && sentMs > this.#zeroMs) this.#afterZero += ofNew;
    if (version !== versions.new && version !== versions.old) return;
    for (const window of this.#windows) {
      if (sentMs < window.fromMs || sentMs >= window.toMs) continue;
      window.answers++;
      window.ofNew += ofNew;
    }
  }

  onStatus(status: CanaryStatus, atMs: number): void {
    if (status.attempt !== this.#options.attempt) return;
    const before = this.#status;
    this.#status = status;
    this.#followStep(status, atMs);
    // Traffic that came back is a new story: only the last way down counts.
    if (status.canaryWeight > 0) this.#zeroMs = undefined;
    else if ((before?.canaryWeight ?? 0) > 0) this.#zeroMs = atMs;
  }

  /** The release is over: later requests are not counted. Answers to earlier ones still are. */
  end(atMs: number): void {
    this.#endMs = atMs;
    const open = this.#open();
    if (open !== undefined) open.toMs = atMs;
  }

  /** What the users see of the step being held, if one is. */
  present(): StepReport | undefined {
    return stepsOf(
      this.#windows.filter((window) => window === this.#open()),
      this.#options.startMs,
    )[0];
  }

  report(): ReleaseReport {
    const { name, attempt, startMs } = this.#options;
    const outcome = this.#status?.history?.find((entry) => entry.attempt === attempt)?.outcome ?? null;
    const cameBack = outcome !== null && outcome !== 'Promoted';
    return {
      name,
      revision: this.#status?.revision ?? '',
      outcome,
      seconds: seconds(this.#endMs - startMs),
      steps: stepsOf(this.#windows, this.#endMs),
      requests: this.#requests,
      failedRequests: this.#failed,
      failuresByCause: this.#failuresByCause,
      secondsToWeightZero: cameBack ? this.#secondsToZero() : null,
      requestsAfterRollback: cameBack ? this.#afterZero : null,
    };
  }

  #countFailure({ cause, version, endedMs }: Answer): void {
    if (cause === undefined) return;
    this.#failed++;
    this.#failuresByCause[cause] = (this.#failuresByCause[cause] ?? 0) + 1;
    if (version === this.#options.versions.new) this.#firstBadMs ??= endedMs;
  }

  #secondsToZero(): number | null {
    if (this.#zeroMs === undefined || this.#firstBadMs === undefined) return null;
    return seconds(Math.max(0, this.#zeroMs - this.#firstBadMs));
  }

  /** Opens a window where a step begins to be held, and closes it where that ends. */
  #followStep({ stage, intent, canaryWeight, release }: CanaryStatus, atMs: number): void {
    const climbs = heldStages.includes(stage) && release?.leg === 'out';
    const held = climbs && intent?.weight === canaryWeight && canaryWeight > 0;
    const open = this.#open();
    if (open !== undefined && (!held || open.asked !== canaryWeight)) open.toMs = atMs;
    if (!held || this.#open() !== undefined) return;
    this.#windows.push({ asked: canaryWeight, fromMs: atMs, toMs: Number.POSITIVE_INFINITY, answers: 0, ofNew: 0 });
  }

  #open(): Window | undefined {
    return this.#windows.find(({ toMs }) => toMs === Number.POSITIVE_INFINITY);
  }
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
