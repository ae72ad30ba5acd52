import { describe, expect, test } from 'vitest';
import type { Timeline } from '../../src/analysis/timeline.ts';
import type { CanaryStatus } from '../../src/api/canary-status.ts';
import { decide } from '../../src/decide/decide.ts';
import type { Measured, RouteView, View } from '../../src/decide/view.ts';
import {
  type Change,
  aView,
  ago,
  decidedEffect,
  deleted,
  fresh,
  inAttempt,
  now,
  onTheReturn,
  retreatingFor,
  v2,
  v3,
  withCarrier,
  withPods,
  withRelease,
  withRoute,
  withStatus,
  withView,
  withoutRoute,
  written,
} from './builders.ts';

type Acceptance = Extract<RouteView, { found: true }>['acceptance'];

/** What the status becomes when all that is decided at one moment is carried out and seen. */
function settled(view: View, nowMs = now): View {
  let present = view;
  for (let turns = 0; turns < 12; turns++) {
    const { effect } = decide(present, nowMs);
    if (effect.do === 'writeStatus') present = { ...present, status: effect.status, fresh: 'none' };
    else if (effect.do === 'lookFresh' && effect.at !== 'surroundings') present = { ...present, fresh: effect.at };
    else if (effect.do === 'shiftRoute') present = withRoute({ share: effect.weight, fence: effect.fence })(present);
    else return present;
  }
  return present;
}

describe('a retreat that is home', () => {
  const home = (acceptance: Acceptance, seconds: number, ...changes: Change[]) =>
    aView(
      inAttempt('Retreating', 0, { stageSince: ago(seconds) }),
      retreatingFor('Aborted', seconds),
      withRoute({ acceptance }),
      ...changes,
    );
  const silent: Acceptance = { state: 'pending', waitingFor: ['Gateway shop/old'] };
  const unresolved: Acceptance = { state: 'refused', reason: 'BackendNotFound', message: 'shop-canary is not there' };
  const parentless: Acceptance = { state: 'refused', reason: 'NoParents', message: 'spec.parentRefs is empty' };

  test('waits for a parent that has not reported yet', () => {
    const view = home(silent, 60);
    expect(written(view).hold?.reason).toBe('NotAccepted');
    const { wakeAt } = decide(settled(view), now);
    expect(wakeAt, 'and looks again when it has had its time').toBe(now + 60_000);
  });

  test.each([silent, parentless])('does not wait for ever for what is $state', (acceptance) => {
    expect(written(home(acceptance, 121))).toMatchObject({ stage: 'Draining', canaryWeight: 0 });
  });

  test('goes on at once when only the backend that it takes out is refused', () => {
    expect(written(home(unresolved, 5)).stage).toBe('Draining');
  });

  test('counts the time from when home was asked for', () => {
    const view = aView(inAttempt('Retreating', 50), retreatingFor('Aborted', 600), withRoute({ acceptance: silent }));
    const asked = settled({ ...view, fresh: 'pods' });
    expect(asked.status).toMatchObject({ stage: 'Retreating', intent: { weight: 0 } });
    expect(settled(asked, now + 119_000).status?.stage).toBe('Retreating');
    expect(settled(asked, now + 121_000).status?.stage).toBe('Draining');
  });

  test('still drains before anything is removed', () => {
    const view = home(silent, 121);
    const draining = { ...view, status: written(view) };
    expect(decidedEffect(draining)).toBe('nothing');
    expect(decide(settled(draining), now + 15_000).effect).toMatchObject({ status: { stage: 'Cleaning' } });
  });
});

