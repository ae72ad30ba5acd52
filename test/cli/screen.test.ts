import { describe, expect, test } from 'vitest';
import type { CanaryStatus } from '../../src/api/canary-status.ts';
import { changeKey, lineOf, type Paint, panelOf } from '../../src/cli/demo/picture.ts';
import { lineScreen, panelScreen } from '../../src/cli/demo/screen.ts';
import type { Clock } from '../../src/ports/clock.ts';

const same = (text: string) => text;
const plain: Paint = { bold: same, dim: same, green: same, red: same, yellow: same };

const status = {
  phase: 'Progressing',
  stage: 'Watching',
  stepIndex: 1,
  attempt: 1,
  canaryWeight: 50,
  shares: { asked: 50, accepted: 50, observed: 49.26, requests: 120, rung: 'observed' },
  checks: [
    { name: 'request-success-rate', value: 99.94, requests: 60, limit: 'at least 99 %', verdict: 'pass' },
    { name: 'request-duration', requests: 3, limit: 'at most 500 ms', verdict: 'unsure' },
  ],
  hold: { reason: 'NotEnoughRequests', message: '3 of 20 requests seen.' },
  release: { leg: 'out', frozen: { steps: [{}, {}, {}] } },
} as unknown as CanaryStatus;
const users = { requests: 700, failed: 2 };

describe('the picture of a release', () => {
  test('has the three shares as bars, each check with its numbers, the hold, and what the users saw', () => {
    const seen = { asked: 50, observed: 51.5, requests: 300, seconds: 5 };
    expect(panelOf({ title: 'Release 1 of 2', status, seen, users }, plain)).toEqual([
      'Release 1 of 2',
      '  phase     Progressing (Watching, step 2 of 3)',
      `  asked     ${'█'.repeat(20)}${'░'.repeat(20)} 50 %`,
      `  accepted  ${'█'.repeat(20)}${'░'.repeat(20)} 50 %`,
      `  observed  ${'█'.repeat(20)}${'░'.repeat(20)} 49.3 %  of 120 requests`,
      '  check     request-success-rate 99.9 % over 60 requests, wanted at least 99 %: pass',
      '  check     request-duration - over 3 requests, wanted at most 500 ms: unsure',
      '  hold      NotEnoughRequests: 3 of 20 requests seen.',
      `  users see ${'█'.repeat(21)}${'░'.repeat(19)} 51.5 %  of 300 requests`,
      '  users     700 requests so far, 2 failed',
    ]);
  });

  test('as a line says the same, with those checks only whose verdict is new', () => {
    const before = { ...status, checks: status.checks?.slice(1) } as CanaryStatus;
    expect(lineOf({ title: '', status, seen: undefined, users }, before)).toBe(
      'Progressing (Watching, step 2 of 3) | asked 50 %, accepted 50 %, observed 49.3 % | ' +
        'request-success-rate 99.9 % over 60 requests, wanted at least 99 %: pass | users so far: 700 requests, 2 failed | ' +
        'holds, NotEnoughRequests: 3 of 20 requests seen.',
    );
  });

  test('is a new one when verdict, stage, share or hold change, and not while numbers go on counting', () => {
    const counted = { ...status, shares: { ...status.shares, requests: 500, observed: 50.1 } } as CanaryStatus;
    expect(changeKey(counted)).toBe(changeKey(status));
    expect(changeKey({ ...status, canaryWeight: 100 })).not.toBe(changeKey(status));
    expect(changeKey({ ...status, stage: 'Shifting' })).not.toBe(changeKey(status));
    expect(changeKey({ ...status, hold: undefined } as unknown as CanaryStatus)).not.toBe(changeKey(status));
  });
});

describe('the screen', () => {
  const clock: Clock = { now: () => 0, monotonic: () => 1_500, after: () => () => undefined };

  test('of a log has a line for everything, with the seconds since it began', () => {
    const written: string[] = [];
    const screen = lineScreen(clock, (text) => written.push(text));
    screen.say('one');
    screen.tell('two');
    screen.close();
    expect(written).toEqual(['   0.0s  one\n', '   0.0s  two\n']);
  });

  test('of a terminal paints its panel again below each line that stays, and cuts what would wrap', () => {
    let text = '';
    const panel = ['first', 'a line that is far too long for this terminal'];
    const screen = panelScreen({ clock, write: (part) => (text += part), columns: () => 20, panel: () => panel });
    screen.say('said');
    screen.tell('left out');
    screen.close();
    const painted = 'first\na line that is far…\n';
    expect(text).toBe(`${painted}\u001b[2A\u001b[0Jsaid\n${painted}\u001b[2A\u001b[0J${painted}`);
  });
});
