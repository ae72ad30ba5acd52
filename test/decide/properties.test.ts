import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CanaryStatus, type Stage } from '../../src/api/canary-status.ts';
import { readStatus } from '../../src/api/parse-status.ts';
import { podsNeeded } from '../../src/decide/capacity.ts';
import { decide } from '../../src/decide/decide.ts';
import { table } from '../../src/decide/table.ts';
import { compareFences, homeWeight } from '../../src/decide/turn.ts';
import { type Decision, type View, defaultSettings } from '../../src/decide/view.ts';
import { decided, now } from './builders.ts';
import { anyView } from './random-views.ts';

const runs = { numRuns: 3000 };

/** Holds for every view in which a status was there and another one is written. */
function forEveryWrite(check: (next: CanaryStatus, before: CanaryStatus, view: View) => void): void {
  fc.assert(
    fc.property(anyView, (view) => {
      const { effect } = decided(view);
      if (effect.do === 'writeStatus' && view.status !== undefined) check(effect.status, view.status, view);
    }),
    runs,
  );
}

describe('whatever is seen', () => {
  test('something is decided, and the same again for the same view', () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const frozen = structuredClone(view);
        const first = decide(view, now, defaultSettings);
        expect(decide(view, now, defaultSettings)).toEqual(first);
        expect(view, 'the view is not changed').toEqual(frozen);
      }),
      runs,
    );
  });

  test('the status that is written is one that is read again without complaint', () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const { effect } = decided(view);
        if (effect.do !== 'writeStatus') return;
        const stored: unknown = JSON.parse(JSON.stringify(effect.status));
        expect(readStatus(stored).problem).toBeUndefined();
        expect(readStatus(stored).status).toEqual(stored);
        expect(
          unknownField(CanaryStatus as unknown as Schema, stored, 'status'),
          'the API server would drop it',
        ).toBeUndefined();
      }),
      runs,
    );
  });

  test('the stage goes only where the table says', () => {
    forEveryWrite((next, before) => {
      if (next.stage !== before.stage) expect([...allowed(before.stage)], before.stage).toContain(next.stage);
    });
  });

  test('a stage that begins has its own time', () => {
    forEveryWrite((next, before) => {
      if (next.stage !== before.stage) expect(next.stageSince).toBe(new Date(now).toISOString());
    });
  });

  test('the fence of an intent rises strictly whenever the weight changes', () => {
    forEveryWrite((next, before) => {
      if (next.intent === undefined || before.intent === undefined) return;
      if (next.intent.weight === before.intent.weight && next.intent.fence === before.intent.fence) return;
      expect(compareFences(next.intent.fence, before.intent.fence)).toBeGreaterThan(0);
    });
  });

  test('a hold says why in at most 1024 characters, and history remembers at most 20 attempts', () => {
    forEveryWrite((next) => {
      expect(next.hold?.message.length ?? 0).toBeLessThanOrEqual(1024);
      expect(next.history?.length ?? 0).toBeLessThanOrEqual(20);
    });
  });

  test('a share only grows on the way out when fresh pods can carry it', () => {
    forEveryWrite((next, before, view) => {
      const grew = (next.intent?.weight ?? 0) > Math.max(before.canaryWeight, before.intent?.weight ?? 0);
      if (!grew || before.release === undefined || before.release.retreat !== undefined) return;
      if (before.release.leg === 'return' || next.release?.leg === 'return') return;
      expect(view.fresh).not.toBe('none');
      expect(view.canary.ready).toBeGreaterThanOrEqual(podsNeeded(before.release.full, next.intent?.weight ?? 0));
    });
  });

  test('on the return the canary gets no more than it had', () => {
    forEveryWrite((next, before) => {
      if (before.release?.leg !== 'return' || before.release.retreat !== undefined) return;
      if (next.release?.leg !== 'return' || next.intent === undefined) return;
      expect(next.intent.weight).toBeLessThanOrEqual(Math.max(before.intent?.weight ?? 100, before.canaryWeight));
    });
  });

  test('a retreat only takes the share home, but for a side whose pods are gone', () => {
    forEveryWrite((next, before, view) => {
      if (before.stage !== 'Retreating' || next.intent === undefined) return;
      const from = before.intent?.weight ?? before.canaryWeight;
      const home = before.release === undefined ? 0 : homeWeight(before.release, view.deleting);
      const receiver = home === 0 ? view.stable : view.canary;
      if (receiver.ready === 0) return;
      if (home === 0) expect(next.intent.weight).toBeLessThanOrEqual(from);
      else expect(next.intent.weight).toBeGreaterThanOrEqual(from);
    });
  });

  test('nothing moves the traffic but a change of the intent', () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const { effect } = decided(view);
        if (effect.do !== 'shiftRoute') return;
        expect({ weight: effect.weight, fence: effect.fence }).toEqual(view.status?.intent);
      }),
      runs,
    );
  });

  test('the target is let go only when its own template is the one of the attempt, after the commitment, or at the very end', () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const { effect } = decided(view);
        if (effect.do !== 'letTargetGo') return;
        if (view.status?.stage === 'Committing') {
          expect(effect.digest).toBe(view.status.release?.digest);
          expect(view.target?.specDigest).toBe(effect.digest);
        } else expect([view.status?.stage, view.deleting]).toEqual(['Releasing', true]);
      }),
      runs,
    );
  });
});

