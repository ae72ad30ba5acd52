import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';

/** `linnet version`: what this is, for bug reports. */
export function versionCommand(): Command {
  return new Command('version').description('Print the version of Linnet and of Node').action(() => {
    console.log(versionLine());
  });
}

/** e.g. `linnet 1.2.3 (Node 24.1.0, linux x64)` */
export function versionLine(): string {
  const file = join(import.meta.dirname, '../../package.json');
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return `linnet ${version} (Node ${process.versions.node}, ${process.platform} ${process.arch})`;
}
