/** JSON with sorted keys, without empty values, so that two templates that mean the same give the same text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value)) ?? 'null';
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined && field !== null)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, sorted(field)]),
  );
}

const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** A short name that depends on `text` alone, in the letters that Kubernetes uses for generated names. */
export function shortHash(text: string, length = 10): string {
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) {
    hash = ((hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return letters(hash, length);
}

/** `length` letters out of random numbers, as in the names of pods. */
export function randomSuffix(next: () => number, length = 5): string {
  return Array.from({ length }, () => alphabet[Math.floor(next() * alphabet.length)]).join('');
}

function letters(seed: bigint, length: number): string {
  let rest = seed;
  let text = '';
  for (let i = 0; i < length; i++) {
    text += alphabet[Number(rest % BigInt(alphabet.length))];
    rest /= BigInt(alphabet.length);
  }
  return text;
}

/** A time as objects carry it: seconds, UTC. */
export function kubeTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
