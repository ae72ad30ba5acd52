const UNIT_MS: Record<string, number> = {
  y: 365 * 86_400_000,
  w: 7 * 86_400_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
};

/** `1h30m` → milliseconds; undefined when it is not a duration. */
export function parseDurationMs(text: string): number | undefined {
  if (!/^(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m(?!s))?(\d+s)?(\d+ms)?$/.test(text) || text === '') return undefined;
  let total = 0;
  for (const [, count, unit = ''] of text.matchAll(/(\d+)(ms|[ywdhms])/g))
    total += Number(count) * (UNIT_MS[unit] ?? 0);
  return total;
}

/** A number as PromQL writes it, without sign: `1e3`, `0x1f`, `1_000`, `Inf`, `NaN`, and durations, which are seconds. */
export function parseNumber(text: string): number {
  const lower = text.toLowerCase().replaceAll('_', '');
  if (lower === 'inf') return Number.POSITIVE_INFINITY;
  if (lower === 'nan') return Number.NaN;
  const durationMs = parseDurationMs(text);
  return durationMs === undefined ? Number(lower) : durationMs / 1000;
}

const SIMPLE_ESCAPES: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};
const ESCAPE = /\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/gsu;

/** A quoted text of PromQL, with Go's escapes. @returns undefined when it is not closed or has an unknown escape */
export function parseString(text: string): string | undefined {
  const quote = text[0] ?? '';
  if (text.length < 2 || text.at(-1) !== quote) return undefined;
  const inner = text.slice(1, -1);
  if (quote === '`') return inner;
  let valid = !/(?:^|[^\\])(?:\\\\)*\\$/.test(inner);
  const value = inner.replace(ESCAPE, (_, escape: string) => {
    const char = unescaped(escape, quote);
    if (char === undefined) valid = false;
    return char ?? '';
  });
  return valid ? value : undefined;
}

/** @param escape what stands behind the backslash */
function unescaped(escape: string, quote: string): string | undefined {
  if (escape.length > 1) {
    const hex = /^[xuU]/.test(escape);
    const code = Number.parseInt(hex ? escape.slice(1) : escape, hex ? 16 : 8);
    return code > 0x10ffff ? undefined : String.fromCodePoint(code);
  }
  const isOtherQuote = (escape === '"' || escape === "'") && escape !== quote;
  return isOtherQuote ? undefined : SIMPLE_ESCAPES[escape];
}
