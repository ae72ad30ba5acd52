import type { CanaryStatus } from '../../api/canary-status.ts';
import { lintCanary } from '../../api/lint.ts';
import { begin, subjectOf } from '../begin.ts';
import { saysAlready, setCondition } from '../conditions.ts';
import { shortDigest } from '../ending.ts';
import { leftovers } from '../leftovers.ts';
import { giveBack, giveFormerBack, takeHold } from '../keeping.ts';
import { type Turn, hold, wait, without, write } from '../turn.ts';
import type { Decision, View } from '../view.ts';

/** Ends that a person must lift by `retry` before the same revision is tried again. */
const final = ['RolledBack', 'Aborted', 'Failed', 'Inconclusive', 'Cancelled'];

/** Waits until there is one rolled-out version to begin from, takes back what an earlier life left, and takes hold of the target. */
export function initializing(turn: Turn): Decision {
  const { view, status, nowMs } = turn;
  const refused = giveFormerBack(turn) ?? sayProblems(turn);
  if (refused !== undefined) return refused;
  const left = leftovers(turn);
  if (left !== undefined) return left;
  if (view.target !== undefined) {
    if (!view.target.rolledOut) {
      return hold(
        turn,
        'TargetRollingOut',
        view.target.stuck ?? 'The target rolls out; a release begins from one version.',
      );
    }
    if (view.target.hold.state === 'free') return takeHold(turn);
  }
  return write(
    { ...turn, status: without(status, 'hold', 'holdWrittenAt') },
    {
      stage: 'Resting',
      conditions: heldCondition(turn),
      ...(view.stableRevision === undefined || status.stableRevision !== undefined
        ? {}
        : { stableRevision: shortDigest(view.stableRevision) }),
    },
    nowMs,
  );
}

/** Nothing happens until a new revision, a command or a change of the spec. */
export function resting(turn: Turn): Decision {
  const { view, status } = turn;
  const refused = giveFormerBack(turn) ?? sayProblems(turn);
  if (refused !== undefined) return refused;
  if (view.target?.hold.state === 'free') return write(turn, { stage: 'Initializing' });
  // A replica that knew nothing of the attempt's end may have written once more.
  const left = leftovers(turn);
  if (left !== undefined) return left.effect.do === 'lookFresh' ? left : write(turn, { stage: 'Initializing' });
  const subject = subjectOf(view);
  if (subject === undefined) return wait();
  if (!isNews(view, status)) return settle(turn);
  return mayNotBegin(turn, subject.digest) ?? begin(turn, subject);
}

function mayNotBegin(turn: Turn, digest: string): Decision | undefined {
  const { view, status } = turn;
  if (view.spec.suspend === true) {
    return hold(turn, 'Suspended', `Revision ${shortDigest(digest)} waits: spec.suspend is true.`);
  }
  if (status.paused !== undefined) return hold(turn, 'Paused', `Paused by ${status.paused.by}; resume lets it go on.`);
  if (view.mixed !== undefined) return hold(turn, 'CanaryRollingOut', view.mixed);
  const templated = view.spec.analysis.metrics?.some(({ templateRef }) => templateRef !== undefined) === true;
  const unknown = (view.target !== undefined || templated) && view.surroundings === undefined;
  return unknown ? { effect: { do: 'lookFresh', at: 'surroundings' } } : undefined;
}

/** Gives the target and the Canary back; the last stage of a deletion. */
export function releasing(turn: Turn): Decision {
  const { target, former, spec } = turn.view;
  const named = target && { ...target, name: spec.targetRef?.name ?? '' };
  const held = [named, former].find((one) => one?.hold.state === 'held');
  return held === undefined ? { effect: { do: 'removeFinalizer' } } : giveBack(turn, held);
}

