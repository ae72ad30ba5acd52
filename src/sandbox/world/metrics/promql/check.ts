import { type Binary, type Expr, typeName, typeOf, type ValueType } from './ast.ts';
import type { Parsed } from './convert.ts';
import { parseError, PromqlError } from './errors.ts';
import type { PromqlFunction } from './functions.ts';

const COMPARISONS = new Set(['==', '!=', '<', '<=', '>', '>=']);
const SET_OPERATORS = new Set(['and', 'or', 'unless']);
const PARAMETRIC = new Set(['topk', 'bottomk', 'quantile']);

export function isComparison(op: string): boolean {
  return COMPARISONS.has(op);
}

function expectType(query: string, parsed: Parsed, wanted: ValueType, where: string): void {
  const found = typeOf(parsed.expr);
  if (found === wanted) return;
  throw parseError(query, parsed.from, `expected type ${typeName(wanted)} in ${where}, got ${typeName(found)}`);
}

/** @param from where the sign stands */
export function checkNegation(query: string, expr: Expr, from: number): void {
  const type = typeOf(expr);
  if (type === 'scalar' || type === 'vector') return;
  const problem = `unary expression only allowed on expressions of type scalar or instant vector, got "${typeName(type)}"`;
  throw parseError(query, from, problem);
}

export function checkCall(
  query: string,
  call: { name: string; from: number },
  known: PromqlFunction,
  args: readonly Parsed[],
): void {
  const { name, from } = call;
  const least = known.args.length - known.optional;
  const most = known.variadic ? Number.POSITIVE_INFINITY : known.args.length;
  if (args.length < least || args.length > most) {
    const bound = least === most ? '' : args.length < least ? 'at least ' : 'at most ';
    const wanted = args.length < least ? least : most;
    throw parseError(query, from, `expected ${bound}${wanted} argument(s) in call to "${name}", got ${args.length}`);
  }
  args.forEach((argument, index) => {
    const wanted = known.args[Math.min(index, known.args.length - 1)] as ValueType;
    expectType(query, argument, wanted, `call to function "${name}"`);
  });
}

export function checkAggregation(query: string, from: number, op: string, args: readonly Parsed[]): void {
  const wanted = PARAMETRIC.has(op) ? 2 : 1;
  if (args.length === 0) throw parseError(query, from, 'no arguments for aggregate expression provided');
  if (args.length !== wanted) {
    throw parseError(
      query,
      from,
      `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`,
    );
  }
  expectType(query, args.at(-1) as Parsed, 'vector', 'aggregation expression');
  if (wanted === 2) expectType(query, args[0] as Parsed, 'scalar', 'aggregation parameter');
}

/** Where the parts of a binary expression stand in the query. */
interface BinaryPlaces {
  left: number;
  right: number;
  operator: number;
}

/** Same order and same places as in Prometheus, so that the first of several problems is the same. */
export function checkBinary(query: string, expr: Binary, at: BinaryPlaces): void {
  const atOperator = operatorProblem(expr);
  if (atOperator !== undefined) throw parseError(query, at.operator, atOperator);
  const notOperand = 'binary expression must contain only scalar and instant vector types';
  if (!isOperand(expr.left)) throw parseError(query, at.left, notOperand);
  if (!isOperand(expr.right)) throw parseError(query, at.right, notOperand);
  const ofMatching = matchingProblem(expr);
  if (ofMatching !== undefined) throw parseError(query, at.left, ofMatching);
}

function isOperand(expr: Expr): boolean {
  const type = typeOf(expr);
  return type === 'scalar' || type === 'vector';
}

function isScalar(expr: Expr): boolean {
  return typeOf(expr) === 'scalar';
}

function operatorProblem({ op, bool, matching, left, right }: Binary): string | undefined {
  if (bool && !isComparison(op)) return 'bool modifier can only be used on comparison operators';
  if (isComparison(op) && !bool && isScalar(left) && isScalar(right)) {
    return 'comparisons between scalars must use BOOL modifier';
  }
  const both = matching.on ? matching.labels.find((label) => matching.include.includes(label)) : undefined;
  return both === undefined ? undefined : `label "${both}" must not occur in ON and GROUP clause at once`;
}

function matchingProblem({ op, matching, left, right }: Binary): string | undefined {
  const scalar = isScalar(left) || isScalar(right);
  if (scalar && matching.labels.length > 0) return 'vector matching only allowed between instant vectors';
  if (!SET_OPERATORS.has(op)) return undefined;
  if (scalar) return `set operator "${op}" not allowed in binary scalar expression`;
  return matching.cardinality === 'many-to-many' ? undefined : `no grouping allowed for "${op}" operation`;
}

/** The types of which a range query can make series. */
export function checkRangeQuery(expr: Expr): void {
  const type = typeOf(expr);
  if (type === 'scalar' || type === 'vector') return;
  const problem = `invalid expression type "${typeName(type)}" for range query, must be Scalar or instant Vector`;
  throw new PromqlError('bad_data', problem);
}
