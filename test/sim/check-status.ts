import type { Canary } from '../../src/api/canary.ts';
import type { CanaryStatus, HistoryEntry, Release } from '../../src/api/canary-status.ts';
import { durationMs } from '../../src/api/duration.ts';
import { kinds } from '../../src/api/kinds.ts';
import { podsNeeded } from '../../src/decide/capacity.ts';
import { compareFences } from '../../src/decide/turn.ts';
import type { Known, Scene } from './checks.ts';
import { checkEvidence } from './check-evidence.ts';
import type { Stored } from './history.ts';
import { servicesOf } from './manifests.ts';
import { quick } from './settings.ts';
import { type Step, freshMs, moment, sentAt } from './step.ts';

/** S3, S4, S6, S8, S11 and the half of S2 and S14 that is about status: every stored status against the one before it. */
export function checkStatus(scene: Scene, known: Known): void {
  let before: Canary | undefined;
  let step: Step | undefined;
  const answers = new Map<string, string>();
  const ends = new Map<number, HistoryEntry>();
  const aborted = new Set<number>();

  scene.history.onStored((stored) => {
    if (stored.kind !== kinds.canary) return;
    const canary = stored.object as Canary;
    const old = before;
    before = stored.type === 'put' ? canary : undefined;
    const { status } = canary;
    if (status === undefined || stored.type === 'removed') return;
    const last = old?.status;
    tell(scene, last, status);
    checkHistory(scene, { status, ends, aborted });
    checkCommand(scene, { last, status, answers, aborted });
    if (status.intent !== undefined && status.intent.fence !== last?.intent?.fence) {
      checkIntent(scene, known, { stored, canary, last, step });
      // The same weight once more: a repair, or another attempt that begins where this one stands.
      step = step?.weight === status.intent.weight ? { ...step, fence: status.intent.fence } : undefined;
    }
    if (leftLastStep(last, status) && step !== undefined) checkBake(scene, { stored, status, step });
    step = follow(scene, known, { stored, status, step });
  });
}

function tell({ say }: Scene, last: CanaryStatus | undefined, status: CanaryStatus): void {
  const { stage, intent, hold, release, attempt, canaryWeight } = status;
  const line = `status ${stage} attempt ${attempt} intent ${intent?.weight}@${intent?.fence} accepted ${canaryWeight} leg ${release?.leg} ${hold?.reason ?? ''} ${release?.retreat?.reason ?? ''}`;
  if (last?.stage !== stage || last?.intent?.fence !== intent?.fence || last?.hold?.reason !== hold?.reason) say(line);
}

/** S6: an end that was recorded stays as it was. */
function checkHistory(
  { report }: Scene,
  seen: { status: CanaryStatus; ends: Map<number, HistoryEntry>; aborted: Set<number> },
): void {
  for (const entry of seen.status.history ?? []) {
    const known = seen.ends.get(entry.attempt);
    if (known === undefined) {
      seen.ends.set(entry.attempt, entry);
      if (seen.aborted.has(entry.attempt) && entry.outcome === 'Promoted') {
        report(`S8 attempt ${entry.attempt} ended ${entry.outcome} although its abort was answered with done`);
      }
    } else if (JSON.stringify(known) !== JSON.stringify(entry)) {
      report(`S6 the end of attempt ${entry.attempt} was ${known.outcome} and is ${entry.outcome} now`);
    }
  }
  const attempts = (seen.status.history ?? []).map(({ attempt }) => attempt);
  if (new Set(attempts).size !== attempts.length) report(`S6 an attempt ended twice: ${attempts.join(', ')}`);
}

