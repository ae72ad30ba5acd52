import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesUnder, read, root } from './tree.ts';

const generatedPath = /(^|[/.-])generated([/.-]|$)/;
const files = filesUnder('.');
const texts = files.filter((path) => !/\.(png|ico|gz|zip|woff2)$/.test(path));

// Put together from parts, so that this file does not hold what it looks for.
const machinePaths = new RegExp(`(?<![\\w./-])/(?:${['home', 'Users', 'root', 'work', 'workspace'].join('|')})/\\w`);
const registryHosts = new RegExp(
  [
    ['registry', 'npmjs', 'org'].join('\\.'),
    ['registry', 'yarnpkg', 'com'].join('\\.'),
    ['npm', 'pkg', 'github', 'com'].join('\\.'),
    ['registry', 'npmmirror', 'com'].join('\\.'),
    `//[^/\\s"']*(?:${['artifactory', 'verdaccio', 'nexus', 'jfrog'].join('|')})`,
    `local${'host'}:4873`,
  ].join('|'),
  'i',
);

/** `file:line` of each line that `pattern` finds. */
function linesWith(pattern: RegExp): string[] {
  return texts.flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : [])),
  );
}

describe('the repository', () => {
  test('has what is agreed at its top level', () => {
    const wanted = [
      'package.json',
      'tsconfig.json',
      'src',
      'charts',
      'crds',
      'dashboards',
      'test',
      'README.md',
      'docs',
    ];
    expect(wanted.filter((name) => !existsSync(join(root, name)))).toEqual([]);
  });

  test('holds no path of the machine that it was written on', () => {
    expect(linesWith(machinePaths)).toEqual([]);
  });

  test('holds no host of a package registry', () => {
    expect(linesWith(registryHosts)).toEqual([]);
  });

  test('has no source file over 400 lines, generated ones apart', () => {
    const long = filesUnder('src')
      .filter((path) => !generatedPath.test(path))
      .map((path) => ({ path, lines: read(path).split('\n').length - 1 }))
      .filter(({ lines }) => lines > 400);
    expect(long).toEqual([]);
  });

  test('names generated files so that everybody sees what they are', () => {
    const saysSo = /^(?:\/\/|#|<!--|\/\*\*?)\s*(?:code )?generated (?:by|from)\b/i;
    const hidden = texts.filter((path) => !generatedPath.test(path) && saysSo.test(read(path).slice(0, 200)));
    expect(hidden).toEqual([]);
  });
});
