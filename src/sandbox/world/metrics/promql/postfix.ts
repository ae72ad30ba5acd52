import type { SyntaxNode } from '@lezer/common';
import { type AtModifier, type Expr, type Selector, type Subquery, typeOf } from './ast.ts';
import type { Parsed } from './convert.ts';
import { parseError } from './errors.ts';
import { parseNumber } from './literals.ts';

/** Go's 64-bit milliseconds end here. */
const MAX_SECONDS = 2 ** 63 / 1000;

/** Applies `[5m]`, `[5m:10s]`, `offset 5m` or `@ 123` to what stands in front of it. @throws PromqlError */
export function applyPostfix(query: string, operand: Parsed, node: SyntaxNode): Parsed {
  return { expr: shifted(query, operand, node), from: operand.from, parenthesised: false };
}

function shifted(query: string, operand: Parsed, node: SyntaxNode): Expr {
  switch (node.name) {
    case 'MatrixSelector':
      return withRange(query, operand, node);
    case 'SubqueryExpr':
      return subquery(query, operand, node);
    case 'OffsetExpr':
      return withOffset(query, operand, node);
    case 'StepInvariantExpr':
      return withAt(query, operand, node);
    default:
      throw parseError(query, node.from, `${node.name} is not supported by the sandbox's metrics store`);
  }
}

function withRange(query: string, { expr, parenthesised }: Parsed, node: SyntaxNode): Selector {
  const duration = node.getChild('DurationExpr') ?? node;
  const bracket = query.lastIndexOf('[', duration.from);
  if (expr.kind !== 'selector' || parenthesised || expr.rangeMs !== undefined) {
    throw parseError(query, bracket, 'ranges only allowed for vector selectors');
  }
  if (expr.offsetMs !== 0) throw parseError(query, bracket, 'no offset modifiers allowed before range');
  if (expr.at !== undefined) throw parseError(query, bracket, 'no @ modifiers allowed before range');
  return { ...expr, rangeMs: positiveDuration(query, duration) };
}

function subquery(query: string, { expr, from }: Parsed, node: SyntaxNode): Subquery {
  const type = typeOf(expr);
  if (type !== 'vector') {
    throw parseError(query, from, `subquery is only allowed on instant vector, got ${type} instead`);
  }
  const [range = node, step] = node.getChildren('DurationExpr');
  const stepMs = step === undefined ? undefined : positiveDuration(query, step);
  return { kind: 'subquery', expr, rangeMs: positiveDuration(query, range), stepMs, offsetMs: 0, at: undefined };
}

function withOffset(query: string, operand: Parsed, node: SyntaxNode): Selector | Subquery {
  const target = shiftable(query, operand, 'offset modifier');
  if (target.offsetMs !== 0) throw parseError(query, operand.from, 'offset may not be set multiple times');
  const duration = node.getChild('OffsetDurationExpr') ?? node;
  const text = query.slice(duration.from, duration.to).replace(/\s/g, '');
  const [, sign, literal = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  const ms = durationMs(query, duration, literal);
  return { ...target, offsetMs: sign === '-' ? -ms : ms };
}

function withAt(query: string, operand: Parsed, node: SyntaxNode): Selector | Subquery {
  const target = shiftable(query, operand, '@ modifier');
  if (target.at !== undefined) throw parseError(query, operand.from, '@ <timestamp> may not be set multiple times');
  return { ...target, at: atModifier(query, node) };
}

function atModifier(query: string, node: SyntaxNode): AtModifier {
  const special = node.getChild('AtModifierPreprocessors');
  if (special !== null) return special.getChild('AtStart') === null ? 'end' : 'start';
  // With a number in front of the @ as well, the last one is the timestamp.
  const literal = node.getChildren('NumberDurationLiteral').at(-1) ?? node;
  const text = query.slice(literal.from, literal.to);
  const seconds = parseNumber(text.replace(/^[+-]\s*/, '')) * (text.startsWith('-') ? -1 : 1);
  if (!(Math.abs(seconds) < MAX_SECONDS))
    throw parseError(query, literal.from, 'timestamp out of bounds for @ modifier');
  return Math.round(seconds * 1000);
}

function shiftable(query: string, { expr, parenthesised, from }: Parsed, what: string): Selector | Subquery {
  if (!parenthesised && (expr.kind === 'selector' || expr.kind === 'subquery')) return expr;
  const problem = `${what} must be preceded by an instant vector selector or range vector selector or a subquery`;
  throw parseError(query, from, problem);
}

function positiveDuration(query: string, node: SyntaxNode): number {
  const text = query.slice(node.from, node.to).trim();
  const ms = durationMs(query, node, text.replace(/^-/, ''));
  if (ms <= 0 || text.startsWith('-')) throw parseError(query, node.from, 'duration must be greater than 0');
  return ms;
}

function durationMs(query: string, node: SyntaxNode, literal: string): number {
  const seconds = parseNumber(literal);
  if (!Number.isNaN(seconds) && Number.isFinite(seconds)) return Math.round(seconds * 1000);
  throw parseError(
    query,
    node.from,
    `the duration expression "${literal}" is not supported by the sandbox's metrics store`,
  );
}
