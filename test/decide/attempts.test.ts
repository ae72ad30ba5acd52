import { describe, expect, test } from 'vitest';
import type { View } from '../../src/decide/view.ts';
import {
  ago,
  aView,
  betweenTwoBackends,
  decided,
  deleted,
  fresh,
  inAttempt,
  lookedAround,
  now,
  onTheReturn,
  retreatingFor,
  v1,
  v2,
  v3,
  withCarrier,
  withFrozen,
  withHistory,
  withNewTemplate,
  withPods,
  withRequests,
  withRoute,
  withStatus,
  withTarget,
  withView,
  decidedEffect,
  written,
} from './builders.ts';

const noPods = withPods({ canary: { ready: 0 } });
const allBad = withRequests({ stable: { good: 1900 }, canary: { good: 0, bad: 100 } });

describe('what ends an attempt', () => {
  const atFive = inAttempt('Watching', 5);
  const ends: [sentence: string, view: View, outcome: string, reason: string][] = [
    ['a deletion', aView(atFive, deleted), 'Cancelled', 'Deleted'],
    ['another target in the spec', aView(atFive, otherSubject, fresh()), 'Cancelled', 'SpecChanged'],
    ['a target that was made anew', aView(atFive, withTarget({ uid: 'new' }), fresh()), 'Cancelled', 'TargetReplaced'],
    ['a target that is gone', aView(atFive, withView({ target: undefined }), fresh()), 'Cancelled', 'TargetReplaced'],
    ['a route that was made anew', aView(atFive, withRoute({ uid: 'new' }), fresh()), 'Cancelled', 'RouteReplaced'],
    ['a newer template', aView(atFive, withNewTemplate(v3), fresh()), 'Superseded', 'Superseded'],
    ['the stable template again', aView(atFive, withNewTemplate(v1), fresh()), 'Reverted', 'Reverted'],
    [
      'a person who unpauses the target',
      aView(atFive, withTarget({ hold: { state: 'free' } }), fresh()),
      'Bypassed',
      'Bypassed',
    ],
    ['a canary without pods', aView(atFive, noPods, fresh()), 'Failed', 'CanaryPodsGone'],
    [
      'a stable version without pods',
      aView(atFive, withPods({ stable: { ready: 0 } }), fresh()),
      'Failed',
      'StablePodsGone',
    ],
    ['a breach', aView(atFive, allBad), 'RolledBack', 'CheckFailed'],
  ];

  function otherSubject(view: View): View {
    const { wanted } = view;
    if (wanted === undefined) throw new Error('nothing is wanted');
    return { ...view, wanted: { ...wanted, subject: { ...wanted.subject, target: 'another' } } };
  }

  test.each(ends)('%s', (_sentence, view, outcome, reason) => {
    const { stage, release } = written(view);
    expect([stage, release?.retreat?.outcome, release?.retreat?.reason]).toEqual(['Retreating', outcome, reason]);
  });

  test('is not believed from the cache', () => {
    expect(withoutFresh(ends[5]?.[1])).toBe('lookFresh');
    expect(withoutFresh(ends[8]?.[1])).toBe('lookFresh');
  });

  function withoutFresh(view: View | undefined): string {
    if (view === undefined) throw new Error('no such row');
    return decidedEffect({ ...view, fresh: 'none' });
  }

  test('is a threshold of failed checks, at most one an interval', () => {
    const twice = aView(atFive, withFrozen({ analysis: { ...aView().spec.analysis, threshold: 2 } }), allBad);
    const after = written(twice);
    expect([after.stage, after.failedChecks]).toEqual(['Watching', 1]);
    expect(decidedEffect({ ...twice, status: after })).toBe('nothing');
  });

  test('leaves an attempt alone that cleans up after its success', () => {
    const view = aView(betweenTwoBackends, inAttempt('Cleaning', 100), withRoute({ fence: undefined, managed: false }));
    const left = { ...view, routes: view.routes.map((one) => (one.found ? { ...one, ours: false } : one)) };
    const ended = written(aView(() => left, deleted, allBad));
    expect([ended.stage, ended.history?.[0]?.outcome, ended.canaryWeight]).toEqual(['Releasing', 'Promoted', 100]);
  });
});

describe('a revision that was turned down', () => {
  test.each(['RolledBack', 'Aborted', 'Failed', 'Inconclusive', 'Cancelled'] as const)(
    'is not tried again by itself after it was %s',
    (outcome) => {
      expect(decidedEffect(aView(withNewTemplate(), withHistory(outcome), lookedAround()))).toBe('nothing');
    },
  );

  test('is tried again when a person says retry', () => {
    const view = aView(withNewTemplate(), withHistory('RolledBack'), withStatus({ retryAsked: true }), lookedAround());
    expect(written(view)).toMatchObject({ stage: 'Preparing', attempt: 2 });
  });

  test('gives way to a newer one', () => {
    expect(written(aView(withNewTemplate(v3), withHistory('RolledBack'), lookedAround())).stage).toBe('Preparing');
  });
});