/** S8: each request is answered once, and what was answered stays. */
function checkCommand(
  { report }: Scene,
  seen: {
    last: CanaryStatus | undefined;
    status: CanaryStatus;
    answers: Map<string, string>;
    aborted: Set<number>;
  },
): void {
  const { lastCommand } = seen.status;
  const answer = answerOf(lastCommand);
  if (lastCommand === undefined || answer === answerOf(seen.last?.lastCommand)) return;
  const known = seen.answers.get(lastCommand.id);
  if (known !== undefined) report(`S8 command ${lastCommand.id} was answered twice: ${known} and ${answer}`);
  seen.answers.set(lastCommand.id, answer);
  const { release, attempt } = seen.status;
  if (lastCommand.verb === 'abort' && lastCommand.result === 'done' && release !== undefined) {
    if (release.retreat !== undefined) seen.aborted.add(attempt);
    if (release.retreat === undefined && seen.status.paused === undefined)
      report(`S8 abort ${lastCommand.id} is done and nothing retreats or waits`);
  }
  if (lastCommand.verb === 'promote' && lastCommand.result === 'done' && release?.retreat !== undefined) {
    report(`S8 promote ${lastCommand.id} took effect in a retreat`);
  }
}

/** That the request is gone is noted later, and changes nothing of the answer. */
function answerOf(command: CanaryStatus['lastCommand']): string {
  const { removed: _, ...answer } = command ?? {};
  return JSON.stringify(answer);
}

interface NewIntent {
  stored: Stored;
  canary: Canary;
  last: CanaryStatus | undefined;
  step: Step | undefined;
}

function checkIntent(scene: Scene, known: Known, seen: NewIntent): void {
  const { report } = scene;
  const { status } = seen.canary;
  const { intent, release, attempt } = status ?? {};
  if (status === undefined || intent === undefined || release === undefined) return;
  const lastFence = [...known.intents.keys()].at(-1);
  if (lastFence !== undefined && compareFences(intent.fence, lastFence) <= 0) {
    report(`S14 fence ${intent.fence} comes after ${lastFence}`);
  }
  if (!intent.fence.startsWith(`${attempt}.`)) report(`S14 fence ${intent.fence} is not one of attempt ${attempt}`);
  known.intents.set(intent.fence, {
    weight: intent.weight,
    fence: intent.fence,
    atMs: seen.stored.atMs,
    attempt: status.attempt,
    retreat: release.retreat !== undefined,
    full: release.full,
    leg: release.leg,
  });
  const same = seen.last?.attempt === attempt || release.leg === 'return';
  const from = same ? (seen.last?.intent?.weight ?? 0) : 0;
  if (release.retreat !== undefined) checkRetreat(scene, seen, { from, to: intent.weight, release });
  else if (release.leg === 'return') checkReturn(scene, seen, { from, to: intent.weight, release });
  else if (intent.weight > from) checkRaise(scene, seen, { from, to: intent.weight, release });
  else if (intent.weight < from) checkBackStep(scene, seen, { from, to: intent.weight, release });
}

interface Change {
  from: number;
  to: number;
  release: Release;
}

/** S3: after the turn, only towards home; away from it only when the receiver has lost its pods. */
function checkRetreat({ report, readiness, options }: Scene, { stored, canary }: NewIntent, change: Change): void {
  const home = change.release.leg === 'return' && canary.metadata.deletionTimestamp === undefined ? 100 : 0;
  const away = home === 0 ? change.to > change.from : change.to < change.from;
  if (!away) return;
  const { stable, canary: other } = servicesOf(options);
  const receiver = home === 0 ? stable : other;
  if (readiness.leastSince(receiver, stored.atMs - 10_000) > 0) {
    report(`S3 a retreat went from ${change.from} to ${change.to} although ${receiver} had pods`);
  }
}

/** S3 on the way from the carrier to the target, and that the target has pods for it (S2). */
function checkReturn({ report, readiness, options }: Scene, { stored, last }: NewIntent, change: Change): void {
  if (change.to > change.from && change.to !== last?.canaryWeight) {
    report(`S3 the return went from ${change.from} back to ${change.to}`);
  }
  if (change.to >= change.from) return;
  const since = sentAt(stored) - freshMs;
  if (readiness.mostSince(servicesOf(options).stable, since) === 0) {
    report(`S2 the target gets ${100 - change.to} % and has had no ready pod for ${freshMs} ms`);
  }
}

