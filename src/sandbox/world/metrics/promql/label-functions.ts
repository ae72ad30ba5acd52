import { type Labels, labelsFrom, METRIC_NAME, NO_LABELS, withLabel } from '../labels.ts';
import { compileRegex, RegexError } from '../regex.ts';
import type { Expr } from './ast.ts';
import { executionError } from './errors.ts';
import type { Sample } from './value.ts';

/** `label_replace`: where `regex` matches the whole of `from`, `to` becomes `replacement` with its `$1` and `${name}` filled in. */
export function labelReplace(
  samples: readonly Sample[],
  { to, replacement, from, regex }: { to: string; replacement: string; from: string; regex: string },
): Sample[] {
  const compiled = compile(regex);
  checkLabelName(to, 'label_replace');
  return samples.map(({ labels, value }) => {
    const match = compiled.exec(labels.get(from) ?? '');
    return match === null ? { labels, value } : { labels: withLabel(labels, to, expand(replacement, match)), value };
  });
}

function compile(regex: string): RegExp {
  try {
    return compileRegex(regex);
  } catch (error) {
    if (error instanceof RegexError) throw executionError(`invalid regular expression in label_replace(): ${regex}`);
    throw error;
  }
}

/** As Go's Regexp.Expand: the longest name after `$` counts, unknown groups are empty, `$$` is a dollar. */
function expand(replacement: string, match: RegExpExecArray): string {
  return replacement.replace(/\$(\$|\{\w+\}|\w+)/g, (_, reference: string) => {
    if (reference === '$') return '$';
    const name = reference.replace(/^\{(.*)\}$/, '$1');
    return (/^\d+$/.test(name) ? match[Number(name)] : match.groups?.[name]) ?? '';
  });
}

/** `label_join`: `to` becomes the values of the labels `from`, joined. */
export function labelJoin(
  samples: readonly Sample[],
  { to, separator, from }: { to: string; separator: string; from: readonly string[] },
): Sample[] {
  checkLabelName(to, 'label_join');
  return samples.map(({ labels, value }) => {
    const joined = from.map((name) => labels.get(name) ?? '').join(separator);
    return { labels: withLabel(labels, to, joined), value };
  });
}

/** Since Prometheus 3 any text but none is a label's name. */
function checkLabelName(name: string, where: string): void {
  if (name === '') throw executionError(`invalid destination label name in ${where}(): ${name}`);
}

/** The labels of `absent(x)`: what the selector x demands with `=`, once each. */
export function absentLabels(expr: Expr | undefined): Labels {
  if (expr?.kind !== 'selector') return NO_LABELS;
  const wanted = new Map<string, string>();
  const refused = new Set([METRIC_NAME]);
  for (const { name, op, value } of expr.matchers) {
    if (op !== '=' || wanted.has(name)) refused.add(name);
    else wanted.set(name, value);
  }
  return labelsFrom([...wanted].filter(([name]) => !refused.has(name)));
}