describe('a gateway that follows late', () => {
  const acceptedAt = now;

  /** Cumulative requests of both sides, scraped at a regular pace, when the gateway goes from 5 to `share` percent after `lagMs`. */
  function scraped(
    nowMs: number,
    { lagMs, phaseMs, share }: { lagMs: number; phaseMs: number; share: number },
  ): Timeline {
    const perSecond = 300;
    const at = (sinceMs: number) => {
      const before = Math.min(sinceMs, lagMs) / 1000 + 200;
      const after = Math.max(0, sinceMs - lagMs) / 1000;
      const canary = perSecond * (0.05 * before + (share / 100) * after);
      return { canary, stable: perSecond * (before + after) - canary };
    };
    const times: number[] = [];
    for (let t = phaseMs - 150_000; t <= nowMs - acceptedAt - 200; t += 15_000) times.push(t);
    const side = (name: 'stable' | 'canary') => ({
      requests: [
        {
          target: 'gateway',
          good: true,
          samples: times.map((t) => ({ atMs: acceptedAt + t, value: Math.round(at(t)[name]) })),
        },
      ],
      buckets: [],
    });
    return { stable: side('stable'), canary: side('canary') };
  }

  /** What comes of Observing when it is looked at every five seconds. */
  function observed(traffic: { lagMs: number; phaseMs: number; share: number }): CanaryStatus | undefined {
    const moment = new Date(acceptedAt).toISOString();
    const view = aView(
      inAttempt('Observing', 50, { stageSince: moment }),
      withRelease({ acceptedAt: moment, failFrom: moment }),
    );
    for (let nowMs = acceptedAt + 5_000; nowMs <= acceptedAt + 90_000; nowMs += 5_000) {
      const counts = { outcome: 'data' as const, query: 'q', data: scraped(nowMs, traffic) };
      const measured: Measured = { atMs: nowMs, atSplit: true, hint: undefined, counts, values: {} };
      const { effect } = decide({ ...view, measured }, nowMs);
      if (effect.do === 'writeStatus') return effect.status;
    }
    return undefined;
  }

  const phases = Array.from({ length: 30 }, (_none, index) => index * 500 + 250);

  test.each([0, 1_000, 3_000, 5_000, 8_000, 10_000])(
    'by %i ms is no missing traffic, whenever scrapes come',
    (lagMs) => {
      const ends = phases.map((phaseMs) => observed({ lagMs, phaseMs, share: 50 })?.stage);
      expect(new Set(ends)).toEqual(new Set(['Watching']));
    },
  );

  test('so that the share never comes is found out, whenever scrapes come', () => {
    const ends = phases.map((phaseMs) => observed({ lagMs: 0, phaseMs, share: 5 })?.release?.retreat?.reason);
    expect(new Set(ends)).toEqual(new Set(['TrafficMissing']));
  });
});

describe('a Canary that is deleted in mid-release', () => {
  const uninstalled = withView({ target: undefined, wanted: undefined, revision: undefined });
  const nobody = withPods({ stable: { ready: 0, desired: 0 } });
  const atFifty = [inAttempt('Watching', 50), deleted, nobody];

  test('together with its target and its route goes, and takes its pods with it', () => {
    const view = settled(aView(...atFifty, uninstalled, withoutRoute));
    expect(view.status).toMatchObject({ stage: 'Draining', canaryWeight: 0, intent: { weight: 0 } });
    const cleaned = settled({ ...view, fresh: 'all' }, now + 20_000);
    expect(decidedEffect(cleaned)).toBe('deleteCanaryDeployment');
  });

  test('with its target, but not its route, goes home when the pods have had their time', () => {
    const view = settled(aView(...atFifty, uninstalled));
    expect(view.status, 'the canary serves meanwhile').toMatchObject({ stage: 'Retreating', intent: { weight: 100 } });
    const later = settled({ ...view, fresh: 'pods' }, now + 31_000);
    expect(later.status).toMatchObject({ stage: 'Draining', intent: { weight: 0 } });
  });

  test('waits for the pods of a target that is still there', () => {
    const view = settled(aView(...atFifty));
    const later = settled({ ...view, fresh: 'pods' }, now + 3_600_000);
    expect(later.status).toMatchObject({ stage: 'Retreating', intent: { weight: 100 } });
    const back = settled(
      aView(() => later, withPods({ stable: { ready: 4 } }), fresh('pods')),
      now + 3_600_000,
    );
    expect(back.status).toMatchObject({ stage: 'Draining', intent: { weight: 0 } });
  });
});

describe('a retreat to a carrier that has no pods', () => {
  const gone = withPods({ canary: { ready: 0 } });
  const begun = () =>
    settled(aView(onTheReturn('Retreating', 50), retreatingFor('RolledBack', 1), gone, fresh('pods')));

  test('gives the target everything meanwhile', () => {
    expect(begun().status).toMatchObject({ stage: 'Retreating', intent: { weight: 0 }, canaryWeight: 0 });
    expect(settled(begun(), now + 29_000).status?.stage).toBe('Retreating');
  });

  test('goes to the carrier when its pods come back in time', () => {
    const back = settled(aView(begun, withPods({ canary: { ready: 4 } }), fresh('pods')), now + 20_000);
    expect(back.status).toMatchObject({ stage: 'Carrying', intent: { weight: 100 } });
  });

  test('ends on the target, says so, and keeps how it ended', () => {
    const later = settled(begun(), now + 31_000);
    expect(later.status).toMatchObject({ stage: 'Draining', intent: { weight: 0 } });
    const cleaning = settled(later, now + 60_000);
    const cleaned = aView(() => cleaning, withCarrier(undefined), withView({ hasCanaryService: false }));
    const bare = withRoute({ ours: false, managed: false, fence: undefined, share: undefined })(cleaned);
    const ended = decide(bare, now + 61_000).effect;
    expect(ended).toMatchObject({ status: { stage: 'Initializing', stableRevision: v2.slice(0, 10) } });
    if (ended.do !== 'writeStatus') throw new Error(ended.do);
    expect(ended.status.history?.[0]).toMatchObject({
      outcome: 'RolledBack',
      message: expect.stringMatching(/the target keeps all of the traffic.*Because of RolledBack/),
    });
  });
});

