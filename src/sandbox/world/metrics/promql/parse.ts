import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import type { Expr } from './ast.ts';
import { convertExpression } from './convert.ts';
import { parseError } from './errors.ts';
import { parseString } from './literals.ts';

const CACHE_SIZE = 2000;
const cache = new Map<string, Expr>();

/**
 * Parses and checks a query. Equal texts give the same tree, so that what is cached per tree (selections) lives on.
 * @throws PromqlError `bad_data`, with line, column and Prometheus' wording
 */
export function parsePromql(query: string): Expr {
  const known = cache.get(query);
  if (known !== undefined) return known;
  const expr = parseFresh(query);
  if (cache.size >= CACHE_SIZE) cache.delete(cache.keys().next().value ?? '');
  cache.set(query, expr);
  return expr;
}

function parseFresh(query: string): Expr {
  if (query.replace(/#.*/g, '').trim() === '') throw parseError(query, query.length, 'no expression found in input');
  const root = parser.parse(query).topNode;
  refuseSyntaxErrors(query, root);
  const [node] = root.getChildren('Expr');
  if (node === undefined) throw parseError(query, 0, 'no expression found in input');
  return convertExpression(query, node).expr;
}

/** The grammar carries on after an error and takes quotes that are never closed; a query is refused at the first of either. */
function refuseSyntaxErrors(query: string, root: SyntaxNode): void {
  const cursor = root.cursor();
  do {
    if (cursor.type.isError) throw unexpected(query, cursor.from);
    if (cursor.name === 'StringLiteral' && parseString(query.slice(cursor.from, cursor.to)) === undefined) {
      throw parseError(query, cursor.from, 'unterminated quoted string or unknown escape sequence');
    }
  } while (cursor.next());
}

function unexpected(query: string, offset: number): Error {
  const before = query.slice(0, offset).trimEnd();
  const at = offset + (query.slice(offset).length - query.slice(offset).trimStart().length);
  if (at >= query.length) return parseError(query, query.length, 'unexpected end of input');
  const called = /[a-zA-Z_:][a-zA-Z0-9_:]*$/.exec(before)?.[0];
  if (query[at] === '(' && called !== undefined) {
    return parseError(query, before.length - called.length, `unknown function with name "${called}"`);
  }
  const found = /^(?:[\w:.]+|[=!<>~]+|.)/s.exec(query.slice(at))?.[0] ?? '';
  return parseError(query, at, `unexpected ${JSON.stringify(found)}`);
}
