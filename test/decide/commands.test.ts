import { describe, expect, test } from 'vitest';
import type { CanaryStatus, Stage } from '../../src/api/canary-status.ts';
import type { CommandRequest, View } from '../../src/decide/view.ts';
import {
  ago,
  aView,
  decided,
  inAttempt,
  onTheReturn,
  retreatingFor,
  v1,
  v2,
  withCommand,
  withHistory,
  withNewTemplate,
  withRequests,
  withStatus,
  written,
} from './builders.ts';

const request = (verb: CommandRequest['verb'], more: Partial<CommandRequest> = {}): CommandRequest => ({
  id: verb ?? 'unknown',
  verb,
  by: 'ann',
  ...more,
});
const promote = request('promote', { revision: v2 });
const atFive = inAttempt('Watching', 5);

/** What becomes of a request, and the status with its effect. */
function answer(view: View): [result: string | undefined, message: string, status: CanaryStatus] {
  const status = written(view);
  return [status.lastCommand?.result, status.lastCommand?.message ?? '', status];
}

describe('a request', () => {
  test('is answered in status first, then removed, and never done twice', () => {
    const pausing = aView(atFive, withCommand(request('pause', { reason: 'lunch' })));
    const first = written(pausing);
    expect(first.lastCommand).toMatchObject({ id: 'pause', claimedBy: 'ann', reason: 'lunch', result: 'done' });
    expect(first.paused?.by).toBe('ann');
    const second = aView(() => pausing, withStatus(first));
    expect(decided(second).effect).toEqual({ do: 'removeCommand', id: 'pause' });
  });

  test('comes before another one by its id, and an abort before all', () => {
    const [a, b] = [request('pause', { id: 'a' }), request('resume', { id: 'b' })];
    expect(written(aView(atFive, withCommand(b, a))).lastCommand?.id).toBe('a');
    const stop = request('abort', { id: 'z' });
    expect(written(aView(atFive, withCommand(b, a, stop))).lastCommand?.id).toBe('z');
  });

  const refused: [sentence: string, view: View, message: RegExp][] = [
    ['that cannot be read', aView(atFive, withCommand(request(undefined, { problem: 'Not JSON.' }))), /Not JSON/],
    ['for another attempt', aView(atFive, withCommand(request('abort', { attempt: 7 }))), /for attempt 7; .* is 1/],
    [
      'for another revision',
      aView(atFive, withCommand(request('abort', { revision: v1 }))),
      /present one is bbbbbbbbbb/,
    ],
    ['to promote without a revision', aView(atFive, withCommand(request('promote'))), /must name the revision/],
    ['to promote nothing', aView(withCommand(request('promote', { revision: v1 }))), /No attempt/],
    ['to abort nothing', aView(withCommand(request('abort'))), /No attempt/],
    ['to resume what is not paused', aView(atFive, withCommand(request('resume'))), /Nothing is paused/],
    ['to retry in mid-release', aView(atFive, withCommand(request('retry', { revision: v2 }))), /under way/],
    [
      'to retry what was promoted',
      aView(withNewTemplate(), withHistory('Promoted'), withCommand(request('retry', { revision: v2 }))),
      /was promoted/,
    ],
    [
      'to retry what does not wait any more',
      aView(withHistory('RolledBack'), withCommand(request('retry', { revision: v2 }))),
      /does not wait any more/,
    ],
    [
      'to pause a retreat',
      aView(inAttempt('Retreating', 5), retreatingFor('RolledBack'), withCommand(request('pause'))),
      /being taken back/,
    ],
    [
      'to promote a retreat',
      aView(inAttempt('Retreating', 5), retreatingFor('RolledBack'), withCommand(promote)),
      /being taken back/,
    ],
    [
      'to abort the clean-up of a success',
      aView(onTheReturn('Draining', 0), withCommand(request('abort'))),
      /^Committed/,
    ],
  ];

  test.each(refused)('%s is refused with the reason, and changes nothing else', (_sentence, view, message) => {
    const [result, said, status] = answer(view);
    expect(result).toBe('refused');
    expect(said).toMatch(message);
    const { lastCommand: _, phase: _phase, ...rest } = status;
    const { phase: _before, ...before } = view.status as CanaryStatus;
    expect(rest).toEqual(before);
  });

  test.each([v2, v2.slice(0, 10)])('names the revision by %s', (revision) => {
    expect(answer(aView(atFive, withCommand(request('promote', { revision }))))[0]).toBe('done');
  });
});

describe('abort', () => {
  const onTheWay: Stage[] = ['Preparing', 'Shifting', 'Accepting', 'Observing', 'Watching', 'WaitingPromotion'];
  test.each(onTheWay)('takes the attempt back from %s', (stage) => {
    const [result, , status] = answer(
      aView(inAttempt(stage, 50), withCommand(request('abort', { reason: 'looks bad' }))),
    );
    expect(result).toBe('done');
    expect(status.release?.retreat).toMatchObject({ outcome: 'Aborted', message: 'Aborted by ann: looks bad' });
    expect(status.stage).toBe('Retreating');
  });

  test('lifts a pause', () => {
    const view = aView(atFive, withStatus({ paused: { by: 'bob', since: ago(60) } }), withCommand(request('abort')));
    expect(written(view).paused).toBeUndefined();
  });

  test('on the return leaves the traffic with the carrier', () => {
    const [, message, status] = answer(aView(onTheReturn('Watching', 50), withCommand(request('abort'))));
    expect(message).toMatch(/^Committed/);
    expect(status.stage).toBe('Retreating');
    const retreat = aView(onTheReturn('Watching', 50), withStatus(status));
    const next = written({ ...retreat, fresh: 'pods' });
    expect(next.intent?.weight).toBe(100);
  });

  test('needs neither metrics nor pods', () => {
    const view = aView(atFive, withCommand(request('abort')));
    const blind = { ...view, canary: { ready: 0, desired: 4 }, measured: undefined };
    expect(written(blind).stage).toBe('Retreating');
  });
});

describe('promote', () => {
  test('leaves the present step without waiting for its checks, and says who wanted that', () => {
    const promoted = written(aView(atFive, withCommand(promote)));
    expect(promoted.release?.advancedBy).toBe('promoted by ann');
    const next = written({ ...aView(atFive, withStatus(promoted)), fresh: 'pods' });
    expect(next).toMatchObject({ stage: 'Accepting', intent: { weight: 50 } });
    expect(next.release?.advancedBy).toBeUndefined();
  });

  test('full goes to 100 at once', () => {
    const promoted = written(aView(atFive, withCommand({ ...promote, full: true })));
    const next = written({ ...aView(atFive, withStatus(promoted)), fresh: 'pods' });
    expect(next).toMatchObject({ stage: 'Accepting', intent: { weight: 100 } });
  });

  test('resumes what was paused', () => {
    const paused = withStatus({ paused: { by: 'bob', since: ago(60) } });
    expect(written(aView(inAttempt('WaitingPromotion', 50), paused, withCommand(promote))).paused).toBeUndefined();
  });

  test('does not keep a breach from acting', () => {
    const promoted = written(aView(atFive, withCommand(promote)));
    const bad = withRequests({ stable: { good: 1900 }, canary: { good: 0, bad: 300 } });
    expect(written(aView(atFive, withStatus(promoted), bad)).stage).toBe('Retreating');
  });
});
