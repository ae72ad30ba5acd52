import { describe, expect, test } from 'vitest';
import type { Frozen } from '../../src/api/canary-status.ts';
import {
  aView,
  ago,
  decided,
  deleted,
  fresh,
  inAttempt,
  onTheReturn,
  retreatingFor,
  withCarrier,
  withCommand,
  withHistory,
  withPods,
  withRelease,
  withRequests,
  withRoute,
  withStatus,
  withTarget,
  withView,
  withoutRoute,
  written,
} from './builders.ts';

/** The same value with the keys of every object in the opposite order, as another writer may give it. */
function reordered<T>(value: T): T {
  if (Array.isArray(value)) return value.map(reordered) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reordered(inner)]),
  ) as T;
}

describe('an attempt', () => {
  test('goes on when the API server gives the fields of its subject in another order', () => {
    const view = aView(inAttempt('Watching', 5));
    const frozen = reordered<Frozen>(view.status?.release?.frozen as Frozen);
    const { stage, release } = written(aView(() => view, withRelease({ frozen })));
    expect([stage, release?.retreat]).toEqual(['Watching', undefined]);
  });

  test('takes all routes home that can be written, whatever becomes of the others', () => {
    const other = { ...aView().routes[0], name: 'other', share: 50, fence: '1.3', uid: 'other-uid' } as never;
    const home = { weight: 0, fence: '1.4' };
    const view = aView(
      inAttempt('Retreating', 50, { intent: home }),
      retreatingFor('Aborted'),
      withRoute({ blocked: 'the stable backend is gone', share: undefined, ours: false }),
      (seen) => ({ ...seen, routes: [...seen.routes, other] }),
      (seen) =>
        withRelease({
          routes: [
            ...(seen.status?.release?.routes ?? []),
            { kind: 'HTTPRoute', name: 'other', plan: { uid: 'other-uid' } },
          ],
        })(seen),
    );
    expect(decided(view).effect).toMatchObject({ do: 'shiftRoute', kind: 'HTTPRoute', name: 'other', ...home });
  });

  test('takes what is ours out of a route on the way home when the share cannot be written any more', () => {
    const home = { weight: 0, fence: '1.4' };
    const blocked = withRoute({ blocked: 'the stable backend is gone', share: undefined, ours: true });
    const view = aView(inAttempt('Retreating', 50, { intent: home }), retreatingFor('Aborted'), blocked);
    expect(decided(view).effect).toMatchObject({ do: 'restoreRoute', keep: 'stable' });
    const restored = aView(
      () => view,
      withRoute({ ours: false, fence: undefined, blocked: 'the stable backend is gone' }),
    );
    expect(written(restored).canaryWeight).toBe(0);
  });

  test('does not pass the point of no return while it is paused', () => {
    const paused = withStatus({ paused: { by: 'ann', since: ago(10) } });
    const draining = aView(inAttempt('DrainingStable', 100), paused, withRequests({ canary: { good: 1000 } }));
    expect(written(draining)).toMatchObject({ stage: 'DrainingStable', hold: { reason: 'Paused' } });
    const committing = aView(inAttempt('Committing', 100), withRelease({ committedAt: ago(60) }), paused);
    expect(written(committing)).toMatchObject({ stage: 'Committing', hold: { reason: 'Paused' } });
  });

  test('counts how long it has no verdict, whatever the reasons were meanwhile', () => {
    const view = aView(
      inAttempt('Watching', 5),
      withRelease({ unsureSince: ago(3_000) }),
      withStatus({ hold: { reason: 'MetricsError', message: 'down', since: ago(5) } }),
      (seen) => {
        const frozen = seen.status?.release?.frozen as Frozen;
        const analysis = { ...frozen.analysis, onUnsure: { after: '30m', do: 'rollback' as const } };
        return withRelease({ frozen: { ...frozen, analysis } })(seen);
      },
      withRequests({}),
    );
    expect(written(view).release?.retreat?.outcome).toBe('Inconclusive');
  });

  test('does not ask again at once for a weight that was not accepted in time', () => {
    const given = withRelease({ notAccepted: { weight: 50, at: ago(60) } });
    const view = aView(inAttempt('Shifting', 5, { stepIndex: 0 }), given, fresh('pods'));
    expect(written(view)).toMatchObject({ stage: 'Shifting', hold: { reason: 'NotAccepted' }, intent: { weight: 5 } });
    const later = aView(() => view, withRelease({ notAccepted: { weight: 50, at: ago(601) } }));
    expect(written(later)).toMatchObject({ stage: 'Accepting', intent: { weight: 50 } });
  });

  test('sees a breach although the clock went back behind the acceptance', () => {
    const ahead = { acceptedAt: ago(-3_600), failFrom: ago(-3_600), passFrom: ago(-3_600) };
    const view = aView(
      inAttempt('Watching', 50),
      withRelease(ahead),
      withRequests({ canary: { good: 0, bad: 2_000 } }),
    );
    expect(written(view).release?.retreat?.reason).toBe('CheckFailed');
  });
});

