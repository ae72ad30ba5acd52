import { describe, expect, test } from 'vitest';
import type { Stage } from '../../src/api/canary-status.ts';
import { table } from '../../src/decide/table.ts';
import type { View } from '../../src/decide/view.ts';
import {
  ago,
  aView,
  betweenTwoBackends,
  deleted,
  fresh,
  inAttempt,
  lookedAround,
  onTheReturn,
  retreatingFor,
  v2,
  v3,
  withCarrier,
  withCommand,
  withNewTemplate,
  withPods,
  withRequests,
  withRoute,
  withStatus,
  withTarget,
  written,
} from './builders.ts';

const abort = { id: 'stop', verb: 'abort' as const };
const noPods = withPods({ canary: { ready: 0 } });
/** The settle time is over, and nothing can be seen at the split. */
const settled = withStatus({ stageSince: ago(30) });
const paused = withStatus({ paused: { by: 'ann', since: ago(300) } });
const plentyOfGood = withRequests({ stable: { good: 1900 }, canary: { good: 100 } });
const allBad = withRequests({ stable: { good: 1900 }, canary: { good: 0, bad: 100 } });

type Row = [sentence: string, view: View];

const rows: Record<Stage, Partial<Record<Stage, Row>>> = {
  Initializing: {
    Resting: ['a rolled-out target that is held rests', aView(withStatus({ stage: 'Initializing' }))],
    Retreating: [
      'what an earlier life left in the route is taken back',
      aView(withStatus({ stage: 'Initializing' }), withRoute({ ours: true, fence: '7.3', share: 40 }), fresh()),
    ],
    Releasing: ['a deletion lets go of the target', aView(withStatus({ stage: 'Initializing' }), deleted)],
  },
  Resting: {
    Preparing: ['a new template is tried', aView(withNewTemplate(), lookedAround())],
    Initializing: [
      'a target that is not held any more is taken hold of again',
      aView(withTarget({ hold: { state: 'free' } })),
    ],
    Retreating: [
      'a deletion takes back first what nobody knows of',
      aView(withRoute({ ours: true, fence: '7.3', share: 40 }), deleted, fresh()),
    ],
    Releasing: ['a deletion lets go of the target', aView(deleted)],
  },
  Preparing: {
    Accepting: ['ready pods are attached at weight 0', aView(inAttempt('Preparing'))],
    Retreating: [
      'pods that are not ready within progressDeadlineSeconds end the attempt',
      aView(inAttempt('Preparing'), noPods, withStatus({ stageSince: ago(601) })),
    ],
  },
  Shifting: {
    Accepting: [
      'the next weight is asked for once fresh pods carry it',
      aView(inAttempt('Shifting', 5), fresh('pods')),
    ],
    DrainingStable: ['after 100 the stable pods drain', aView(inAttempt('Shifting', 100))],
    Draining: ['after the return the carrier drains', aView(onTheReturn('Shifting', 0))],
    Cleaning: ['between two backends 100 is the end', aView(betweenTwoBackends, inAttempt('Shifting', 100))],
    Retreating: ['an abort takes the traffic back', aView(inAttempt('Shifting', 5), withCommand(abort))],
  },
  Accepting: {
    Shifting: [
      'a canary that is attached waits where it may not go on',
      aView(inAttempt('Accepting', 0), paused, withStatus({ stepIndex: -1 })),
    ],
    Observing: ['an accepted weight is looked for in the requests', aView(inAttempt('Accepting', 5))],
    Retreating: ['a deletion takes the traffic back', aView(inAttempt('Accepting', 5), deleted)],
  },
  Observing: {
    Watching: ['a share that agrees is watched', aView(inAttempt('Observing', 5), plentyOfGood)],
    Shifting: [
      'the return waits for pods of the target',
      aView(onTheReturn('Observing', 50), settled, withPods({ stable: { ready: 1 } }), fresh('pods')),
    ],
    Accepting: [
      'the return goes on at once after its interval',
      aView(onTheReturn('Observing', 50), settled, fresh('pods')),
    ],
    DrainingStable: ['a share of 100 that had its interval is the last', aView(inAttempt('Observing', 100), settled)],
    Draining: ['the target has everything back', aView(onTheReturn('Observing', 0), settled)],
    Cleaning: [
      'between two backends 100 that had its interval is the end',
      aView(betweenTwoBackends, inAttempt('Observing', 100), settled),
    ],
    Retreating: [
      'traffic that does not follow for thirty seconds ends the attempt',
      aView(inAttempt('Observing', 50), withRequests({ stable: { good: 2000 }, canary: { good: 0 } })),
    ],
  },
  Watching: {
    WaitingPromotion: ['a pause stands before 100', aView(inAttempt('Watching', 50), halfAndHalf, paused)],
    Shifting: [
      'the next weight waits for more pods',
      aView(inAttempt('Watching', 5), plentyOfGood, withCarrier({ replicas: 1, digest: v2 }), fresh('pods')),
    ],
    Accepting: ['passed checks lead to the next weight', aView(inAttempt('Watching', 5), plentyOfGood, fresh('pods'))],
    DrainingStable: ['at 100 the interval is enough', aView(inAttempt('Watching', 100))],
    Draining: ['the return is over', aView(onTheReturn('Watching', 0))],
    Cleaning: ['between two backends 100 is the end', aView(betweenTwoBackends, inAttempt('Watching', 100))],
    Retreating: ['a breach takes the traffic back', aView(inAttempt('Watching', 5), allBad)],
  },
  WaitingPromotion: {
    Shifting: ['whoever resumes lets it go on', aView(inAttempt('WaitingPromotion', 50))],
    Accepting: ['a weight that somebody undid is accepted anew', aView(inAttempt('WaitingPromotion', 50), undone)],
    Retreating: ['a breach acts in a pause too', aView(inAttempt('WaitingPromotion', 50), paused, allBadHalf)],
  },
  DrainingStable: {
    Committing: [
      'stable pods without requests lead to the point of no return',
      aView(inAttempt('DrainingStable', 100), withStatus({ stageSince: ago(30) })),
    ],
    Accepting: [
      'a weight that somebody undid is accepted anew before stable drains',
      aView(inAttempt('DrainingStable', 100), undone),
    ],
    Retreating: ['an abort is in time', aView(inAttempt('DrainingStable', 100), withCommand(abort))],
  },
  Committing: {
    RollingOut: [
      'a target that was let go rolls out',
      aView(inAttempt('Committing', 100), withTarget({ hold: { state: 'free' } })),
    ],
    Accepting: [
      'a weight that somebody undid is accepted anew before the target is let go',
      aView(inAttempt('Committing', 100), undone),
    ],
    Retreating: [
      'another template than the analysed one is not let go',
      aView(inAttempt('Committing', 100), withNewTemplate(v3), fresh()),
    ],
  },
  RollingOut: {
    Shifting: [
      'a pause holds the return to the rolled-out target',
      aView(inAttempt('RollingOut', 100), withTarget({ specDigest: v2, activeDigest: v2 }), paused),
    ],
    Accepting: [
      'the traffic returns to the rolled-out target',
      aView(inAttempt('RollingOut', 100), withTarget({ specDigest: v2, activeDigest: v2 }), fresh('pods')),
    ],
    Retreating: ['a deletion brings the traffic to the target', aView(inAttempt('RollingOut', 100), deleted)],
  },
  Carrying: {
    Committing: [
      'a new template is rolled out on the target',
      aView(onTheReturn('Carrying', 100), retreatingFor('RolledBack'), withNewTemplate(v3)),
    ],
    Shifting: [
      'retry lets the traffic return once more',
      aView(onTheReturn('Carrying', 100), retreatingFor('RolledBack'), withStatus({ retryAsked: true })),
    ],
    Retreating: [
      'a deletion brings the traffic to the target',
      aView(onTheReturn('Carrying', 100), retreatingFor('RolledBack'), deleted),
    ],
  },
  Retreating: {
    Draining: ['at weight 0 the canary drains', aView(inAttempt('Retreating', 0), retreatingFor('Aborted'))],
    Cleaning: [
      'without an intent nothing was ever written',
      aView(inAttempt('Preparing'), withStatus({ stage: 'Retreating' }), retreatingFor('Aborted')),
    ],
    Carrying: [
      'after the point of no return the carrier keeps the traffic',
      aView(onTheReturn('Retreating', 100), retreatingFor('RolledBack')),
    ],
  },
  Draining: {
    Cleaning: [
      'a side without requests is cleaned up',
      aView(inAttempt('Draining', 0), retreatingFor('Aborted'), withStatus({ stageSince: ago(30) })),
    ],
    Retreating: [
      'a target that loses its pods gives the traffic back to the carrier',
      aView(onTheReturn('Draining', 0), withPods({ stable: { ready: 0 } }), fresh()),
    ],
  },
  Cleaning: {
    Resting: [
      'a promotion leaves one version that is held, and rests',
      aView(inAttempt('Cleaning', 0), nothingLeft, withTarget({ specDigest: v2, activeDigest: v2 })),
    ],
    Initializing: [
      'an attempt of which nothing is left is history',
      aView(inAttempt('Cleaning', 0), nothingLeft, retreatingFor('Aborted')),
    ],
    Releasing: ['a deletion goes on', aView(inAttempt('Cleaning', 0), nothingLeft, retreatingFor('Aborted'), deleted)],
  },
  Releasing: {},
};

