import { Compile } from 'typebox/compile';
import Value from 'typebox/value';
import { CanarySpec } from './canary-spec.ts';
import type { CanaryStatus } from './canary-status.ts';
import type { Canary } from './canary.ts';
import { type FieldProblem, fieldProblems } from './field-problem.ts';
import { type MetricTemplate, MetricTemplateSpec } from './metric-template.ts';
import type { KubeObject } from './objects.ts';
import { isRecord, plainCopy } from './plain.ts';
import { brokenRules } from './spec-rules.ts';
import { type StatusProblem, readStatus } from './parse-status.ts';

/**
 * The border: what the API server gave becomes a type that cannot be wrong, or the fields that are. Objects there are normally valid, but
 * they may be older than the present schema, come from a server with another one, or have a status that somebody else wrote.
 */

export type ParsedCanary = (
  | { ok: true; canary: Canary }
  /** `status` is what a release under way goes on with. */
  | { ok: false; problems: FieldProblem[]; status: CanaryStatus | undefined }
) & { statusProblem: StatusProblem | undefined };

export type ParsedMetricTemplate = { ok: true; template: MetricTemplate } | { ok: false; problems: FieldProblem[] };

const validators = {
  spec: Compile(CanarySpec),
  template: Compile(MetricTemplateSpec),
};

/** Reads a Canary and fills defaults in. A status that cannot be used is left out and told beside. */
export function parseCanary(object: unknown): ParsedCanary {
  const source = plainCopy(object);
  const { status, problem: statusProblem } = readStatus(isRecord(source) ? source['status'] : undefined);
  const header = readHeader(source);
  if (!header.ok) return { ok: false, problems: header.problems, status, statusProblem };
  const { status: _, ...rest } = header.object;
  const spec = Value.Default(CanarySpec, rest['spec']);
  const problems = validators.spec.Check(spec)
    ? brokenRules(spec)
    : fieldProblems('spec', validators.spec.Errors(spec), { schema: CanarySpec, value: spec });
  if (problems.length > 0) return { ok: false, problems, status, statusProblem };
  const canary: Canary = { ...rest, spec: spec as CanarySpec, ...(status === undefined ? {} : { status }) };
  return { ok: true, canary, statusProblem };
}

/** Reads a MetricTemplate. */
export function parseMetricTemplate(object: unknown): ParsedMetricTemplate {
  const header = readHeader(plainCopy(object));
  if (!header.ok) return header;
  const spec = Value.Default(MetricTemplateSpec, header.object['spec']);
  if (validators.template.Check(spec)) return { ok: true, template: { ...header.object, spec } };
  const errors = validators.template.Errors(spec);
  return { ok: false, problems: fieldProblems('spec', errors, { schema: MetricTemplateSpec, value: spec }) };
}

/** One line for a log or a condition: `Canary shop/checkout: spec.routes is missing; ...`. */
export function describeProblems(object: KubeObject, problems: readonly FieldProblem[]): string {
  const { name, namespace } = object.metadata;
  const said = problems.map(({ field, message }) => `${field} ${message}`);
  return `${object.kind} ${namespace === undefined ? name : `${namespace}/${name}`}: ${said.join('; ')}`;
}

function readHeader(source: unknown): { ok: true; object: KubeObject } | { ok: false; problems: FieldProblem[] } {
  if (!isRecord(source)) return { ok: false, problems: [{ field: 'object', message: 'is not an object' }] };
  const { apiVersion, kind, metadata } = source;
  const names = { apiVersion, kind, 'metadata.name': isRecord(metadata) ? metadata['name'] : undefined };
  const missing = Object.entries(names).filter(([, value]) => typeof value !== 'string' || value === '');
  if (missing.length > 0) return { ok: false, problems: missing.map(([field]) => ({ field, message: 'is missing' })) };
  return { ok: true, object: source as KubeObject };
}
