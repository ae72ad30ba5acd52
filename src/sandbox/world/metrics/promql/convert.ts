import type { SyntaxNode } from '@lezer/common';
import { createMatcher, type Matcher, type MatchOp } from '../matcher.ts';
import { RegexError } from '../regex.ts';
import type { Aggregation, Call, Expr, Matching, Selector } from './ast.ts';
import { checkAggregation, checkBinary, checkCall, checkNegation } from './check.ts';
import { parseError, type PromqlError } from './errors.ts';
import { functionOf } from './functions.ts';
import { parseNumber, parseString } from './literals.ts';
import { applyPostfix } from './postfix.ts';
import { climb, type Operators } from './precedence.ts';

/** An expression with what error messages and modifiers must know of its text. */
export interface Parsed {
  expr: Expr;
  /** Where it begins in the query. */
  from: number;
  /** Whether it stands in parentheses: modifiers cannot reach into those. */
  parenthesised: boolean;
}

/** @throws PromqlError where the query is not one that Prometheus takes, or not one that this evaluator knows */
export function convertExpression(query: string, node: SyntaxNode): Parsed {
  const operators: Operators<Parsed> = {
    operand: (operand) => convertOperand(query, operand),
    unary: (sign, operand, from) => convertUnary(query, sign, operand, from),
    binary: (binary, left, right) => convertBinary(query, binary, left, right),
    postfix: (operand, postfix) => applyPostfix(query, operand, postfix),
  };
  return climb(query, node, operators);
}

function convertOperand(query: string, node: SyntaxNode): Parsed {
  const at = { from: node.from, parenthesised: false };
  const text = query.slice(node.from, node.to);
  switch (node.name) {
    case 'NumberDurationLiteral':
      return { ...at, expr: { kind: 'number', value: convertNumber(query, node) } };
    case 'StringLiteral':
      return { ...at, expr: { kind: 'string', value: parseString(text) ?? '' } };
    case 'ParenExpr':
      return { ...convertExpression(query, only(node)), from: node.from, parenthesised: true };
    case 'VectorSelector':
      return { ...at, expr: convertSelector(query, node) };
    case 'FunctionCall':
      return { ...at, expr: convertCall(query, node) };
    case 'AggregateExpr':
      return { ...at, expr: convertAggregation(query, node) };
    default:
      throw unsupported(query, node, node.name);
  }
}

/** The sign is an operator; see `climb`. */
function convertNumber(query: string, node: SyntaxNode): number {
  const text = query.slice(node.from, node.to).replace(/^[+-]\s*/, '');
  const value = parseNumber(text);
  if (Number.isFinite(value) || /^(?:inf|nan)$/i.test(text)) return value;
  throw parseError(query, node.from, `error parsing number: "${text}" is out of range`);
}

function only(node: SyntaxNode): SyntaxNode {
  return node.getChild('Expr') ?? node;
}

/** What Prometheus has and this evaluator has not. */
function unsupported(query: string, node: SyntaxNode, what: string): PromqlError {
  return parseError(query, node.from, `${what} is not supported by the sandbox's metrics store`);
}

function convertUnary(query: string, sign: string, operand: Parsed, from: number): Parsed {
  const { expr } = operand;
  checkNegation(query, expr, from);
  if (sign === '+') return { expr, from, parenthesised: false };
  if (expr.kind === 'number') return { expr: { kind: 'number', value: -expr.value }, from, parenthesised: false };
  return { expr: { kind: 'negation', expr }, from, parenthesised: false };
}

function convertBinary(query: string, node: SyntaxNode, left: Parsed, right: Parsed): Parsed {
  const operator = operatorOf(node);
  const op = query.slice(operator.from, operator.to).toLowerCase();
  if (['atan2', '</', '>/'].includes(op)) throw unsupported(query, operator, `the operator "${op}"`);
  const fill = node.getChild('FillModifier');
  if (fill !== null) throw unsupported(query, fill, 'the modifier "fill"');
  const expr = {
    kind: 'binary' as const,
    op,
    left: left.expr,
    right: right.expr,
    bool: node.getChild('BoolModifier') !== null,
    matching: convertMatching(query, node.getChild('MatchingModifierClause'), op),
  };
  checkBinary(query, expr, { left: left.from, right: right.from, operator: operator.from });
  return { expr, from: left.from, parenthesised: false };
}

/** The operator stands behind the left expression; comments may stand between. */
function operatorOf(node: SyntaxNode): SyntaxNode {
  let child = node.firstChild?.nextSibling ?? node;
  while (child.name === 'LineComment' && child.nextSibling !== null) child = child.nextSibling;
  return child;
}