describe('after the point of no return', () => {
  test('a carrier without pods gives the traffic to a target that has some, and the attempt ends there', () => {
    for (const stage of ['RollingOut', 'Carrying'] as const) {
      const gone = withPods({ canary: { ready: 0 } });
      const view = aView(
        inAttempt(stage, 100),
        withRelease({ committedAt: ago(60) }),
        withHistory('Failed'),
        gone,
        fresh(),
      );
      const next = written(view);
      expect([next.stage, next.release?.retreat?.reason]).toEqual(['Retreating', 'CarrierPodsGone']);
      expect(written(aView(() => view, withStatus(next))).intent?.weight).toBe(0);
    }
  });

  test('a target that loses its pods on the return gives the traffic back to the carrier at once', () => {
    const view = aView(onTheReturn('Watching', 50), withPods({ stable: { ready: 0 } }), fresh());
    const next = written(view);
    expect(next.release?.retreat?.reason).toBe('StablePodsGone');
    expect(written(aView(() => view, withStatus(next))).intent?.weight).toBe(100);
  });

  test('a target that somebody else unpauses on the return gives the traffic back to the carrier', () => {
    const view = aView(onTheReturn('Watching', 50), withTarget({ hold: { state: 'free' } }), fresh());
    expect(written(view).release?.retreat).toMatchObject({ outcome: 'Bypassed' });
  });

  test('a spec that names other objects, or a route that is gone, does not send traffic to a target that is rolling out', () => {
    const rolling = withTarget({ hold: { state: 'free' }, rolledOut: false });
    const view = aView(inAttempt('RollingOut', 100), withRelease({ committedAt: ago(60) }), rolling, fresh());
    expect(decided(aView(() => view, withoutRoute)).effect.do).not.toBe('shiftRoute');
    expect(written(aView(() => view, withoutRoute, withStatus({ stageSince: ago(60) }))).stage).toBe('RollingOut');
  });

  test('a route that is made anew while the carrier drains does not bring the carrier back', () => {
    const view = aView(
      onTheReturn('Draining', 0),
      withRoute({ uid: 'another-uid', lost: 'made anew', fence: undefined }),
    );
    expect(
      written(aView(() => view, withRequests({ stable: { good: 9_000 } }), withStatus({ stageSince: ago(30) }))).stage,
    ).toBe('Cleaning');
  });

  test('evidence of one return does not count in the next, and what a person asked for is over', () => {
    const marks = { advancedBy: 'ann', jump: true, failFrom: ago(50), passFrom: ago(50), unsureSince: ago(50) };
    const view = aView(
      onTheReturn('Carrying', 100, {
        ...marks,
        retreat: { outcome: 'RolledBack', reason: 'CheckFailed', message: '', since: ago(60) },
      }),
      withStatus({ retryAsked: true }),
      withHistory('RolledBack'),
    );
    const { release, retryAsked, checks } = written(view);
    const left = Object.keys(release ?? {}).filter((key) => key in marks || key === 'acceptedAt' || key === 'retreat');
    expect([left, retryAsked, checks]).toEqual([[], undefined, undefined]);
  });

  test('an aborted template is not tried again until somebody says so', () => {
    const waiting = withTarget({ specDigest: 'c'.repeat(64), activeDigest: 'b'.repeat(64) });
    const view = aView(onTheReturn('Carrying', 100), withHistory('Aborted', 'c'.repeat(64)), waiting);
    expect(written(view)).toMatchObject({ stage: 'Carrying', hold: { reason: 'CarrierKeeps' } });
  });
});

describe('a canary Deployment that has more to carry than pods for it', () => {
  const small = withCarrier({ replicas: 1, digest: 'b'.repeat(64) });
  const scaled = { do: 'scaleCanary', replicas: 4 };

  test('is scaled up when the stable version has lost its pods', () => {
    const all = inAttempt('Retreating', 100, { intent: { weight: 100, fence: '1.3' } });
    const view = aView(all, retreatingFor('Failed'), withPods({ stable: { ready: 0 } }), small, fresh());
    expect(decided(view).effect).toEqual(scaled);
  });

  test('is scaled up again after the point of no return', () => {
    for (const stage of ['RollingOut', 'Carrying'] as const) {
      const view = aView(inAttempt(stage, 100), withRelease({ committedAt: ago(60) }), withHistory('Failed'), small);
      expect(decided(view).effect).toEqual(scaled);
    }
  });
});

describe('a command', () => {
  const abort = { id: '1', verb: 'abort' as const };
  const answered = { id: '1', verb: 'abort', at: ago(600), result: 'done' as const, message: 'Aborting.' };

  test('with the id of one that was answered and removed is a new one', () => {
    const quiet = aView(withStatus({ lastCommand: answered }));
    expect(written(quiet).lastCommand).toMatchObject({ id: '1', removed: true });
    const again = aView(
      inAttempt('Watching', 50),
      withStatus({ lastCommand: { ...answered, removed: true } }),
      withCommand(abort),
    );
    expect(written(again).stage).toBe('Retreating');
  });

  test('that cannot be removed does not keep a retreat from going on', () => {
    const view = aView(
      inAttempt('Retreating', 50),
      retreatingFor('Aborted', 1, { retreatTouched: false }),
      withStatus({ lastCommand: answered }),
      withCommand(abort),
      fresh('pods'),
    );
    expect(written(view).intent?.weight).toBe(0);
  });

  test('to promote is used up by the gate at which it was given', () => {
    const gate = aView(inAttempt('WaitingPromotion', 50), withRelease({ advancedBy: 'promoted by ann' }));
    expect(written(gate).release?.advancedBy).toBeUndefined();
  });

  test('to promote while pods are being made is refused, since no weight is held', () => {
    const promote = { id: '2', verb: 'promote' as const, revision: 'b'.repeat(64) };
    const view = aView(inAttempt('Preparing', 0), withCommand(promote), withView({}));
    expect(written(view).lastCommand?.result).toBe('refused');
  });
});

test('a Canary that is deleted while the carrier keeps the traffic sends it to the target', () => {
  const view = aView(onTheReturn('Carrying', 100), withHistory('Failed'), deleted, fresh());
  const next = written(view);
  expect(next.stage).toBe('Retreating');
  expect(written(aView(() => view, withStatus(next))).intent?.weight).toBe(0);
});
