import type { CanaryStatus, CommandRecord, Release, Stage } from '../api/canary-status.ts';
import { shortDigest } from './ending.ts';
import { type Turn, iso, retreating, without, write } from './turn.ts';
import type { CommandRequest, Decision } from './view.ts';

/** What a command comes to: the status with its effect in it, or why it is refused. */
type Answer = { done: Partial<CanaryStatus>; message: string; drop?: ('paused' | 'hold')[] } | { refused: string };

/** Stages on the way out in which a person can hurry the release on. */
const promotable: Stage[] = ['Preparing', 'Shifting', 'Accepting', 'Observing', 'Watching', 'WaitingPromotion'];

/** From here on the target runs the new template: there is no old version left to go back to. */
const committedStages: Stage[] = ['Committing', 'RollingOut', 'Carrying'];

/**
 * Takes up at most one command: abort before all others. A request is answered in status first and removed afterwards, so that a crash
 * in between neither loses nor repeats it; until it is removed no other is answered.
 * @returns undefined when there is nothing to do
 */
export function takeCommand(turn: Turn): Decision | undefined {
  const answered = answeredRequest(turn);
  if (answered !== undefined) return { effect: { do: 'removeCommand', id: answered.id } };
  const { commands } = turn.view;
  const next =
    commands.find((command) => command.verb === 'abort') ?? commands.toSorted((a, b) => (a.id < b.id ? -1 : 1))[0];
  if (next === undefined) return undefined;
  const refusal = next.problem ?? wrongSubject(turn, next);
  return record(turn, next, refusal === undefined ? answer(turn, next) : { refused: refusal });
}

/** When there is nothing else to do: notes that an answered request is gone, so that its id is a new request from then on. */
export function noteRemoval(turn: Turn, decision: Decision): Decision {
  const { lastCommand } = turn.status;
  if (decision.effect.do !== 'nothing' || lastCommand === undefined || lastCommand.removed === true) return decision;
  return write(turn, { lastCommand: { ...lastCommand, removed: true } }, decision.wakeAt);
}

/** The request that status has answered already and that is still there. */
export function answeredRequest({ view, status }: Turn): CommandRequest | undefined {
  const { lastCommand } = status;
  if (lastCommand === undefined || lastCommand.removed === true) return undefined;
  return view.commands.find((command) => command.id === lastCommand.id);
}

function record(turn: Turn, command: CommandRequest, result: Answer): Decision {
  const done = 'done' in result;
  const lastCommand: CommandRecord = {
    id: command.id,
    verb: command.verb ?? 'unknown',
    ...(command.attempt === undefined ? {} : { attempt: command.attempt }),
    ...(command.revision === undefined ? {} : { revision: command.revision }),
    ...(command.by === undefined ? {} : { claimedBy: command.by }),
    ...(command.reason === undefined ? {} : { reason: command.reason }),
    at: iso(turn.nowMs),
    result: done ? 'done' : 'refused',
    message: (done ? result.message : result.refused).slice(0, 512),
  };
  const status = { ...turn.status, lastCommand };
  if (!done) return write({ ...turn, status }, {});
  return write({ ...turn, status: { ...without(status, ...(result.drop ?? [])), lastCommand } }, result.done);
}

function wrongSubject(turn: Turn, { verb, revision, attempt }: CommandRequest): string | undefined {
  if (attempt !== undefined && attempt !== turn.status.attempt) {
    return `The command is for attempt ${attempt}; the present one is ${turn.status.attempt}.`;
  }
  const present = presentRevision(turn, verb);
  if (revision === undefined) {
    const needed = verb === 'promote' || verb === 'retry';
    return needed ? `${verb} must name the revision; the present one is ${named(present)}.` : undefined;
  }
  if (present !== undefined && [present, shortDigest(present)].includes(revision)) return undefined;
  return `The command is for revision ${revision}; the present one is ${named(present)}.`;
}

/** The revision that a command can be about. */
function presentRevision({ view, status }: Turn, verb: CommandRequest['verb']): string | undefined {
  if (status.release !== undefined) return status.release.digest;
  return verb === 'retry' ? status.history?.[0]?.digest : view.revision;
}

function named(digest: string | undefined): string {
  return digest === undefined ? 'not known' : shortDigest(digest);
}