/** Whether what is there now differs from what has the traffic, and was not turned down already. */
function isNews(view: View, status: CanaryStatus): boolean {
  const { revision, stableRevision } = view;
  if (revision === undefined || revision === stableRevision) return false;
  if (status.retryAsked === true) return true;
  const [last] = status.history ?? [];
  if (last === undefined || last.digest !== revision) return true;
  return !final.includes(last.outcome) && last.outcome !== 'Promoted';
}

/** At rest with nothing new: says so once, then is silent. */
function settle(turn: Turn): Decision {
  const { view, status } = turn;
  const reverted = revertedRoute(turn);
  if (reverted !== undefined) return hold(turn, 'RouteReverted', reverted);
  if (status.hold === undefined && status.retryAsked === undefined && status.observedGeneration === view.generation)
    return wait();
  return write(
    { ...turn, status: without(status, 'hold', 'holdWrittenAt', 'retryAsked') },
    { observedGeneration: view.generation },
  );
}

/** In `backends` mode nothing is repaired after the end, but somebody should know. */
function revertedRoute({ view, status }: Turn): string | undefined {
  const [last] = status.history ?? [];
  if (view.spec.backends === undefined || last?.outcome !== 'Promoted' || last.digest !== view.revision)
    return undefined;
  const back = view.routes.filter((route) => route.found && route.plan !== undefined);
  if (back.length === 0) return undefined;
  const names = back.map((route) => route.name).join(', ');
  return `${names}: the stable backend has traffic again after revision ${last.revision} was promoted. Nothing is repaired: Git should give ${view.spec.backends.canary.name} all of the weight.`;
}

/** Says what is in the way, or that nothing is; undefined when that has been said. */
function sayProblems(turn: Turn): Decision | undefined {
  const { view, status, nowMs } = turn;
  const problems = [...view.problems, ...(view.surroundings?.problems ?? [])];
  const [first] = problems;
  if (first === undefined && standsRefused(turn)) return undefined;
  const ready =
    first === undefined
      ? { type: 'Ready', status: 'True' as const, reason: 'Ready', message: readyMessage(view) }
      : {
          type: 'Ready',
          status: 'False' as const,
          reason: first.reason,
          message: problems.map((problem) => problem.message).join(' '),
        };
  const known = saysAlready(status.conditions, ready, view.generation) && status.observedGeneration === view.generation;
  if (known && first === undefined) return undefined;
  if (known) return wait(view.surroundings === undefined ? undefined : nowMs + lookAroundMs);
  return write(turn, {
    observedGeneration: view.generation,
    conditions: setCondition(status.conditions, ready, { nowMs, generation: view.generation }),
  });
}

/** Also names what is allowed and still looks like a mistake. */
function readyMessage({ spec }: View): string {
  return ['Waiting for a new revision.', ...lintCanary({ spec })].join(' ');
}

/** What was refused for its surroundings stays refused until they are looked at again. */
function standsRefused({ view, status }: Turn): boolean {
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  const about = ready?.status === 'False' && ready.observedGeneration === view.generation;
  return about && view.surroundings === undefined && ofSurroundings.includes(ready.reason) && isNews(view, status);
}

const ofSurroundings = [
  'ScalesToZero',
  'PolicyWouldNotCoverCanary',
  'NotCovered',
  'Forbidden',
  'MetricTemplateNotFound',
  'QueryInvalid',
  'SecretNotFound',
];

/** How often the surroundings that refuse an attempt are looked at again: they are not watched. */
const lookAroundMs = 30_000;

/** While the target is paused, people must know what that stops. */
function heldCondition({ view, status, nowMs }: Turn): NonNullable<CanaryStatus['conditions']> {
  if (view.target === undefined) return status.conditions ?? [];
  return setCondition(
    status.conditions,
    {
      type: 'HeldByPause',
      status: 'True',
      reason: 'Paused',
      message:
        'The Deployment is paused, so that a new template waits for its analysis. It is scaled and heals as ever; kubectl rollout status, restart and undo wait for Linnet.',
    },
    { nowMs, generation: view.generation },
  );
}
