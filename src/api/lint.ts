import type { MetricSpec } from './canary-spec.ts';
import type { Canary } from './canary.ts';

/** What is allowed in a Canary and still looks like a mistake, one sentence each. */
export function lintCanary({ spec }: Pick<Canary, 'spec'>): string[] {
  return (spec.analysis.metrics ?? []).flatMap((metric) => {
    const problem = lintMetric(metric);
    return problem === undefined ? [] : [`spec.analysis.metrics[${metric.name}].${problem}`];
  });
}

function lintMetric({ name, templateRef, thresholdRange, minSamples }: MetricSpec): string | undefined {
  const { min, max } = thresholdRange;
  if (templateRef !== undefined) {
    return minSamples === undefined
      ? undefined
      : 'minSamples has no effect beside templateRef: the query decides what it counts.';
  }
  if (name === 'request-success-rate' && min !== undefined && min <= 1) {
    return `thresholdRange.min is ${min} percent, which nearly every release passes: a success rate is a percentage, such as 99.`;
  }
  if (name === 'request-success-rate' && min === undefined) {
    return `thresholdRange.max is ${max}, which a good release exceeds: a success rate needs min.`;
  }
  if (name === 'request-duration' && max !== undefined && max < 1) {
    return `thresholdRange.max is ${max} milliseconds, which nearly every release fails: a duration is in milliseconds, such as 500.`;
  }
  return undefined;
}
