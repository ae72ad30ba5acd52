import { describe, expect, test } from 'vitest';
import type { View } from '../../src/decide/view.ts';
import { defaultSettings } from '../../src/decide/view.ts';
import {
  ago,
  aView,
  decided,
  fresh,
  inAttempt,
  now,
  onTheReturn,
  retreatingFor,
  withCarrier,
  withPods,
  withRoute,
  withStatus,
} from './builders.ts';

const pending = withRoute({ acceptance: { state: 'pending', waitingFor: ['Gateway web'] } });
const saidAlready = (reason: string) =>
  withStatus({ hold: { reason, message: 'Said before.', since: ago(5) }, holdWrittenAt: ago(1) });

const waiting: [sentence: string, view: View][] = [
  [
    'waits for the pods of the next step',
    aView(
      inAttempt('Shifting', 50),
      withCarrier({ replicas: 4, digest: 'b'.repeat(64) }),
      withPods({ canary: { ready: 2 } }),
      saidAlready('NotEnoughPods'),
      fresh('pods'),
    ),
  ],
  [
    'waits for a gateway to accept the next weight',
    aView(inAttempt('Accepting', 5), pending, saidAlready('NotAccepted')),
  ],
  [
    'is kept from the route by somebody else',
    aView(inAttempt('Watching', 5), withRoute({ blocked: 'somebody took it out' }), saidAlready('RouteContested')),
  ],
];

describe('a canary that has traffic', () => {
  test.each(waiting)('is checked every period while it %s', (_, view) => {
    const { effect, wakeAt } = decided(view);
    expect(effect.do).toBe('nothing');
    expect(wakeAt).toBeLessThanOrEqual(now + defaultSettings.checkPeriodMs);
  });
});

describe('nothing is to be checked', () => {
  test('while no traffic goes to the canary yet', () => {
    const view = aView(inAttempt('Accepting', 0), pending, saidAlready('NotAccepted'));
    expect(decided(view).wakeAt).toBeGreaterThan(now + defaultSettings.checkPeriodMs);
  });

  test('while the carrier keeps everything', () => {
    const view = aView(onTheReturn('Carrying', 100), saidAlready('CarrierKeeps'));
    expect(decided(view)).toMatchObject({ effect: { do: 'nothing' }, wakeAt: undefined });
  });
});

describe('a side that drains', () => {
  test('is looked at with the checks of all others, as soon as a sample can tell that it has no requests', () => {
    const since = new Date(now - 2_000).toISOString();
    const view = aView(inAttempt('Draining', 0, { stageSince: since }), retreatingFor('RolledBack'));
    // Two seconds after a check the drain time of five seconds ends two seconds before the next but one.
    const { drainMs, checkPeriodMs } = defaultSettings;
    expect({ drainMs, checkPeriodMs }).toEqual({ drainMs: 5_000, checkPeriodMs: 5_000 });
    expect(decided(view).wakeAt).toBe(now + 5_000);
  });
});