function convertMatching(query: string, clause: SyntaxNode | null, op: string): Matching {
  const [labels, include] = clause?.getChildren('GroupingLabels') ?? [];
  const isSet = op === 'and' || op === 'or' || op === 'unless';
  const grouped = clause?.getChild('GroupLeft')
    ? 'many-to-one'
    : clause?.getChild('GroupRight')
      ? 'one-to-many'
      : undefined;
  return {
    on: Boolean(clause?.getChild('On')),
    labels: labelNames(query, labels),
    cardinality: grouped ?? (isSet ? 'many-to-many' : 'one-to-one'),
    include: labelNames(query, include),
  };
}

function labelNames(query: string, node: SyntaxNode | null | undefined): string[] {
  const names: string[] = [];
  for (let child = node?.firstChild ?? null; child !== null; child = child.nextSibling) {
    if (child.name === 'LabelName' || child.name === 'QuotedLabelName') names.push(nameOf(query, child));
  }
  return names;
}

function nameOf(query: string, node: SyntaxNode): string {
  const text = query.slice(node.from, node.to);
  return node.name === 'QuotedLabelName' ? (parseString(text) ?? '') : text;
}

function convertSelector(query: string, node: SyntaxNode): Selector {
  const identifier = node.getChild('Identifier');
  const matchers: Matcher[] = [];
  if (identifier !== null) matchers.push(createMatcher('__name__', '=', query.slice(identifier.from, identifier.to)));
  for (let child = node.getChild('LabelMatchers')?.firstChild ?? null; child !== null; child = child.nextSibling) {
    if (child.name !== 'LineComment') matchers.push(convertMatcher(query, child));
  }
  const names = matchers.filter(({ name, op }) => name === '__name__' && op === '=');
  if (names.length > 1 && identifier !== null) {
    const both = names.map(({ value }) => JSON.stringify(value)).join(' or ');
    throw parseError(query, node.from, `metric name must not be set twice: ${both}`);
  }
  if (matchers.every((matcher) => matcher.matches(''))) {
    throw parseError(query, node.from, 'vector selector must contain at least one non-empty matcher');
  }
  return { kind: 'selector', matchers, rangeMs: undefined, offsetMs: 0, at: undefined };
}

/** `name="value"`, or a quoted metric name alone. */
function convertMatcher(query: string, node: SyntaxNode): Matcher {
  if (node.name === 'QuotedLabelName') return createMatcher('__name__', '=', nameOf(query, node));
  const label = node.getChild('LabelName') ?? node.getChild('QuotedLabelName') ?? node;
  const op = node.getChild('MatchOp') ?? node;
  const value = node.getChild('StringLiteral') ?? node;
  try {
    const text = parseString(query.slice(value.from, value.to)) ?? '';
    return createMatcher(nameOf(query, label), query.slice(op.from, op.to) as MatchOp, text);
  } catch (error) {
    if (error instanceof RegexError) throw parseError(query, node.from, error.message);
    throw error;
  }
}

function convertArguments(query: string, node: SyntaxNode): Parsed[] {
  const body = node.getChild('FunctionCallBody');
  return (body?.getChildren('Expr') ?? []).map((argument) => convertExpression(query, argument));
}

function convertCall(query: string, node: SyntaxNode): Call {
  const identifier = node.getChild('FunctionIdentifier') ?? node;
  const name = query.slice(identifier.from, identifier.to);
  const known = functionOf(name);
  if (known === undefined) throw unsupported(query, node, `the function "${name}"`);
  const args = convertArguments(query, node);
  checkCall(query, { name, from: node.from }, known, args);
  return { kind: 'call', name, args: args.map(({ expr }) => expr), returns: known.returns };
}

function convertAggregation(query: string, node: SyntaxNode): Aggregation {
  const operator = node.getChild('AggregateOp') ?? node;
  const op = query.slice(operator.from, operator.to).toLowerCase();
  if (['count_values', 'limitk', 'limit_ratio'].includes(op))
    throw unsupported(query, operator, `the aggregation "${op}"`);
  const args = convertArguments(query, node);
  checkAggregation(query, node.from, op, args);
  const modifier = node.getChild('AggregateModifier');
  return {
    kind: 'aggregation',
    op,
    param: args.length === 2 ? args[0]?.expr : undefined,
    expr: (args.at(-1) as Parsed).expr,
    grouping: labelNames(query, modifier?.getChild('GroupingLabels')),
    without: Boolean(modifier?.getChild('Without')),
  };
}
