import { describe, expect, test } from 'vitest';
import { decide } from '../../src/decide/decide.ts';
import type { RouteView, View } from '../../src/decide/view.ts';
import {
  type Change,
  aView,
  ago,
  decidedEffect,
  inAttempt,
  now,
  retreatingFor,
  withRoute,
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
