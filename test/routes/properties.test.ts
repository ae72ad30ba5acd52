import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BackendRef, Route, RouteRule } from '../../src/api/objects.ts';
import type { RoutePlan } from '../../src/routes/plan.ts';
import { routeRestore } from '../../src/routes/restore.ts';
import { readShare, routeWrite } from '../../src/routes/share.ts';
import { atRest, canaryUid, fenceKey, managedRoute, patched, share } from './random-routes.ts';

const runs = { numRuns: 300 };

function written(route: Route, plan: RoutePlan, percents: number, fence = '1.1'): Route {
  const write = routeWrite(route, plan, { share: percents, fence, canaryUid });
  if ('already' in write) return route;
  if (!('patch' in write)) throw new Error(JSON.stringify(write));
  return patched(route, write.patch);
}

function restored(route: Route, plan: RoutePlan, keep: 'stable' | 'canary' | 'original' = 'original'): Route {
  const write = routeRestore(route, plan, { keep, canaryUid, fence: '9.9' });
  if ('already' in write) return route;
  if (!('patch' in write)) throw new Error(JSON.stringify(write));
  return patched(route, write.patch);
}

const isStable = (ref: BackendRef) =>
  ref.name === 'shop' && ref.namespace === undefined && (ref.kind ?? 'Service') === 'Service';
const isCanary = (ref: BackendRef) => ref.name === 'shop-canary';
const weightOf = (ref: BackendRef | undefined) => ref?.weight ?? 1;

function isManaged(rule: RouteRule): boolean {
  return rule.backendRefs?.some((ref) => isStable(ref) && weightOf(ref) > 0) ?? false;
}

/** The whole route as it must be at a share, worked out without any code of `src/routes`. */
function predicted(original: Route, percents: number): Route {
  const route = structuredClone(original);
  for (const rule of route.spec.rules ?? []) {
    if (!isManaged(rule)) continue;
    const refs = rule.backendRefs ?? [];
    const stable = refs.find(isStable) ?? { name: '' };
    let canary = refs.find(isCanary);
    const sum = weightOf(stable) + (canary === undefined ? 0 : weightOf(canary));
    let factor = 1;
    while ((sum * factor) % 100 !== 0) factor += 1;
    if (factor > 1) for (const ref of refs) ref.weight = weightOf(ref) * factor;
    if (canary === undefined) {
      canary = { ...structuredClone(stable), name: 'shop-canary' };
      refs.splice(refs.indexOf(stable) + 1, 0, canary);
    }
    canary.weight = (sum * factor * percents) / 100;
    stable.weight = sum * factor - canary.weight;
  }
  route.metadata.annotations = { ...route.metadata.annotations, [fenceKey]: '1.1' };
  return route;
}

describe('on random routes', () => {
  test('a write gives exactly the predicted object, with only weights, one backendRef and the fence changed', () => {
    fc.assert(
      fc.property(managedRoute, share, ({ route, plan }, percents) => {
        const before = structuredClone(route);
        const after = written(route, plan, percents);
        expect(route).toEqual(before);
        expect(atRest(after)).toEqual(atRest(predicted(route, percents)));
      }),
      runs,
    );
  });

  test('the share of the pair and of every other backend is right to the integer', () => {
    fc.assert(
      fc.property(managedRoute, share, ({ route, plan }, percents) => {
        const after = written(route, plan, percents);
        route.spec.rules?.forEach((rule, index) => {
          if (!isManaged(rule)) return;
          const total = (refs: BackendRef[]) => refs.reduce((sum, ref) => sum + weightOf(ref), 0);
          const [old, now] = [rule.backendRefs ?? [], after.spec.rules?.[index]?.backendRefs ?? []];
          const [oldOthers, others] = [old, now].map((refs) => refs.filter((ref) => !isStable(ref) && !isCanary(ref)));
          oldOthers?.forEach((ref, at) => {
            expect(weightOf(others?.[at]) / total(now)).toBeCloseTo(weightOf(ref) / total(old), 12);
          });
          const pair = total(now.filter((ref) => isStable(ref) || isCanary(ref)));
          expect(total(now.filter(isCanary)) / pair).toBeCloseTo(percents / 100, 12);
          expect(Math.max(...now.map(weightOf))).toBeLessThanOrEqual(1_000_000);
        });
        expect(readShare(after, plan, canaryUid)).toEqual({
          share: percents,
          attached: true,
          fence: '1.1',
          foreign: undefined,
        });
      }),
      runs,
    );
  });

  test('a write that is asked again finds nothing to do, and nor does a restore', () => {
    fc.assert(
      fc.property(managedRoute, share, ({ route, plan }, percents) => {
        const after = written(route, plan, percents);
        expect(routeWrite(after, plan, { share: percents, fence: '1.1', canaryUid })).toEqual({ already: true });
        const back = restored(after, plan);
        expect(routeRestore(back, plan, { keep: 'original', canaryUid, fence: '1.1' })).toEqual({ already: true });
      }),
      runs,
    );
  });

  test('any sequence of shares and then a restore leaves the route as it was', () => {
    fc.assert(
      fc.property(managedRoute, fc.array(share, { maxLength: 6 }), ({ route, plan }, shares) => {
        let now = route;
        shares.forEach((percents, n) => {
          now = written(now, plan, percents, `1.${n + 1}`);
        });
        expect(atRest(restored(now, plan))).toEqual(atRest(route));
      }),
      runs,
    );
  });

  test('restoring to one side gives it the whole weight of the pair and leaves everything else as it was', () => {
    fc.assert(
      fc.property(managedRoute, share, fc.constantFrom('stable', 'canary'), ({ route, plan }, percents, keep) => {
        const back = restored(written(route, plan, percents), plan, keep);
        route.spec.rules?.forEach((rule, index) => {
          const now = back.spec.rules?.[index];
          if (!isManaged(rule)) return expect(now).toEqual(rule);
          const old = rule.backendRefs ?? [];
          const refs = now?.backendRefs ?? [];
          const ours = (ref: BackendRef) => isStable(ref) || isCanary(ref);
          expect(refs.filter((ref) => !ours(ref))).toEqual(old.filter((ref) => !ours(ref)));
          const sum = old.filter(ours).reduce((total, ref) => total + weightOf(ref), 0);
          expect(weightOf(refs.find(isStable))).toBe(keep === 'stable' ? sum : 0);
          const canary = refs.find(isCanary);
          if (keep === 'canary') expect(weightOf(canary)).toBe(sum);
          else expect(canary === undefined ? undefined : weightOf(canary)).toBe(old.some(isCanary) ? 0 : undefined);
        });
        expect(back.metadata.annotations).toEqual(route.metadata.annotations);
      }),
      runs,
    );
  });
});

