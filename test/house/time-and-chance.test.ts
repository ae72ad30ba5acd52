import { describe, expect, test } from 'vitest';
import { presentDatesOf } from './source.ts';
import { filesUnder, read } from './tree.ts';

// The other ways to read the clock, draw a number or set a timer are restricted in .oxlintrc.json, with the same exceptions.
const adapters = ['src/system.ts', 'src/kube/', 'src/metrics/', 'src/server/', 'src/sandbox/http/'];

describe('time', () => {
  test('is never read by `new Date()` outside the adapters', () => {
    const complaints = filesUnder('src')
      .filter((path) => path.endsWith('.ts') && !adapters.some((adapter) => path.startsWith(adapter)))
      .flatMap((path) =>
        presentDatesOf(read(path)).map((line) => `${path}:${line}: take a Clock: new Date(clock.now())`),
      );
    expect(complaints).toEqual([]);
  });

  test('is told from moments that are given', () => {
    const source =
      'const a = new Date(5);\nconst b = new Date();\nconst c = Date();\nconst d = new Date;\nfoo();\nDate.parse("");';
    expect(presentDatesOf(source)).toEqual([2, 3, 4]);
  });
});
