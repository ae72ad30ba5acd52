import type { Labels } from './labels.ts';
import { compileRegex } from './regex.ts';

export type MatchOp = '=' | '!=' | '=~' | '!~';

/** One condition on a label; a label that is absent counts as empty. */
export interface Matcher {
  name: string;
  op: MatchOp;
  value: string;
  matches(value: string): boolean;
}

/** @throws RegexError */
export function createMatcher(name: string, op: MatchOp, value: string): Matcher {
  return { name, op, value, matches: predicate(op, value) };
}

export function matchesAll(matchers: readonly Matcher[], labels: Labels): boolean {
  return matchers.every((matcher) => matcher.matches(labels.get(matcher.name) ?? ''));
}

function predicate(op: MatchOp, value: string): (value: string) => boolean {
  if (op === '=') return (found) => found === value;
  if (op === '!=') return (found) => found !== value;
  const regex = fullMatch(value);
  return op === '=~' ? regex : (found) => !regex(found);
}

/** Lists of plain words (`a|b|c`), which batched queries consist of, cost one look-up instead of a regular expression. */
function fullMatch(pattern: string): (value: string) => boolean {
  if (/^[\w\-/: |]*$/.test(pattern)) {
    const words = new Set(pattern.split('|'));
    return (found) => words.has(found);
  }
  const regex = compileRegex(pattern);
  return (found) => regex.test(found);
}