describe('what surrounds the target', () => {
  const policy = { reason: 'PolicyWouldNotCoverCanary', message: 'NetworkPolicy shop: …' };
  const waiting = aView(withNewTemplate());

  test('is looked at when an attempt is about to begin, and not before', () => {
    expect(decided(waiting).effect).toEqual({ do: 'lookFresh', at: 'surroundings' });
    expect(decidedEffect(aView())).toBe('nothing');
    expect(decidedEffect(aView(withNewTemplate(), withHistory('RolledBack')))).toBe('nothing');
  });

  test('keeps the attempt from beginning, with the reason in Ready, until it is another one', () => {
    const refused = written(aView(() => waiting, lookedAround({ problems: [policy] })));
    expect(refused.stage).toBe('Resting');
    expect(refused.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'False', ...policy }));
    const later = aView(() => waiting, withStatus(refused));
    expect(decided(later).effect, 'it is looked again').toEqual({ do: 'lookFresh', at: 'surroundings' });
    expect(decided(aView(() => later, lookedAround({ problems: [policy] })))).toEqual({
      effect: { do: 'nothing' },
      wakeAt: now + 30_000,
    });
    const allowed = written(aView(() => later, lookedAround()));
    expect(allowed.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    expect(written(aView(() => later, withStatus(allowed), lookedAround())).stage).toBe('Preparing');
  });

  test('matters no more when the template is the stable one again', () => {
    const refused = written(aView(() => waiting, lookedAround({ problems: [policy] })));
    const reverted = written(aView(() => waiting, withStatus(refused), withNewTemplate(v1)));
    expect(reverted.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
  });

  test('tells the attempt of which budget the canary needs a copy', () => {
    const view = aView(() => waiting, lookedAround({ problems: [], budget: 'shop' }));
    expect(written(view).release?.budget).toBe('shop');
  });

  test('is not looked at between two backends', () => {
    expect(written(aView(betweenTwoBackends)).stage).toBe('Preparing');
  });
});

describe('the carrier', () => {
  const carrying = aView(onTheReturn('Carrying', 100), retreatingFor('RolledBack'), withNewTemplate(v3));

  test('keeps a template that comes later from going by without analysis', () => {
    const committing = written(carrying);
    expect(committing).toMatchObject({ stage: 'Committing', attempt: 2, intent: { weight: 100, fence: '2.1' } });
    expect(committing.release).toMatchObject({ digest: v3, stableDigest: v2, leg: 'return', returnAnalysed: false });
    const rolledOut = aView(
      () => ({ ...carrying, status: { ...committing, stage: 'RollingOut' } }),
      withRoute({ share: 100, fence: '2.1' }),
      withTarget({ specDigest: v3, activeDigest: v3 }),
      fresh('pods'),
    );
    expect(written(rolledOut).release).toMatchObject({ leg: 'return', returnAnalysed: false });
  });

  test('gives the next retreat a fence of its own', () => {
    expect(written(carrying).release?.retreatTouched).toBeUndefined();
  });

  test('takes the ReplicaSet of the old template, which a cache may still show, for no newer one', () => {
    const view = aView(inAttempt('RollingOut', 100), withTarget({ activeDigest: v1 }));
    expect(decidedEffect(view)).toBe('lookFresh');
  });

  test('counts a retry as an attempt of its own, so that the end of the last one stays', () => {
    const view = aView(onTheReturn('Carrying', 100), retreatingFor('RolledBack'), withStatus({ retryAsked: true }));
    const { attempt, intent } = written(view);
    expect([attempt, intent?.fence]).toEqual([2, '2.1']);
  });

  test('lets the newest of several templates roll out', () => {
    const committing = { ...carrying, status: written(carrying) };
    const newer = aView(() => committing, withRoute({ share: 100, fence: '2.1' }), withNewTemplate(v1), fresh());
    expect(written(newer)).toMatchObject({ stage: 'Committing', attempt: 3, release: { digest: v1 } });
  });
});

describe('what is left of an attempt that is not in status', () => {
  const left = withRoute({ ours: true, fence: '7.3', share: 40 });

  test('is taken back under a fence that is newer than what is found', () => {
    const first = written(aView(withStatus({ stage: 'Initializing' }), left, fresh()));
    expect(first).toMatchObject({ stage: 'Retreating', attempt: 8, canaryWeight: 40, intent: { weight: 40 } });
    const next = written(aView(withStatus(first), withRoute({ ours: true, fence: '8.1', share: 40 }), fresh()));
    expect(next.intent).toEqual({ weight: 0, fence: '8.2' });
  });

  test('is looked for on the server first: a cache may show what another replica has just removed', () => {
    const view = aView(withStatus({ stage: 'Initializing' }), left);
    expect(decidedEffect(view)).toBe('lookFresh');
  });

  test('is taken back from rest too: a replica that knew nothing of the end may have written once more', () => {
    expect(decidedEffect(aView(left))).toBe('lookFresh');
    expect(written(aView(left, fresh())).stage).toBe('Initializing');
  });

  test('does not get into a route that was not touched', () => {
    const objects = aView(withStatus({ stage: 'Initializing' }), withCarrier({ replicas: 1, digest: v2 }), fresh());
    const first = written(objects);
    expect([first.stage, first.intent]).toEqual(['Retreating', undefined]);
    expect(written(aView(() => objects, withStatus(first))).stage).toBe('Cleaning');
  });

  test('is taken back before a Canary goes whose status was lost', () => {
    const lost = aView(left, deleted, withView({ status: undefined }), fresh());
    expect(written(lost).stage).toBe('Retreating');
    const nothing = aView(deleted, withView({ status: undefined }));
    expect(written(nothing).stage).toBe('Releasing');
  });
});

describe('the return', () => {
  test('waits for an event when the target has no pods and its time is over', () => {
    const view = aView(onTheReturn('Shifting', 100), withPods({ stable: { ready: 0 } }), fresh('pods'));
    const holding = withStatus(written(view))(view);
    expect(decidedEffect(holding)).toBe('nothing');
  });

  test('goes on with what there is when its time is over', () => {
    const view = aView(onTheReturn('Shifting', 100), withPods({ stable: { ready: 1 } }), fresh('pods'));
    expect(written(view).intent?.weight).toBe(50);
    const soon = withStatus({ stageSince: ago(5) })(view);
    expect(written(soon).intent?.weight).toBe(75);
  });
});