/** S3: one step after the other, unless somebody asked to jump. S2: pods first. S4: evidence. S11: time. */
function checkRaise(scene: Scene, seen: NewIntent, change: Change): void {
  const { report, readiness, options } = scene;
  const { steps } = change.release.frozen;
  const at = steps.findIndex(({ weight }) => weight === change.from);
  const jump = change.release.jump === true;
  const next = jump ? 100 : steps[at + 1]?.weight;
  if (change.to !== next) {
    report(`S3 from ${change.from} to ${change.to}, the steps are ${steps.map(({ weight }) => weight).join(', ')}`);
  }
  const index = seen.canary.status?.stepIndex ?? -1;
  if (steps[index]?.weight !== change.to) report(`S3 stepIndex ${index} does not say ${change.to}`);
  const needed = podsNeeded(change.release.full, change.to);
  const ready = readiness.mostSince(servicesOf(options).canary, sentAt(seen.stored) - freshMs);
  if (ready < needed) report(`S2 raised to ${change.to} with ${ready} of ${needed} pods ready`);
  if (change.from === 0) return;
  const status = seen.canary.status;
  if (seen.step === undefined || status === undefined) {
    report(`S4 raised from ${change.from} to ${change.to} before ${change.from} was accepted`);
    return;
  }
  checkBake(scene, { stored: seen.stored, status, step: seen.step });
  if (!seen.step.excused) checkEvidence(scene, { status, stored: seen.stored, step: seen.step });
}

/** S3: back to the last accepted share is allowed only when the gateway has not accepted the next one in time. */
function checkBackStep({ report }: Scene, { stored, last, canary }: NewIntent, change: Change): void {
  const waited = stored.atMs - moment(last?.stageSince);
  const ok = last?.stage === 'Accepting' && change.to === last.canaryWeight && waited >= quick.acceptMs;
  if (!ok) report(`S3 from ${change.from} back to ${change.to} in ${canary.status?.stage} without a retreat`);
}

/** S11: a step lasts as long as it must, whoever restarts. */
function checkBake(
  { report }: Scene,
  { stored, status, step }: { stored: Stored; status: CanaryStatus; step: Step },
): void {
  const { release } = status;
  if (release === undefined || release.retreat !== undefined || step.excused) return;
  const wanted =
    release.leg === 'return' && release.returnAnalysed === true
      ? quick.settleMs
      : durationMs(release.frozen.steps.find(({ weight }) => weight === step.weight)?.interval ?? '0s');
  const lasted = stored.atMs - step.acceptedMs;
  if (lasted < wanted) report(`S11 step ${step.weight} lasted ${lasted.toFixed(0)} of ${wanted} ms`);
}

/** What the release stands on: from the acceptance of a weight until the next intent. */
function follow(
  { report }: Scene,
  known: Known,
  { stored, status, step }: { stored: Stored; status: CanaryStatus; step: Step | undefined },
): Step | undefined {
  const { intent, release, shares } = status;
  if (intent === undefined || release === undefined) return undefined;
  const excused = release.advancedBy !== undefined || release.jump === true || release.frozen.skipAnalysis === true;
  if (step?.fence === intent.fence) return { ...step, excused: step.excused || excused };
  if (shares?.rung === 'written' || shares?.accepted !== intent.weight) return undefined;
  const accepted = known.acceptedMs.get(intent.fence);
  // Being attached at weight 0 is not a step, and has no moment of its own.
  const attached = intent.weight === 0 && release.leg === 'out';
  const said = release.acceptedAt === undefined || attached ? stored.atMs : moment(release.acceptedAt);
  if (accepted === undefined && release.retreat === undefined) {
    report(`S4 status says that ${intent.weight} (${intent.fence}) was accepted, and the gateway has not said so`);
  }
  return { fence: intent.fence, weight: intent.weight, acceptedMs: Math.max(said, accepted ?? 0), excused };
}

function leftLastStep(last: CanaryStatus | undefined, status: CanaryStatus): boolean {
  if (last === undefined || last.stage === status.stage || status.release?.retreat !== undefined) return false;
  const leaving = status.stage === 'DrainingStable' || status.stage === 'Cleaning' || status.stage === 'Draining';
  const before = last.stage === 'Watching' || last.stage === 'Observing' || last.stage === 'Shifting';
  return leaving && before;
}
