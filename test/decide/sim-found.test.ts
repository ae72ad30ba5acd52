import { describe, expect, test } from 'vitest';
import {
  aView,
  ago,
  decided,
  decidedEffect,
  fresh,
  inAttempt,
  onTheReturn,
  retreatingFor,
  withPods,
  withRoute,
  withStatus,
  written,
} from './builders.ts';

/** What `npm run sim` has found, one view for each. */
describe('an intent that was never written to the route', () => {
  const unwritten = withRoute({ share: 5, fence: '1.1' });
  const asked = withStatus({ stage: 'Accepting', stageSince: ago(10), intent: { weight: 50, fence: '1.2' } });

  test('is void once the attempt retreats', () => {
    const turned = [
      retreatingFor('Aborted', 1, { retreatTouched: false }),
      withStatus({ stage: 'Retreating' }),
      fresh('pods'),
    ];
    const view = aView(inAttempt('Accepting', 5), asked, unwritten, ...turned);
    expect(written(view).intent).toEqual({ weight: 0, fence: '1.3' });
  });

  test('is written late only after the pods have been counted anew', () => {
    const view = aView(inAttempt('Accepting', 5), asked, unwritten);
    expect(decidedEffect(view)).toBe('lookFresh');
    const enough = withPods({ canary: { ready: 4, desired: 4 } });
    expect(decidedEffect(aView(() => view, enough, fresh('pods')))).toBe('shiftRoute');
  });

  test('waits for its pods when it is late', () => {
    const view = aView(inAttempt('Accepting', 5), asked, unwritten, withPods({ canary: { ready: 1 } }), fresh('pods'));
    expect(written(view).hold?.reason).toBe('NotEnoughPods');
  });

  test('is written at once when the pods have just been counted', () => {
    const soon = withStatus({ stageSince: ago(1) });
    expect(decidedEffect(aView(inAttempt('Accepting', 5), asked, unwritten, soon))).toBe('shiftRoute');
  });

  test('gives a target without pods nothing on the return', () => {
    const back = withStatus({ stage: 'Accepting', stageSince: ago(10), intent: { weight: 50, fence: '1.2' } });
    const none = withPods({ stable: { ready: 0 } });
    const view = aView(
      onTheReturn('Accepting', 100),
      back,
      withRoute({ share: 100, fence: '1.1' }),
      none,
      fresh('pods'),
    );
    expect(decided(view).effect).toEqual({ do: 'lookFresh', at: 'all' });
    const seen = written(aView(() => view, fresh()));
    expect([seen.stage, seen.release?.retreat?.reason]).toEqual(['Retreating', 'StablePodsGone']);
  });
});

describe('what begins something', () => {
  const unfenced = withRoute({ share: undefined, fence: undefined });
  const shares = { asked: 0, rung: 'written' } as const;
  const attached = withStatus({ stage: 'Accepting', intent: { weight: 0, fence: '1.1' }, shares });

  test('is confirmed by the server when the stage is so old that the attempt may have ended unseen', () => {
    const late = aView(inAttempt('Accepting'), attached, withStatus({ stageSince: ago(10) }), unfenced);
    expect(decided(late).effect).toMatchObject({ do: 'shiftRoute', confirm: true });
  });

  test('costs no question in a young stage', () => {
    const soon = aView(inAttempt('Accepting'), attached, withStatus({ stageSince: ago(1) }), unfenced);
    expect(decided(soon).effect).not.toHaveProperty('confirm');
  });
});
