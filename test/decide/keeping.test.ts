import { describe, expect, test } from 'vitest';
import { aView, betweenTwoBackends, decided, written } from './builders.ts';

describe('a Canary at rest', () => {
  test('begins nothing while the pods behind the canary Service are being replaced', () => {
    const mixed = 'Deployment v2 behind Service v2: its pods are being replaced; a release begins from one version.';
    const view = { ...aView(betweenTwoBackends), mixed };
    expect(decided(view).effect.do === 'writeStatus' ? written(view).stage : 'Resting').toBe('Resting');
    expect(written({ ...view, mixed: undefined }).stage).toBe('Preparing');
  });

  test('gives a Deployment back that the spec does not name any more', () => {
    const view = aView();
    const { target, status } = view;
    if (target === undefined || status === undefined) throw new Error('the view has a target and a status');
    const former = { ...target, name: 'old', hold: { state: 'held' as const } };
    const held = { ...view, status: { ...status, held: 'old' }, former };
    expect(decided(held).effect).toEqual({ do: 'letTargetGo', name: 'old', digest: target.specDigest });
    const waiting = { ...held, former: { ...former, specDigest: 'another' } };
    expect(written(waiting).conditions?.find(({ type }) => type === 'LeftHeld')?.message).toContain('deployment/old');
    const free = { ...held, former: { ...former, hold: { state: 'free' as const } } };
    expect(written(free).held).toBeUndefined();
  });
});
