import { parseAst } from 'vitest/node';

/** Something in a source file that a rule of the house looks at. `line` counts from 1. */
export interface Import {
  line: number;
  /** As written: `./x.ts`, `node:fs`, `typebox/value`. */
  specifier: string;
}

/** A node of the ESTree that the parser gives, as far as the walk needs it. */
interface Node {
  type: string;
  start: number;
  [key: string]: unknown;
}

/** Every module that a TypeScript source names: imports, re-exports, `import()` and `import('x').T`. */
export function importsOf(text: string): Import[] {
  const found: Import[] = [];
  visit(text, (node) => {
    const specifier = literal(node['source']) ?? (node.type === 'TSImportType' ? literal(node['argument']) : undefined);
    if (specifier !== undefined) found.push({ line: lineAt(text, node.start), specifier });
    else if (node.type === 'ImportExpression') {
      found.push({ line: lineAt(text, node.start), specifier: '(worked out when it runs)' });
    }
  });
  return found;
}

/** The lines on which the present time is read by `new Date()` or `Date()`; `new Date(ms)` is fine. */
export function presentDatesOf(text: string): number[] {
  const found: number[] = [];
  visit(text, (node) => {
    const callee = node['callee'] as Node | undefined;
    if (callee?.type !== 'Identifier' || callee['name'] !== 'Date') return;
    const isNow = node.type === 'CallExpression' || (node['arguments'] as Node[]).length === 0;
    if (isNow) found.push(lineAt(text, node.start));
  });
  return found;
}

function visit(text: string, look: (node: Node) => void): void {
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (isNode(value)) {
      look(value);
      Object.values(value).forEach(walk);
    }
  };
  // Its successor parseSync is exported by vite only, which is not a dependency of ours.
  // oxlint-disable-next-line typescript/no-deprecated
  walk(parseAst(text, { lang: 'ts' }));
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

function literal(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === 'TSLiteralType') return literal(value['literal']);
  return value.type === 'Literal' && typeof value['value'] === 'string' ? value['value'] : undefined;
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
