import type { TSchema } from 'typebox';
import type { TLocalizedValidationError } from 'typebox/error';
import type { JsonSchema } from './structural.ts';
import { wanted } from './wanted.ts';

/** One field that is not what it must be. */
export interface FieldProblem {
  /** Path as people write it: `spec.analysis.stepWeights[1]`. */
  field: string;
  /** One sentence: what was found and what is wanted. */
  message: string;
}

/** More would only hide the first ones. */
const mostProblems = 10;

/** What `errors` say, in the words of Linnet. `value` is what was checked against `schema`, and lies at `root` in the object. */
export function fieldProblems(
  root: string,
  errors: readonly TLocalizedValidationError[],
  { schema, value }: { schema: TSchema | JsonSchema; value: unknown },
): FieldProblem[] {
  return errors.slice(0, mostProblems).flatMap((error) => {
    const at = pointerParts(error.instancePath);
    if (error.keyword === 'required') {
      return error.params.requiredProperties.map((name) => ({
        field: fieldPath(root, [...at, name]),
        message: 'is missing',
      }));
    }
    const found = shown(follow(value, at));
    const node = follow(schema, pointerParts(error.schemaPath.replace(/^#/, ''))) as JsonSchema;
    return [{ field: fieldPath(root, at), message: `is ${found}, but ${asked(node, error.keyword)}` }];
  });
}

/** The rule that goes with a pattern says it in better words. */
function asked(node: JsonSchema, keyword: string): string {
  const rule = keyword === 'pattern' ? node['x-kubernetes-validations']?.[0] : undefined;
  return rule?.message ?? `must be ${wanted(node)}`;
}

function pointerParts(pointer: string): string[] {
  const parts = pointer.split('/').slice(1);
  return parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function follow(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string, unknown>)[part];
  }
  return at;
}

function fieldPath(root: string, path: readonly string[]): string {
  return path.reduce((field, part) => (/^\d+$/.test(part) ? `${field}[${part}]` : `${field}.${part}`), root);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