describe('whatever is waited for', () => {
  test('there is a moment to look again in the future, or a reason that an event ends', () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const decision = decided(view);
        if (decision.effect.do !== 'nothing') return;
        if (decision.wakeAt === undefined) expect(awaitsEvent(view, decision), JSON.stringify(view.status)).toBe(true);
        else expect(decision.wakeAt).toBeGreaterThan(now);
      }),
      runs,
    );
  });

  test('what was written is not written again', () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const first = decided(view);
        if (first.effect.do !== 'writeStatus') return;
        const second = decided({ ...view, status: first.effect.status });
        if (second.effect.do === 'writeStatus') expect(second.effect.status).not.toEqual(first.effect.status);
        if (second.effect.do === 'nothing' && second.wakeAt !== undefined) expect(second.wakeAt).toBeGreaterThan(now);
      }),
      runs,
    );
  });

  test('nothing is asked for anew when it was just read', () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const { effect, wakeAt } = decided({ ...view, fresh: 'all', surroundings: { problems: [] } });
        if (effect.do === 'lookFresh') expect(wakeAt).toBeGreaterThan(now);
      }),
      runs,
    );
  });
});

describe('an abort', () => {
  const abort = { id: 'z', verb: 'abort' as const, by: 'ann' };

  test('takes the attempt back or is answered at once, whatever else is the case', () => {
    fc.assert(
      fc.property(anyView, (seen) => {
        if (seen.status === undefined || !seen.hasFinalizer || seen.namespaceTerminating) return;
        const view = { ...seen, commands: [{ id: 'a', verb: 'promote' as const }, abort] };
        if (view.status?.lastCommand?.id === 'a') return;
        const { effect } = decided(view);
        expect(effect.do).toBe('writeStatus');
        if (effect.do !== 'writeStatus') return;
        expect(effect.status.lastCommand?.id).toBe('z');
        const { lastCommand, release } = effect.status;
        if (/^(Committed|No attempt)/.test(lastCommand?.message ?? '')) return;
        expect(release?.retreat).toBeDefined();
      }),
      runs,
    );
  });
});

/** A deletion that was taken back, as in a restored backup, begins again; the diagram shows only how a Canary ends. */
function allowed(stage: Stage): readonly Stage[] {
  return stage === 'Releasing' ? ['Initializing'] : table[stage].next;
}

/** Reasons to wait that a watch, a person or another spec ends. */
const endedByEvents = [
  'Paused',
  'Suspended',
  'TargetRollingOut',
  'TargetStuck',
  'TargetGone',
  'TargetHeldByOther',
  'NotAccepted',
  'RouteRefused',
  'RouteContested',
  'RouteReverted',
  'CarrierKeeps',
  'NotEnoughPods',
];

function awaitsEvent(view: View, { holding }: Decision): boolean {
  const { status } = view;
  if (view.deleting && !view.hasFinalizer) return true;
  if (status === undefined) return view.statusProblem !== undefined;
  if (holding === true && endedByEvents.includes(status.hold?.reason ?? '')) return true;
  return status.stage === 'Resting' || (status.stage === 'Initializing' && view.problems.length > 0);
}

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
}

/** The first field that the schema does not have. */
function unknownField({ properties, items }: Schema, value: unknown, path: string): string | undefined {
  if (typeof value !== 'object' || value === null || (properties === undefined && items === undefined))
    return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const schema = Array.isArray(value) ? items : properties?.[key];
    const found = schema === undefined ? `${path}.${key}` : unknownField(schema, inner, `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
