import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** The repository's folder, absolute. */
export const root: string = join(import.meta.dirname, '..', '..');

const notOurs = new Set(['node_modules', '.git', 'coverage']);

/** Every file below `folder` (relative to the repository), as sorted paths with `/`. A folder that is not there has none. */
export function filesUnder(folder: string): string[] {
  const found: string[] = [];
  const walk = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (notOurs.has(entry.name)) continue;
      const path = join(directory, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile()) found.push(relative(root, path).split(sep).join('/'));
    }
  };
  try {
    walk(join(root, folder));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return found.sort();
}

/** The text of a file named relative to the repository. */
export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}
