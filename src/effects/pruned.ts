/**
 * The first field of what was written that is not in what was stored, as a path; undefined when all are. An API server drops what the
 * CustomResourceDefinition does not know.
 */
export function prunedField(written: unknown, stored: unknown, path: string): string | undefined {
  if (written === undefined) return undefined;
  if (stored === undefined) return path;
  if (typeof written !== 'object' || written === null || typeof stored !== 'object' || stored === null)
    return undefined;
  for (const [key, value] of Object.entries(written)) {
    const inner = Array.isArray(written) ? `${path}[${key}]` : `${path}.${key}`;
    const lost = prunedField(value, (stored as Record<string, unknown>)[key], inner);
    if (lost !== undefined) return lost;
  }
  return undefined;
}
