import { expect, it } from 'vitest';
import { lintCanary } from '../../src/api/lint.ts';
import { parseCanary } from '../../src/api/parse.ts';
import { aCanary } from './bad-input-rows.ts';

function lintMetric(metric: object): string[] {
  const parsed = parseCanary(aCanary(({ spec }) => (spec['analysis'].metrics = [metric])));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return lintCanary(parsed.canary);
}

it.each([0.99, 1, 0])('A success rate of at least %d is taken for a ratio, and told (row 11)', (min) => {
  expect(lintMetric({ name: 'request-success-rate', thresholdRange: { min } })).toEqual([
    `spec.analysis.metrics[request-success-rate].thresholdRange.min is ${min} percent, which nearly every release passes: a success rate is a percentage, such as 99.`,
  ]);
});

it('A success rate with an upper limit only is told', () => {
  expect(lintMetric({ name: 'request-success-rate', thresholdRange: { max: 99 } })[0]).toContain('needs min');
});

it('A duration in seconds is told', () => {
  expect(lintMetric({ name: 'request-duration', thresholdRange: { max: 0.5 } })[0]).toContain('is in milliseconds');
});

it('minSamples beside a template is told', () => {
  const templateRef = { name: 'orders' };
  expect(lintMetric({ name: 'orders', templateRef, minSamples: 5, thresholdRange: { max: 1 } })[0]).toContain(
    'minSamples has no effect',
  );
});

it('Nothing is said of a Canary as it should be', () => {
  expect(lintMetric({ name: 'request-success-rate', thresholdRange: { min: 99 } })).toEqual([]);
  expect(lintMetric({ name: 'request-duration', thresholdRange: { max: 500 } })).toEqual([]);
  expect(lintMetric({ name: 'orders', templateRef: { name: 'orders' }, thresholdRange: { min: 0.5 } })).toEqual([]);
});
