import type { AnalysisSpec, CanarySpec } from './canary-spec.ts';
import type { FieldProblem } from './field-problem.ts';
import { ladderOf, risesStrictly } from './ladder.ts';

/**
 * The rules between fields without which a release could not be carried out. The CustomResourceDefinition has them too; here they are for
 * objects that were stored before it had, and that the API server does not look at again.
 */
export function brokenRules(spec: CanarySpec): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if ((spec.targetRef === undefined) === (spec.backends === undefined)) {
    problems.push({ field: 'spec', message: 'needs exactly one of targetRef and backends' });
  }
  const { stable, canary } = spec.backends ?? {};
  if (stable !== undefined && stable.name === canary?.name && stable.port === canary.port) {
    problems.push({
      field: 'spec.backends',
      message: 'names one backend as stable and as canary; they must be different',
    });
  }
  const metrics = (spec.analysis.metrics ?? []).map((metric) => metric.name);
  return [
    ...problems,
    ...doubles(
      'spec.routes',
      spec.routes.map(({ kind, name }) => `${kind} ${name}`),
    ),
    ...doubles('spec.analysis.metrics', metrics),
    ...brokenLadder(spec.analysis),
  ];
}

function doubles(field: string, names: string[]): FieldProblem[] {
  const double = names.find((name, index) => names.indexOf(name) !== index);
  return double === undefined ? [] : [{ field, message: `names ${double} twice, but must name each once` }];
}

function brokenLadder(analysis: AnalysisSpec): FieldProblem[] {
  const ways = (['stepWeights', 'stepWeight', 'steps'] as const).filter((way) => analysis[way] !== undefined);
  const [way] = ways;
  if (way === undefined || ways.length > 1) {
    const found = ways.length === 0 ? 'none' : ways.join(' and ');
    return [
      { field: 'spec.analysis', message: `needs exactly one of stepWeights, stepWeight and steps, and has ${found}` },
    ];
  }
  const weights = ladderOf(analysis).map((step) => step.weight);
  if (risesStrictly(weights)) return [];
  return [
    { field: `spec.analysis.${way}`, message: `gives the weights ${weights.join(', ')}, but they must rise strictly` },
  ];
}
