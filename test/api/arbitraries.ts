import fc from 'fast-check';

/** A shape of a spec as people write it, before defaults. */
type Raw = Record<string, unknown>;

const name = (maxLength: number) =>
  fc.stringMatching(/^[a-z]([-a-z0-9]{0,60}[a-z0-9])?$/).filter((text) => text.length <= maxLength);
const rising = fc
  .uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 50 })
  .map((weights) => weights.toSorted((a, b) => a - b));
const interval = fc.integer({ min: 5, max: 24 * 3600 }).map((seconds) => durationText(seconds * 1000));

/** A Go duration of so many milliseconds. */
export function durationText(ms: number): string {
  const parts = [
    [Math.floor(ms / 3_600_000), 'h'],
    [Math.floor(ms / 60_000) % 60, 'm'],
    [Math.floor(ms / 1000) % 60, 's'],
    [ms % 1000, 'ms'],
  ] as const;
  const text = parts.map(([number, unit]) => (number === 0 ? '' : `${number}${unit}`)).join('');
  return text === '' ? '0s' : text;
}

const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
/** As JSON has it: what is undefined is not there. */
const asJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const stepped = fc
  .integer({ min: 1, max: 100 })
  .chain((stepWeight) =>
    fc.record({ stepWeight: fc.constant(stepWeight), maxWeight: some(fc.integer({ min: stepWeight, max: 100 })) }),
  );
const weighted = rising.map((stepWeights) => ({ stepWeights }));
const timed = rising.chain((weights) =>
  fc
    .array(some(fc.integer({ min: 5, max: 3600 })), { minLength: weights.length, maxLength: weights.length })
    .map((seconds) => ({
      steps: weights.map((weight, index) => {
        const own = seconds[index];
        return { weight, ...(own === undefined ? {} : { interval: durationText(own * 1000) }) };
      }),
    })),
);
/** The three ways to write a ladder. */
export const ladder: fc.Arbitrary<Raw> = fc.oneof(weighted, stepped, timed).map(asJson);

const percent = fc.double({ min: 0, max: 100, noNaN: true }).map((value) => Math.abs(value));
const successRate = percent.map((min) => ({ name: 'request-success-rate', thresholdRange: { min } }));
const duration = fc.record({
  name: fc.constant('request-duration'),
  thresholdRange: fc.record({ max: fc.integer({ min: 1, max: 100_000 }) }),
  minSamples: some(fc.integer({ min: 1, max: 1_000_000_000 })),
});
const ofTemplate = fc
  .record({ name: name(63), templateRef: fc.record({ name: name(63) }), max: fc.integer() })
  .map(({ max, ...metric }) => ({ ...metric, thresholdRange: { max } }));
const metrics = fc.uniqueArray(fc.oneof(successRate, duration, ofTemplate), {
  minLength: 1,
  maxLength: 20,
  selector: (metric) => metric.name,
});

const subject = fc.oneof(
  fc.record({
    targetRef: fc.record({ name: name(56), kind: some(fc.constant('Deployment')) }),
    onDelete: some(fc.constantFrom('leave', 'roll')),
    canaryLabels: some(fc.dictionary(name(20), name(20), { maxKeys: 8 })),
    acceptSideBySide: some(fc.boolean()),
    acceptUncovered: some(
      fc.uniqueArray(
        name(20).map((of) => `NetworkPolicy/${of}`),
        { maxLength: 16 },
      ),
    ),
  }),
  fc.record({
    backends: fc
      .uniqueArray(fc.record({ name: name(63), port: fc.integer({ min: 1, max: 65535 }) }), {
        minLength: 2,
        maxLength: 2,
        selector: ({ name: n, port }) => `${n}:${port}`,
      })
      .map(([stable, canary]) => ({ stable, canary })),
    onSuccess: some(fc.constantFrom('keep', 'removeStable')),
  }),
);

const common = fc.record({
  routes: fc.uniqueArray(
    fc.record({ name: name(63), rules: some(fc.uniqueArray(name(20), { minLength: 1, maxLength: 16 })) }),
    { minLength: 1, maxLength: 16, selector: (route) => route.name },
  ),
  provider: some(fc.constantFrom('istio', 'envoy-gateway', 'traefik', 'app')),
  suspend: some(fc.boolean()),
  acceptSessionPersistence: some(fc.boolean()),
  skipAnalysis: some(fc.boolean()),
  progressDeadlineSeconds: some(fc.integer({ min: 10, max: 86_400 })),
  retreatTimeout: some(fc.integer({ min: 0, max: 600_000 }).map(durationText)),
});

const analysis = fc
  .record({
    ladder,
    // With up to 100 steps, longer intervals could pass 30 days.
    interval: some(interval.map((text) => (text.includes('h') ? '1h' : text))),
    threshold: some(fc.integer({ min: 1, max: 100 })),
    metrics,
    onUnsure: some(
      fc.record({
        after: some(fc.constantFrom('10s', '168h')),
        do: some(fc.constantFrom('hold', 'rollback', 'advance')),
      }),
    ),
  })
  .map(({ ladder: steps, ...rest }) => ({ ...rest, ...steps }));

/** Any spec that the rules allow. */
export const canarySpec: fc.Arbitrary<Raw> = fc
  .record({ subject, common, analysis })
  .map((parts) => asJson({ ...parts.subject, ...parts.common, analysis: parts.analysis }));
