import type { MetricSpec } from '../api/canary-spec.ts';
import type { Frozen } from '../api/canary-status.ts';
import { kinds } from '../api/kinds.ts';
import type { MetricTemplate } from '../api/metric-template.ts';
import type { Measured, Problem, View } from '../decide/view.ts';
import type { KubeCache } from '../ports/kube.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { ServerOf } from './servers.ts';

type Value = Measured['values'][string];

interface Sources {
  metrics: Metrics;
  cache: KubeCache;
  serverOf: ServerOf;
}

/** A check with a query of the user's own, and whom it is asked for. */
export interface TemplateQuestion {
  view: Pick<View, 'namespace' | 'name'>;
  frozen: Frozen;
  check: Pick<MetricSpec, 'name' | 'templateRef'>;
  atMs: number;
}

/** Asks the query of a check's MetricTemplate. */
export async function askTemplate(
  { metrics, cache, serverOf }: Sources,
  { view, frozen, check, atMs }: TemplateQuestion,
): Promise<Value> {
  const name = check.templateRef?.name ?? '';
  const template = cache.get<MetricTemplate>({ kind: kinds.metricTemplate, namespace: view.namespace, name });
  if (template === undefined) return missingTemplate(name);
  const { subject, analysis, metricsServer } = frozen;
  const { address, secretRef } = template.spec.provider;
  const own = address === undefined ? undefined : { address, ...(secretRef && { secretRef }) };
  const resolved = await serverOf(view.namespace, own ?? metricsServer);
  if (!resolved.ok) return notAsked(resolved.problem);
  const { server } = resolved;
  return metrics.value({
    ...(server === undefined ? {} : { server }),
    query: template.spec.query,
    variables: {
      name: view.name,
      namespace: view.namespace,
      target: subject.target ?? subject.canary.name,
      service: subject.stable.name,
      route: subject.routes[0]?.name ?? '',
      stable: subject.stable.name,
      canary: subject.canary.name,
      interval: analysis.interval,
    },
    atMs,
  });
}

/** The store could not be asked. */
export function notAsked({ reason, message }: Problem): Extract<Value, { outcome: 'error' }> {
  return { outcome: 'error', query: '', message: `${reason}: ${message}`, reason: 'Failed' };
}

export function missingTemplate(name: string): Value {
  return { outcome: 'error', query: '', message: `MetricTemplate ${name} is not there.`, reason: 'Failed' };
}

/** The checks with a query of the user's own. */
export function templatedChecks({ analysis, skipAnalysis }: Pick<Frozen, 'analysis' | 'skipAnalysis'>): MetricSpec[] {
  if (skipAnalysis === true) return [];
  return (analysis.metrics ?? []).filter((check) => check.templateRef !== undefined);
}

/** What is wrong with the queries themselves. That the store does not answer, or has nothing yet, is not. */
export async function queryProblems(sources: Sources, asked: Omit<TemplateQuestion, 'check'>): Promise<Problem[]> {
  const found = await Promise.all(
    templatedChecks(asked.frozen).map(async (check) => problemOf(sources, { ...asked, check })),
  );
  return found.filter((problem) => problem !== undefined);
}

async function problemOf(sources: Sources, question: TemplateQuestion): Promise<Problem | undefined> {
  const { namespace } = question.view;
  const name = question.check.templateRef?.name ?? '';
  const field = `spec.analysis.metrics[${question.check.name}]`;
  const template = sources.cache.get<MetricTemplate>({ kind: kinds.metricTemplate, namespace, name });
  if (template === undefined) {
    const message = `${field}: MetricTemplate ${namespace}/${name} is not there; create it or correct the name.`;
    return { reason: 'MetricTemplateNotFound', message };
  }
  const { address, secretRef } = template.spec.provider;
  if (address !== undefined) {
    const resolved = await sources.serverOf(namespace, { address, ...(secretRef && { secretRef }) });
    if (!resolved.ok) return lasting(resolved.problem);
  }
  const answer = await askTemplate(sources, question);
  if (answer.outcome !== 'error' || answer.invalidQuery !== true) return undefined;
  return { reason: 'QueryInvalid', message: `${field}: MetricTemplate ${name}: ${answer.message}` };
}

/** That the API server does not answer just now is no reason to refuse a release. */
export function lasting(problem: Problem): Problem | undefined {
  return problem.reason === 'SecretUnread' ? undefined : problem;
}
