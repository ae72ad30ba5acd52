import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CanaryStatus, type Release, stages } from '../../src/api/canary-status.ts';
import { digestOf, templateDigest } from '../../src/api/digest.ts';
import { fullPods, podsNeeded, shareCarried } from '../../src/decide/capacity.ts';
import { judgedSide, rungs } from '../../src/decide/ladder.ts';
import { phaseOf } from '../../src/decide/phase.ts';
import { compareFences, nextFence } from '../../src/decide/turn.ts';
import { aView, inAttempt, onTheReturn, retreatingFor, withFrozen, withHistory, withStatus } from './builders.ts';

const share = fc.integer({ min: 0, max: 100 });
const pods = fc.integer({ min: 1, max: 500 });

describe('capacity', () => {
  test('needs at least one pod for any share, and all of them for everything', () => {
    expect(podsNeeded(20, 5)).toBe(1);
    expect(podsNeeded(20, 6)).toBe(2);
    expect(podsNeeded(3, 1)).toBe(1);
    expect(podsNeeded(3, 100)).toBe(3);
    expect(podsNeeded(3, 0)).toBe(0);
  });

  test('gives nobody a share that its pods do not carry', () => {
    fc.assert(
      fc.property(pods, pods, (full, ready) => {
        const carried = shareCarried(full, ready);
        expect(podsNeeded(full, carried)).toBeLessThanOrEqual(ready);
        if (carried < 100) expect(podsNeeded(full, carried + 1)).toBeGreaterThan(ready);
      }),
    );
    expect(shareCarried(4, 0)).toBe(0);
  });

  test('grows with the share', () => {
    fc.assert(
      fc.property(pods, share, share, (full, a, b) => {
        if (a <= b) expect(podsNeeded(full, a)).toBeLessThanOrEqual(podsNeeded(full, b));
      }),
    );
  });

  test('counts what the stable side has grown to, and nothing that it loses', () => {
    expect(fullPods(4, { ready: 4, desired: 4 }, 50)).toBe(4);
    expect(fullPods(4, { ready: 6, desired: 6 }, 50)).toBe(12);
    expect(fullPods(4, { ready: 2, desired: 2 }, 50)).toBe(4);
    expect(fullPods(4, { ready: 6, desired: 6 }, 10)).toBe(4);
  });
});

function releaseOf(...changes: Parameters<typeof aView>): Release {
  const release = aView(...changes).status?.release;
  if (release === undefined) throw new Error('there is no attempt');
  return release;
}

describe('the ladder', () => {
  const weights = (release: Release) => rungs(release, 10_000).map(({ weight }) => weight);

  test('rises along the frozen steps, and asks for evidence before the last', () => {
    const release = releaseOf(inAttempt('Watching', 5));
    expect(weights(release)).toEqual([5, 50, 100]);
    expect(rungs(release, 10_000).map(({ needsEvidence }) => needsEvidence)).toEqual([true, true, false]);
    expect(judgedSide(release)).toBe('canary');
  });

  test('returns in two steps with what was analysed, held for as long as traffic takes to follow', () => {
    const release = releaseOf(onTheReturn('Watching', 50));
    expect(rungs(release, 10_000)).toEqual([
      { weight: 50, intervalMs: 10_000, needsEvidence: false },
      { weight: 0, intervalMs: 10_000, needsEvidence: false },
    ]);
    expect(judgedSide(release)).toBe('stable');
  });

  test('returns along all steps, with evidence, with what was not analysed', () => {
    const release = releaseOf(onTheReturn('Watching', 50, { returnAnalysed: false }));
    expect(weights(release)).toEqual([95, 50, 0]);
    expect(rungs(release, 10_000).map(({ needsEvidence }) => needsEvidence)).toEqual([true, true, false]);
  });

  test('asks for no evidence when the analysis is skipped', () => {
    const release = releaseOf(inAttempt('Watching', 5), withFrozen({ skipAnalysis: true }));
    expect(rungs(release, 10_000).some(({ needsEvidence }) => needsEvidence)).toBe(false);
  });
});

describe('fences', () => {
  const fence = fc.tuple(fc.nat(50), fc.nat(50)).map(([attempt, n]) => `${attempt}.${n}`);

  test('are ordered by attempt, then by number, as numbers', () => {
    expect(compareFences('2.1', '1.9')).toBeGreaterThan(0);
    expect(compareFences('1.10', '1.9')).toBeGreaterThan(0);
    expect(compareFences('1.1', '1.1')).toBe(0);
    expect(compareFences(undefined, '1.1')).toBeLessThan(0);
    expect(compareFences('nonsense', '0.1')).toBeLessThan(0);
  });

  test('of the next intent come after all before', () => {
    fc.assert(
      fc.property(fence, fc.nat(50), (last, attempt) => {
        fc.pre(Number(last.split('.')[0]) <= attempt);
        const status = { attempt, intent: { weight: 5, fence: last } } as CanaryStatus;
        expect(compareFences(nextFence(status), last)).toBeGreaterThan(0);
      }),
    );
  });
});

describe("the phase in Flagger's words", () => {
  const statusOf = (...changes: Parameters<typeof aView>) => aView(...changes).status as CanaryStatus;
  const rows: [phase: string, status: CanaryStatus][] = [
    ['Initializing', statusOf(withStatus({ stage: 'Initializing' }))],
    ['Initialized', statusOf()],
    ['Waiting', statusOf(withStatus({ hold: { reason: 'Suspended', message: '', since: '' } }))],
    ['Progressing', statusOf(inAttempt('Preparing'))],
    ['Progressing', statusOf(inAttempt('Watching', 5))],
    ['Progressing', statusOf(inAttempt('Retreating', 5), retreatingFor('RolledBack'))],
    ['WaitingPromotion', statusOf(inAttempt('WaitingPromotion', 50))],
    ['Promoting', statusOf(inAttempt('RollingOut', 100))],
    ['Promoting', statusOf(onTheReturn('Watching', 50))],
    ['Finalising', statusOf(onTheReturn('Draining', 0))],
    ['Failed', statusOf(onTheReturn('Carrying', 100), retreatingFor('RolledBack'))],
    ['Succeeded', statusOf(withHistory('Promoted'))],
    ['Failed', statusOf(withHistory('RolledBack'))],
    ['Failed', statusOf(withHistory('Aborted'))],
    ['Initialized', statusOf(withHistory('Superseded'))],
    ['Terminating', statusOf(withStatus({ stage: 'Releasing' }))],
  ];

  test.each(rows)('%s', (phase, status) => {
    expect(phaseOf(status, false)).toBe(phase);
  });

  test('is Terminating in every stage of a deletion', () => {
    for (const stage of stages) expect(phaseOf(statusOf(withStatus({ stage })), true)).toBe('Terminating');
  });
});

describe("a revision's digest", () => {
  test('does not see the hash that a ReplicaSet carries', () => {
    const labels = { app: 'shop' };
    const spec = { containers: [{ name: 'shop' }] };
    const ofDeployment = templateDigest({ metadata: { labels }, spec });
    const ofReplicaSet = templateDigest({ metadata: { labels: { ...labels, 'pod-template-hash': '5d9c' } }, spec });
    expect(ofReplicaSet).toBe(ofDeployment);
    expect(templateDigest({ metadata: { labels: {} }, spec })).toBe(templateDigest({ spec }));
  });

  test('does not depend on the order of keys, and does on that of lists', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).toReversed());
        expect(digestOf(turned)).toBe(digestOf(value));
      }),
    );
    expect(digestOf([1, 2])).not.toBe(digestOf([2, 1]));
  });
});
