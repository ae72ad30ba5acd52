import { describe, expect, test } from 'vitest';
import type { CanaryStatus, Stage } from '../../src/api/canary-status.ts';
import { tableOf } from '../../src/cli/demo/report.ts';
import { Score } from '../../src/cli/demo/score.ts';
import type { Answer } from '../../src/cli/demo/users.ts';

function newScore(): Score {
  return new Score({ name: 'good', versions: { old: 'v1', new: 'v2' }, attempt: 3, startMs: 1_000 });
}

function status(stage: Stage, weight: number, more: object = {}): CanaryStatus {
  const frozen = { steps: [] };
  return {
    attempt: 3,
    stage,
    canaryWeight: weight,
    intent: { weight, fence: '3.1' },
    release: { leg: 'out', frozen },
    revision: '0123456789',
    ...more,
  } as unknown as CanaryStatus;
}

function ended(outcome: string): CanaryStatus {
  const history = [{ attempt: 3, outcome, revision: '0123456789' }];
  return status('Resting', 0, { history, release: undefined, intent: undefined });
}

function answer(sentMs: number, version: string, cause?: string): Answer {
  return { sentMs, endedMs: sentMs + 5, version, ...(cause === undefined ? {} : { cause }) };
}

describe('the score of a release', () => {
  test('measures a step by the answers to what was sent while the step was held, late ones included', () => {
    const score = newScore();
    score.onAnswer(answer(1_500, 'v2'));
    score.onStatus(status('Accepting', 5, { canaryWeight: 0 }), 1_600);
    score.onStatus(status('Observing', 5), 2_000);
    for (let at = 2_000; at < 3_900; at += 100) score.onAnswer(answer(at, 'v1'));
    score.onStatus(status('Watching', 5), 3_000);
    score.onStatus(status('Shifting', 50, { canaryWeight: 5 }), 4_000);
    score.onAnswer(answer(3_950, 'v2'));
    score.onAnswer(answer(4_000, 'v2'));
    score.end(5_000);
    expect(score.report().steps).toEqual([{ asked: 5, observed: 5, requests: 20, seconds: 2 }]);
  });

  test('counts a weight that was left and taken again as one step', () => {
    const score = newScore();
    score.onStatus(status('Watching', 50), 2_000);
    score.onAnswer(answer(2_500, 'v1'));
    score.onStatus(status('Accepting', 50), 3_000);
    score.onAnswer(answer(3_500, 'v1'));
    score.onStatus(status('Observing', 50), 4_000);
    score.onAnswer(answer(4_500, 'v2'));
    score.end(5_000);
    expect(score.report().steps).toEqual([{ asked: 50, observed: 50, requests: 2, seconds: 2 }]);
  });

  test('leaves the way back to the target out: it is no step', () => {
    const score = newScore();
    score.onStatus(status('Watching', 50, { release: { leg: 'return', frozen: { steps: [] } } }), 2_000);
    score.onAnswer(answer(2_500, 'v2'));
    score.end(3_000);
    expect(score.report().steps).toEqual([]);
  });

  test('counts requests and failures by cause from the change to the end, and no others', () => {
    const score = newScore();
    score.onAnswer(answer(999, 'v1', '500 by v1'));
    score.onAnswer(answer(1_000, 'v1'));
    score.onAnswer(answer(1_100, '', '503 by the gateway'));
    score.onAnswer(answer(1_200, '', 'connection: ECONNRESET'));
    score.onAnswer(answer(1_300, '', '503 by the gateway'));
    score.onStatus(ended('Promoted'), 1_900);
    score.end(2_000);
    score.onAnswer(answer(2_000, 'v1', '500 by v1'));
    expect(score.report()).toEqual({
      name: 'good',
      revision: '0123456789',
      outcome: 'Promoted',
      seconds: 1,
      steps: [],
      requests: 4,
      failedRequests: 3,
      failuresByCause: { '503 by the gateway': 2, 'connection: ECONNRESET': 1 },
      secondsToWeightZero: null,
      requestsAfterRollback: null,
    });
  });

  test('measures a rollback from the first bad answer, and what still reached the bad version after it', () => {
    const score = newScore();
    score.onStatus(status('Accepting', 0), 1_100);
    score.onStatus(status('Watching', 5), 2_000);
    score.onAnswer(answer(2_495, 'v2', '500 by v2'));
    score.onAnswer(answer(2_700, 'v2', '500 by v2'));
    score.onStatus(status('Retreating', 0, { canaryWeight: 5 }), 3_000);
    score.onStatus(status('Draining', 0), 4_000);
    score.onAnswer(answer(3_999, 'v2'));
    score.onAnswer(answer(4_001, 'v2'));
    score.onAnswer(answer(4_002, 'v1'));
    score.onStatus(ended('RolledBack'), 4_500);
    score.end(5_000);
    const { outcome, secondsToWeightZero, requestsAfterRollback } = score.report();
    expect([outcome, secondsToWeightZero, requestsAfterRollback]).toEqual(['RolledBack', 1.5, 1]);
  });

  test('has no outcome when the release did not end, nor the one of an earlier attempt', () => {
    const score = newScore();
    score.onStatus(status('Watching', 5, { history: [{ attempt: 2, outcome: 'Promoted' }] }), 2_000);
    score.onStatus({ ...ended('Promoted'), attempt: 2 }, 2_500);
    score.end(3_000);
    expect(score.report().outcome).toBeNull();
  });
});

describe('the table at the end', () => {
  test('has a row for each release and says why requests failed, the commonest cause first', () => {
    const score = newScore();
    score.onStatus(status('Watching', 5), 1_000);
    score.onAnswer(answer(1_500, '', '503 by the gateway'));
    score.onAnswer(answer(1_600, 'v2', '500 by v2'));
    score.onAnswer(answer(1_700, 'v2', '500 by v2'));
    score.onStatus(ended('RolledBack'), 2_000);
    score.end(3_000);
    expect(tableOf([score.report()])).toEqual([
      'release  outcome     took  steps seen by users  requests  failed  back at 0 %',
      '-------  ----------  ----  -------------------  --------  ------  -----------',
      'good     RolledBack  2 s   5→100.0 %            3         3       after 0.4 s',
      '',
      'good: 2 requests failed: 500 by v2',
      'good: 1 request failed: 503 by the gateway',
      'good: 0 requests reached it after the rollback',
    ]);
  });
});
