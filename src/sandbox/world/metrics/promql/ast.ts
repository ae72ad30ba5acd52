import type { Matcher } from '../matcher.ts';

export type ValueType = 'scalar' | 'string' | 'vector' | 'matrix';

/** `@`: a moment in epoch ms, or an end of the range query (of an instant query both are its time). */
export type AtModifier = number | 'start' | 'end';

/** Where in time an expression reads. */
export interface TimeShift {
  offsetMs: number;
  at: AtModifier | undefined;
}

/** `metric{label="x"}`, with `rangeMs` for `[5m]` behind it. */
export interface Selector extends TimeShift {
  kind: 'selector';
  matchers: readonly Matcher[];
  rangeMs: number | undefined;
}

export interface Subquery extends TimeShift {
  kind: 'subquery';
  expr: Expr;
  rangeMs: number;
  /** Undefined: the default resolution. */
  stepMs: number | undefined;
}

export interface Call {
  kind: 'call';
  name: string;
  args: readonly Expr[];
  returns: ValueType;
}

export interface Aggregation {
  kind: 'aggregation';
  op: string;
  /** The argument of topk, bottomk and quantile. */
  param: Expr | undefined;
  expr: Expr;
  grouping: readonly string[];
  /** `without (...)` rather than `by (...)`. */
  without: boolean;
}

export interface Matching {
  /** `on (...)` rather than `ignoring (...)`. */
  on: boolean;
  labels: readonly string[];
  cardinality: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';
  /** Labels that group_left or group_right take over from the one side. */
  include: readonly string[];
}

export interface Binary {
  kind: 'binary';
  op: string;
  left: Expr;
  right: Expr;
  bool: boolean;
  matching: Matching;
}

export type Expr =
  | { kind: 'number'; value: number }
  | { kind: 'string'; value: string }
  | { kind: 'negation'; expr: Expr }
  | Selector
  | Subquery
  | Call
  | Aggregation
  | Binary;

export function typeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'selector':
      return expr.rangeMs === undefined ? 'vector' : 'matrix';
    case 'subquery':
      return 'matrix';
    case 'call':
      return expr.returns;
    case 'aggregation':
      return 'vector';
    case 'negation':
      return typeOf(expr.expr);
    case 'binary':
      return typeOf(expr.left) === 'scalar' && typeOf(expr.right) === 'scalar' ? 'scalar' : 'vector';
  }
}

const TYPE_NAMES: Record<ValueType, string> = {
  scalar: 'scalar',
  string: 'string',
  vector: 'instant vector',
  matrix: 'range vector',
};

/** The type as Prometheus' messages name it. */
export function typeName(type: ValueType): string {
  return TYPE_NAMES[type];
}
