import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { durationMs } from '../../src/api/duration.ts';
import { kinds } from '../../src/api/kinds.ts';
import { ladderOf } from '../../src/api/ladder.ts';
import { parseCanary } from '../../src/api/parse.ts';
import { by, aStore, crd } from '../sandbox/store-fixtures.ts';
import { canarySpec, durationText, ladder } from './arbitraries.ts';
import { aCanary } from './bad-input-rows.ts';

describe('Every spec that the rules allow', () => {
  it('passes the border', () => {
    fc.assert(
      fc.property(canarySpec, (spec) => {
        const parsed = parseCanary({ ...aCanary(), spec });
        expect(parsed.ok ? [] : parsed.problems).toEqual([]);
        expect(parsed.ok && parsed.canary.spec).toMatchObject(spec);
      }),
      { numRuns: 500 },
    );
  });

  it('is taken by the API server, which fills in the same defaults as the border', () => {
    const store = aStore();
    store.create(
      crd,
      parse(readFileSync(new URL('../../crds/canaries.generated.yaml', import.meta.url), 'utf8')),
      by('kubectl'),
    );
    fc.assert(
      fc.property(canarySpec, (spec) => {
        const object = { ...aCanary(), spec };
        const stored = store.create(kinds.canary, object, {
          fieldManager: 'kubectl',
          fieldValidation: 'Strict',
          dryRun: true,
        });
        const parsed = parseCanary(object);
        expect(parsed.ok && parsed.canary.spec).toEqual(stored['spec']);
      }),
      { numRuns: 100 },
    );
  });
});

describe('A ladder', () => {
  it('rises strictly and ends at 100, however it is written', () => {
    fc.assert(
      fc.property(ladder, (written) => {
        const steps = ladderOf({
          interval: '30s',
          threshold: 1,
          onUnsure: { after: '30m', do: 'hold' },
          ...written,
        });
        const weights = steps.map((step) => step.weight);
        expect(weights.at(-1)).toBe(100);
        expect(weights).toEqual([...new Set(weights)].toSorted((a, b) => a - b));
        expect(weights[0]).toBeGreaterThan(0);
        expect(weights.length).toBeLessThanOrEqual(100);
      }),
    );
  });

  it('of stepWeight goes up by it to maxWeight', () => {
    const base = { interval: '30s', threshold: 1, onUnsure: { after: '30m', do: 'hold' as const } };
    const weights = (way: object) => ladderOf({ ...base, ...way }).map((step) => step.weight);
    expect(weights({ stepWeight: 20, maxWeight: 50 })).toEqual([20, 40, 50, 100]);
    expect(weights({ stepWeight: 50 })).toEqual([50, 100]);
    expect(weights({ stepWeight: 100 })).toEqual([100]);
  });
});

describe('A duration', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8 * 24 * 3_600_000 }), (ms) => {
        expect(durationMs(durationText(ms))).toBe(ms);
      }),
    );
  });

  it('that is none is refused with a sentence', () => {
    for (const text of ['', '5', '1d', '-1s', '1.5s', ' 1s', '1s ', '1e3s', 's']) {
      expect(() => durationMs(text)).toThrow(/is not a duration: write numbers with ms, s, m or h/);
    }
  });
});
