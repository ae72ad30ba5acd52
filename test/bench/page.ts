import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Result, tableOf } from './report.ts';

const page = join(import.meta.dirname, '../../docs/performance.md');
const marks = { begin: '<!-- measured: npm run bench -- --write -->', end: '<!-- end of measured -->' };

/** Puts the numbers between the marks of docs/performance.md. */
export function writePage(results: Result[]): void {
  const text = readFileSync(page, 'utf8');
  const [before, rest] = text.split(marks.begin);
  const after = rest?.split(marks.end)[1];
  if (before === undefined || after === undefined)
    throw new Error(`${page} has lost its marks: ${JSON.stringify(marks)}`);
  writeFileSync(page, `${before}${marks.begin}\n\n${tableOf(results)}\n\n${marks.end}${after}`);
}
