const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Milliseconds of a Go duration such as `1m30s`.
 * @throws RangeError when the text is not one
 */
export function durationMs(text: string): number {
  if (!/^(\d+(ms|s|m|h))+$/.test(text)) {
    throw new RangeError(`"${text}" is not a duration: write numbers with ms, s, m or h, such as 30s or 1m30s`);
  }
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+)(ms|s|m|h)/g)) total += Number(number) * (units[unit ?? ''] ?? 0);
  return total;
}
