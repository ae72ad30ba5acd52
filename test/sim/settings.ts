import { type Settings, defaultSettings } from '../../src/decide/view.ts';

/** Short times; the order of things is the same. */
export const quick: Settings = {
  ...defaultSettings,
  checkPeriodMs: 1_000,
  settleMs: 2_000,
  drainMs: 1_000,
  acceptMs: 20_000,
  trafficMissingMs: 15_000,
};
