/**
 * Whether `a` is a newer resourceVersion than `b`. They are integers of 64 bits, which numbers in JavaScript cannot hold: of
 * two decimals without leading zeros the longer one is larger.
 */
export function isNewer(a: string, b: string): boolean {
  return a.length === b.length ? a > b : a.length > b.length;
}

export function newerOf(a: string, b: string): string {
  return isNewer(a, b) ? a : b;
}

/** @returns the object's resourceVersion. Throws where it has none that can be compared */
export function versionOf(object: { kind?: string; metadata: { name?: string; resourceVersion?: string } }): string {
  const version = object.metadata.resourceVersion;
  if (version !== undefined && /^(0|[1-9]\d{0,19})$/.test(version)) return version;
  throw new Error(
    `${object.kind} ${object.metadata.name}: resourceVersion is ${JSON.stringify(version)}; wanted an integer`,
  );
}
