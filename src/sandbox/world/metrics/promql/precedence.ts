import type { SyntaxNode } from '@lezer/common';

/** What to make of each part of an expression. */
export interface Operators<T> {
  operand(node: SyntaxNode): T;
  unary(sign: string, operand: T, from: number): T;
  /** @param node the BinaryExpr that holds operator and modifiers; its own operands may be the wrong ones */
  binary(node: SyntaxNode, left: T, right: T): T;
  /** @param node the range, subquery, offset or @ expression; what it is applied to may be the wrong one */
  postfix(operand: T, node: SyntaxNode): T;
}

type Item =
  | { kind: 'operand' | 'binary' | 'postfix'; node: SyntaxNode }
  | { kind: 'unary'; sign: string; from: number };

const POSTFIXES = new Set([
  'MatrixSelector',
  'SubqueryExpr',
  'OffsetExpr',
  'StepInvariantExpr',
  'AnchoredExpr',
  'SmoothedExpr',
]);

const PRECEDENCE: Record<string, number> = {
  Or: 1,
  And: 2,
  Unless: 2,
  Eql: 3,
  Neq: 3,
  Lte: 3,
  Lss: 3,
  Gte: 3,
  Gtr: 3,
  TrimUpper: 3,
  TrimLower: 3,
  Add: 4,
  Sub: 4,
  Mul: 5,
  Div: 5,
  Mod: 5,
  Atan2: 5,
  Pow: 6,
};
const POWER = 6;

/**
 * Walks an expression in the precedence of Prometheus' own parser. The editor's grammar gives other trees where it does not matter
 * for colouring: in `a + b offset 5m` it applies the offset to the sum, and it takes `-1 ^ 2` as the square of -1. So the tree is only
 * read for the order of its parts, and those are put together anew.
 */
export function climb<T>(query: string, node: SyntaxNode, operators: Operators<T>): T {
  const items = flatten(query, node);
  let at = 0;

  const binaryAt = (minimum: number): SyntaxNode | undefined => {
    const item = items[at];
    return item?.kind === 'binary' && precedenceOf(item.node) >= minimum ? item.node : undefined;
  };

  const expression = (minimum: number): T => {
    let left = unary();
    for (let operator = binaryAt(minimum); operator !== undefined; operator = binaryAt(minimum)) {
      at += 1;
      const precedence = precedenceOf(operator);
      const right = expression(precedence === POWER ? POWER : precedence + 1);
      left = operators.binary(operator, left, right);
    }
    return left;
  };

  const unary = (): T => {
    const item = items[at++];
    if (item === undefined) throw new Error(`the grammar left an operator without operand in ${query}`);
    if (item.kind === 'unary') return operators.unary(item.sign, expression(POWER), item.from);
    let operand = operators.operand(item.node);
    for (let next = items[at]; next?.kind === 'postfix'; next = items[at]) {
      operand = operators.postfix(operand, next.node);
      at += 1;
    }
    return operand;
  };

  return expression(0);
}

function precedenceOf(binary: SyntaxNode): number {
  for (let child = binary.firstChild; child !== null; child = child.nextSibling) {
    const precedence = PRECEDENCE[child.name];
    if (precedence !== undefined) return precedence;
  }
  return 0;
}

/** The parts in the order of the text, which no wrong nesting changes. */
function flatten(query: string, node: SyntaxNode): Item[] {
  const operands = node.getChildren('Expr');
  const [first] = operands;
  if (node.name === 'BinaryExpr') {
    const last = operands.at(-1) as SyntaxNode;
    return [...flatten(query, first as SyntaxNode), { kind: 'binary', node }, ...flatten(query, last)];
  }
  if (node.name === 'UnaryExpr') {
    return [{ kind: 'unary', sign: query[node.from] ?? '', from: node.from }, ...flatten(query, first as SyntaxNode)];
  }
  if (POSTFIXES.has(node.name)) return [...flatten(query, first as SyntaxNode), { kind: 'postfix', node }];
  const sign = query[node.from] ?? '';
  const operand: Item = { kind: 'operand', node };
  const signed = node.name === 'NumberDurationLiteral' && (sign === '-' || sign === '+');
  return signed ? [{ kind: 'unary', sign, from: node.from }, operand] : [operand];
}
