import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesUnder, read, root } from './tree.ts';

const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
const pages = [...filesUnder('docs'), ...filesUnder('.').filter((path) => /^[^/]+\.md$/.test(path))].filter((path) =>
  path.endsWith('.md'),
);

describe('the commands', () => {
  test('that README and docs name are scripts of package.json', () => {
    const unknown = pages.flatMap((path) =>
      [...read(path).matchAll(/\bnpm (?:run ([\w:-]+)|(test)\b)/g)]
        .map((match) => match[1] ?? 'test')
        .filter((name) => scripts[name] === undefined)
        .map((name) => `${path}: npm run ${name}`),
    );
    expect(unknown).toEqual([]);
  });

  test('that .ci/run calls are scripts of package.json', () => {
    const called = [...read('.ci/run').matchAll(/^(?:vitest_suite|check|suite) +([\w:-]+)/gm)].map(
      (match) => match[1] ?? '',
    );
    expect(called.length).toBeGreaterThan(5);
    expect(called.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  test('that verify is made of are all run by .ci/run', () => {
    const parts = [...(scripts['verify'] ?? '').matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1]);
    expect(parts).toContain('lint');
    expect(parts.filter((name) => !read('.ci/run').includes(`\ncheck ${name} `))).toEqual([]);
  });

  test('set the tree up by themselves, so that a fresh clone needs nothing else', () => {
    const needSetup = ['test', 'test:prometheus', 'test:e2e', 'sim', 'bench', 'demo', 'verify', 'linnet'];
    expect(needSetup.filter((name) => scripts[`pre${name}`] !== 'sh bin/setup')).toEqual([]);
  });

  test('run every heavy folder of test/ that there is', () => {
    const heavy: Record<string, string> = {
      'test/prometheus': 'test:prometheus',
      'test/e2e': 'test:e2e',
      'test/sim/main.ts': 'sim',
      'test/bench/main.ts': 'bench',
    };
    const forgotten = Object.entries(heavy).filter(
      ([path, script]) => existsSync(join(root, path)) && !new RegExp(`^\\w+ +${script} `, 'm').test(read('.ci/run')),
    );
    expect(forgotten).toEqual([]);
  });
});
