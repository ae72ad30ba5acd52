import { dirname, posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { forbiddenImports, roomOf } from './rooms.ts';
import { importsOf } from './source.ts';
import { filesUnder, read } from './tree.ts';

const sources = filesUnder('src').filter((path) => path.endsWith('.ts'));

describe('the import rule', () => {
  test('holds for every file of src', () => {
    expect(sources.flatMap((path) => forbiddenImports(path, read(path)))).toEqual([]);
  });

  test('lets the command line start the sandbox through one entry only', () => {
    const entries = sources
      .filter((path) => roomOf(path) === 'cli')
      .flatMap((path) => importsOf(read(path)).map(({ specifier }) => posix.join(dirname(path), specifier)))
      .filter((target) => target.startsWith('src/sandbox/'));
    expect(new Set(entries).size, `cli imports ${entries.join(', ')}`).toBeLessThanOrEqual(1);
  });

  const refused: Record<string, [path: string, source: string, complaint: string]> = {
    'a pure room that imports an adapter': [
      'src/decide/next.ts',
      "import { a } from '../api/kinds.ts';\nimport { b } from '../kube/watch.ts';",
      'src/decide/next.ts:2 imports ../kube/watch.ts, but decide may import api, analysis, routes (and itself), not kube',
    ],
    'a type taken from a forbidden room': [
      'src/api/kinds.ts',
      "export type A = import('../ports/kube.ts').Kube;",
      'src/api/kinds.ts:1 imports ../ports/kube.ts, but api may import nothing (and itself), not ports',
    ],
    'a re-export from a forbidden room': [
      'src/routes/edit.ts',
      "export { now } from '../system.ts';",
      'src/routes/edit.ts:1 imports ../system.ts, but routes may import api (and itself), not system.ts',
    ],
    'a module of Node in a pure room': [
      'src/analysis/judge.ts',
      "import { readFileSync } from 'node:fs';",
      'src/analysis/judge.ts:1 imports node:fs, but analysis may import nothing of Node',
    ],
    'a package in a pure room': [
      'src/api/canary.ts',
      "import Type from 'typebox';\nimport Ajv from 'ajv/dist/2020.js';",
      'src/api/canary.ts:2 imports ajv/dist/2020.js, but api may import typebox as packages',
    ],
    'a package outside its home': [
      'src/effects/route.ts',
      "const k = await import('@kubernetes/client-node');",
      'src/effects/route.ts:1 imports @kubernetes/client-node, but @kubernetes/client-node is known to src/kube only',
    ],
    'a socket in the world of the sandbox': [
      'src/sandbox/world/gateway.ts',
      "import { createServer } from 'node:http';",
      'src/sandbox/world/gateway.ts:1 imports node:http, but sandbox/world may import node:crypto of Node',
    ],
    'the world of the sandbox leaning on its HTTP skin': [
      'src/sandbox/world/gateway.ts',
      "import { serve } from '../http/server.ts';",
      'src/sandbox/world/gateway.ts:1 imports ../http/server.ts, but sandbox/world may import api, ports (and itself), not sandbox',
    ],
    'a room that the table does not know': [
      'src/helpers/x.ts',
      '',
      'src/helpers/x.ts: the room "helpers" is not in test/house/rooms.ts: say there what it may import',
    ],
    'an import whose name is worked out when it runs': [
      'src/routes/edit.ts',
      'const name = "x"; await import(name);',
      'src/routes/edit.ts:1 imports (worked out when it runs), but routes may import nothing as packages',
    ],
  };
  test.each(Object.entries(refused))('refuses %s', (_name, [path, source, complaint]) => {
    expect(forbiddenImports(path, source)).toEqual([complaint]);
  });

  test('allows what the table allows', () => {
    expect(
      forbiddenImports('src/main.ts', "import { a } from './kube/watch.ts'; import './effects/route.ts';"),
    ).toEqual([]);
    expect(forbiddenImports('src/api/digest.ts', "import { createHash } from 'node:crypto';")).toEqual([]);
    expect(
      forbiddenImports('src/sandbox/http/server.ts', "import { w } from '../world/store.ts'; import 'node:http';"),
    ).toEqual([]);
    expect(forbiddenImports('src/kube/client.ts', "import { K } from '@kubernetes/client-node';")).toEqual([]);
  });
});