function halfAndHalf(view: View): View {
  return withRequests({ stable: { good: 1000 }, canary: { good: 1000 } })(view);
}

function allBadHalf(view: View): View {
  return withRequests({ stable: { good: 1000 }, canary: { good: 0, bad: 1000 } })(view);
}

function undone(view: View): View {
  return withRoute({ share: 0, contestedBy: 'gitops' })(view);
}

function nothingLeft(view: View): View {
  const clean = withRoute({ ours: false, fence: undefined, managed: false })(view);
  return { ...clean, carrier: undefined, hasCanaryService: false };
}

describe.each(Object.entries(rows))('%s', (from, row) => {
  test.each(Object.entries(row).map(([to, [sentence, view]]) => ({ to, sentence, view })))(
    'leads to $to: $sentence',
    ({ to, view }) => {
      expect(view.status?.stage).toBe(from);
      expect(written(view).stage).toBe(to);
    },
  );

  test('leads to everything that the table has and to nothing else', () => {
    expect(Object.keys(row).toSorted()).toEqual([...table[from as Stage].next].map(String).toSorted());
  });
});

describe('a status that was restored from the backup of a Canary that was being deleted', () => {
  test('begins anew', () => {
    expect(written(aView(withStatus({ stage: 'Releasing' }))).stage).toBe('Initializing');
  });
});
