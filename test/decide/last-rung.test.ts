import { describe, expect, test } from 'vitest';
import { aView, ago, inAttempt, onTheReturn, withRelease, withRequests, written } from './builders.ts';

describe('the last rung', () => {
  test('a limit that is broken by a little when the interval ends takes the traffic back, although no evidence is asked there', () => {
    const slightlyBad = withRequests({ canary: { good: 9_880, bad: 120 } });
    const view = aView(inAttempt('Watching', 100), withRelease({ passFrom: ago(45) }), slightlyBad);
    const { stage, release, checks } = written(view);
    expect([stage, release?.retreat?.outcome]).toEqual(['Retreating', 'RolledBack']);
    expect(checks?.find(({ name }) => name === 'request-success-rate')).toMatchObject({ verdict: 'fail' });
  });

  test('the checks are recorded when it is left, so that status does not go on showing those of the step before', () => {
    const view = aView(
      inAttempt('Watching', 100),
      withRelease({ passFrom: ago(45) }),
      withRequests({ canary: { good: 10_000 } }),
    );
    const { stage, checks } = written(view);
    expect(stage).toBe('DrainingStable');
    expect(checks?.find(({ name }) => name === 'request-success-rate')).toMatchObject({ verdict: 'pass', value: 100 });
  });

  test('a share of nothing is observed by the other side getting everything', () => {
    const view = aView(
      onTheReturn('Observing', 0, { acceptedAt: ago(12) }),
      withRequests({ stable: { good: 10_000 } }),
    );
    expect(written(view).shares).toMatchObject({ rung: 'observed', observed: 0 });
  });
});