type ForeignEdit = (route: Route) => void;

const pick = (route: Route, n: number): RouteRule => {
  const rules = route.spec.rules ?? [];
  return rules[n % rules.length] ?? {};
};

const foreignEdit: fc.Arbitrary<ForeignEdit> = fc.tuple(fc.nat(20), fc.nat(20), fc.nat(7)).map(([n, m, which]) => {
  const edits: ForeignEdit[] = [
    (route) => {
      pick(route, n)['filters'] = [{ type: 'URLRewrite', urlRewrite: { hostname: `host-${m}` } }];
    },
    (route) => {
      pick(route, n)['matches'] = [{ headers: [{ name: 'x-beta', value: String(m) }] }];
    },
    (route) => {
      const inserted = {
        matches: [{ path: { value: `/new-${n}` } }],
        backendRefs: [{ name: 'shop', port: 80, weight: 9 }],
      };
      route.spec.rules?.splice(n % (route.spec.rules.length + 1), 0, inserted);
    },
    (route) => {
      const others = pick(route, n).backendRefs?.filter((ref) => !isStable(ref) && !isCanary(ref)) ?? [];
      // No weight that Linnet could have found or written: the largest there can be is 5,000 times 100.
      const ref = others[m % Math.max(1, others.length)];
      if (ref !== undefined) ref.weight = 700_000 + m;
    },
    (route) => {
      pick(route, n).backendRefs?.splice(0, 0, { name: `added-${m}`, port: 80, weight: 3 });
    },
    (route) => {
      pick(route, n).backendRefs?.push({ name: `added-${m}`, port: 80 });
    },
    (route) => {
      route.metadata.annotations = { ...route.metadata.annotations, 'other/~annotation': String(m) };
    },
    (route) => {
      pick(route, n)['timeouts'] = { request: `${m}s` };
    },
  ];
  return edits[which] ?? (() => undefined);
});

describe('with edits by others in between', () => {
  test('their edits survive the next write and the restore, and all of ours is undone', () => {
    fc.assert(
      fc.property(
        managedRoute,
        share,
        share,
        fc.array(foreignEdit, { minLength: 1, maxLength: 3 }),
        (made, a, b, edits) => {
          const { route, plan } = made;
          const now = written(route, plan, a);
          const wanted = structuredClone(route);
          for (const edit of edits) {
            edit(now);
            edit(wanted);
          }
          expect(atRest(restored(written(now, plan, b, '1.2'), plan))).toEqual(atRest(wanted));
        },
      ),
      runs,
    );
  });

  test('a rule that somebody removes is left out, and the others are still found', () => {
    fc.assert(
      fc.property(managedRoute, share, fc.nat(9), ({ route, plan }, percents, n) => {
        const rules = route.spec.rules ?? [];
        const gone = n % rules.length;
        fc.pre(plan.rules.some((rule) => rule.index !== gone));
        // Only rules that can be told apart: of two equal ones nobody could say which is gone.
        fc.pre(rules.every((rule) => rule.name !== undefined || rule['matches'] !== undefined));
        const now = written(route, plan, percents);
        now.spec.rules?.splice(gone, 1);
        const wanted = structuredClone(route);
        wanted.spec.rules?.splice(gone, 1);
        expect(atRest(restored(written(now, plan, 7, '1.2'), plan))).toEqual(atRest(wanted));
      }),
      runs,
    );
  });

  test('a tool that puts its own rules back is undone by the next write', () => {
    fc.assert(
      fc.property(managedRoute, share, ({ route, plan }, percents) => {
        const now = written(route, plan, percents);
        now.spec = structuredClone(route.spec);
        const expected = { share: percents, fence: '1.1', canaryUid };
        const same = JSON.stringify(predicted(route, percents).spec) === JSON.stringify(route.spec);
        expect(readShare(now, plan, canaryUid, expected).foreign === undefined).toBe(same);
        expect(atRest(written(now, plan, percents))).toEqual(atRest(predicted(route, percents)));
        expect(atRest(restored(now, plan))).toEqual(atRest(route));
      }),
      runs,
    );
  });
});