function answer(turn: Turn, command: CommandRequest): Answer {
  switch (command.verb) {
    case 'abort':
      return abort(turn, command);
    case 'promote':
      return promote(turn, command);
    case 'pause':
      return pause(turn, command);
    case 'resume':
      return turn.status.paused === undefined
        ? { refused: 'Nothing is paused.' }
        : { done: {}, message: 'Resumed.', drop: ['paused', 'hold'] };
    case 'retry':
      return retry(turn);
    case undefined:
      return { refused: 'The command has no verb.' };
  }
}

function abort(turn: Turn, command: CommandRequest): Answer {
  const { by, reason } = command;
  const { status, nowMs } = turn;
  const { release } = status;
  if (release === undefined) return { refused: 'No attempt is under way.' };
  if (release.retreat !== undefined) {
    return { done: {}, message: `The attempt is being taken back already: ${release.retreat.reason}.` };
  }
  if (status.stage === 'Draining' || status.stage === 'Cleaning') {
    return { refused: 'Committed: the new version has all of the traffic already.' };
  }
  if (release.leg === 'return' || committedStages.includes(status.stage)) return stopReturn(turn, release, command);
  const who = by === undefined ? '' : ` by ${by}`;
  const message = `Aborted${who}${reason === undefined ? '.' : `: ${reason}`}`;
  const done = retreating(release, { outcome: 'Aborted', reason: 'Aborted', message }, nowMs);
  return { done, message: 'Aborting.', drop: ['hold', 'paused'] };
}

/** Past the point of no return an abort can only keep the traffic where the analysed version runs: the return is stopped, or never begins. */
function stopReturn({ nowMs }: Turn, release: Release, { by, reason }: CommandRequest): Answer {
  const message = 'Committed: the target has the new template. The carrier keeps the traffic.';
  if (release.leg === 'out') {
    const paused = {
      by: by ?? 'an abort',
      reason: reason ?? 'Aborted after the point of no return.',
      since: iso(nowMs),
    };
    return { done: { paused }, message: `${message} resume lets it return.` };
  }
  const done = retreating(release, { outcome: 'Aborted', reason: 'Committed', message }, nowMs);
  return { done, message, drop: ['hold', 'paused'] };
}

function promote({ status }: Turn, { full, by }: CommandRequest): Answer {
  const { release } = status;
  if (release === undefined) return { refused: 'No attempt is under way.' };
  if (release.retreat !== undefined) return { refused: 'The attempt is being taken back.' };
  if (!promotable.includes(status.stage)) return { refused: `There is nothing to promote in stage ${status.stage}.` };
  const between = status.stage === 'Preparing' || status.stage === 'Shifting';
  if (between && full !== true && status.paused === undefined && release.notAccepted === undefined) {
    return { refused: `No weight is held in stage ${status.stage}: the next one is being prepared.` };
  }
  const advancedBy = `promoted by ${by ?? 'a command'}`.slice(0, 256);
  return {
    done: { release: { ...release, advancedBy, ...(full === true ? { jump: true } : {}) } },
    message: full === true ? 'Going to 100 at once.' : 'Leaving the present step.',
    drop: ['hold', 'paused'],
  };
}

function pause({ status, nowMs }: Turn, { by, reason }: CommandRequest): Answer {
  if (status.paused !== undefined) return { done: {}, message: 'It is paused already.' };
  if (status.release?.retreat !== undefined) return { refused: 'The attempt is being taken back; that is not paused.' };
  const paused = { by: by ?? 'a command', ...(reason === undefined ? {} : { reason }), since: iso(nowMs) };
  return { done: { paused }, message: 'Paused. A breach or an abort still acts.' };
}

function retry({ status, view }: Turn): Answer {
  if (status.release !== undefined && status.stage !== 'Carrying') return { refused: 'An attempt is under way.' };
  if (status.stage === 'Carrying') return { done: { retryAsked: true }, message: 'The return is tried again.' };
  const [last] = status.history ?? [];
  if (last === undefined) return { refused: 'There was no attempt yet.' };
  if (last.digest !== view.revision) {
    return { refused: `Revision ${last.revision} does not wait any more; the present one is ${named(view.revision)}.` };
  }
  if (last.outcome === 'Promoted') return { refused: `Revision ${last.revision} was promoted.` };
  return { done: { retryAsked: true }, message: `Revision ${last.revision} is tried again.` };
}
