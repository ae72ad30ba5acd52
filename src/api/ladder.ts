import type { AnalysisSpec } from './canary-spec.ts';

/** One step of a ladder: a weight in percent and how long it is held at least. */
export interface LadderStep {
  weight: number;
  interval: string;
}

/** The steps that an analysis means, rising, the last one always 100. */
export function ladderOf(analysis: AnalysisSpec): LadderStep[] {
  const steps = declaredSteps(analysis);
  return steps.at(-1)?.weight === 100 ? steps : [...steps, { weight: 100, interval: analysis.interval }];
}

function declaredSteps(analysis: AnalysisSpec): LadderStep[] {
  const { interval } = analysis;
  if (analysis.steps)
    return analysis.steps.map((step) => ({ weight: step.weight, interval: step.interval ?? interval }));
  if (analysis.stepWeights) return analysis.stepWeights.map((weight) => ({ weight, interval }));
  const by = analysis.stepWeight ?? 100;
  const max = analysis.maxWeight ?? 100;
  const steps: LadderStep[] = [];
  for (let weight = by; weight < max; weight += by) steps.push({ weight, interval });
  return [...steps, { weight: max, interval }];
}

/** Whether each weight is above the one before it, and the first above 0. */
export function risesStrictly(weights: readonly number[]): boolean {
  return weights.every((weight, index) => weight > (weights[index - 1] ?? 0));
}
