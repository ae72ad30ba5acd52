import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { type CustomResourceDefinition, canaryCrd, metricTemplateCrd } from '../src/api/crd.ts';
import { stateDiagram } from '../src/decide/diagram.ts';
import { table } from '../src/decide/table.ts';
import { referencePage } from './reference.ts';

/** A file of the tree that is made from the source. */
interface Generator {
  /** Where it goes, relative to the repository; carries `generated` in it. */
  path: string;
  /** The whole text, the same each time. */
  make(): string;
}

const generators: readonly Generator[] = [
  { path: 'crds/canaries.generated.yaml', make: () => yamlOf(canaryCrd) },
  { path: 'crds/metrictemplates.generated.yaml', make: () => yamlOf(metricTemplateCrd) },
  { path: 'docs/reference.generated.md', make: () => referencePage([canaryCrd, metricTemplateCrd]) },
  { path: 'docs/state-diagram.generated.md', make: diagramPage },
];

const root = join(import.meta.dirname, '..');
const stale = generators.filter((file) => present(file.path) !== file.make());

if (process.argv.includes('--check')) {
  for (const { path } of stale)
    console.error(`${path} is not what the source makes of it: run "npm run generate" and commit it`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const file of stale) {
    mkdirSync(dirname(join(root, file.path)), { recursive: true });
    writeFileSync(join(root, file.path), file.make());
    console.log(`wrote ${file.path}`);
  }
}

function yamlOf(crd: CustomResourceDefinition): string {
  const head = '# Made from src/api by "npm run generate".\n';
  return head + stringify(crd, { lineWidth: 0, aliasDuplicateObjects: false });
}

function diagramPage(): string {
  return `<!-- Made from src/decide/table.ts by "npm run generate". -->
# The stages of a release

Grey stages are outside of a release. A change of the stage that is not here does not happen: the state machine has one row for each stage.

\`\`\`mermaid
${stateDiagram(table)}
\`\`\`
`;
}

function present(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