describe('a canary Deployment of another revision', () => {
  const another = withCarrier({ replicas: 4, digest: v3 });

  test('is removed before it gets traffic, and made anew when its pods are gone', () => {
    const view = aView(inAttempt('Preparing'), another);
    expect(decidedEffect(view)).toBe('deleteCanaryDeployment');
    const removed = withCarrier(undefined)(view);
    expect(written(removed).hold?.message).toContain('4 ready pods');
    expect(decidedEffect(withPods({ canary: { ready: 0 } })(removed))).toBe('createCanaryDeployment');
  });

  test('is removed when it was changed at weight 0', () => {
    expect(decidedEffect(aView(inAttempt('Shifting', 0), another, fresh('pods')))).toBe('deleteCanaryDeployment');
  });

  test.each(['Watching', 'Observing', 'WaitingPromotion', 'DrainingStable'] as const)(
    'takes the attempt back when it has traffic, in %s',
    (stage) => {
      const view = aView(inAttempt(stage, 50), another);
      expect(decide(view, now).effect, 'the server is asked first').toEqual({ do: 'lookFresh', at: 'all' });
      const { retreat } = written(fresh()(view)).release ?? {};
      expect(retreat).toMatchObject({ outcome: 'Failed', reason: 'CarrierChanged' });
    },
  );
});

describe('a weight that is not accepted in time', () => {
  const pending = { state: 'pending' as const, waitingFor: ['Gateway shop/web'] };
  const asked = (...changes: Change[]) =>
    aView(
      inAttempt('Accepting', 5, { intent: { weight: 50, fence: '1.4' }, stepIndex: 1, stageSince: ago(121) }),
      withRoute({ share: 50, fence: '1.4', acceptance: pending }),
      fresh('pods'),
      ...changes,
    );
  const stable = (ready: number) => withPods({ stable: { ready } });

  test('gives stable back what it had, when it has the pods for it', () => {
    expect(written(asked())).toMatchObject({ intent: { weight: 5 }, stepIndex: 0 });
  });

  test('is given up on pods that were just counted', () => {
    expect(decide(asked(fresh('none')), now).effect).toEqual({ do: 'lookFresh', at: 'pods' });
  });

  test('gives stable no more than its pods carry', () => {
    expect(written(asked(stable(3)))).toMatchObject({ intent: { weight: 25 }, stepIndex: 0 });
  });

  test('stays while stable carries no more than it has, and no longer than a retreat would', () => {
    const view = asked(stable(1));
    expect(written(view)).toMatchObject({ intent: { weight: 50 }, hold: { reason: 'NotAccepted' } });
    const later = decide(view, now + 30_000).effect;
    expect(later).toMatchObject({ status: { intent: { weight: 5 } } });
    expect(decide(asked(stable(0), fresh()), now + 30_000).effect).not.toMatchObject({
      status: { intent: { weight: 5 } },
    });
  });

  test('goes all the way back when what pods allowed is not accepted either', () => {
    const between = settled(asked(stable(3)));
    expect(between.status).toMatchObject({ stage: 'Accepting', intent: { weight: 25 } });
    const later = settled(stable(4)({ ...between, fresh: 'pods' }), now + 121_000);
    expect(later.status).toMatchObject({
      intent: { weight: 5 },
      stepIndex: 0,
      release: { notAccepted: { weight: 50 } },
    });
  });

  test('gives the carrier no more than its pods carry, on the return', () => {
    const view = aView(
      onTheReturn('Accepting', 100),
      withStatus({ intent: { weight: 50, fence: '1.4' }, stepIndex: 0, stageSince: ago(121) }),
      withRoute({ share: 50, fence: '1.4', acceptance: pending }),
      withPods({ canary: { ready: 3 } }),
      fresh('pods'),
    );
    expect(written(view)).toMatchObject({ intent: { weight: 75 } });
  });
});
