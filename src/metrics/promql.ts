/** Text as it stands between the double quotes of a PromQL string. */
export function stringEscaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** Text as a regular expression (RE2) that matches just it. */
export function regexQuoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** A matcher for one of the values, or one of the patterns. */
export function matcher(label: string, values: readonly string[], match: 'exact' | 'pattern' = 'exact'): string {
  const [only] = values;
  if (match === 'exact' && values.length === 1 && only !== undefined) return `${label}="${stringEscaped(only)}"`;
  const patterns = match === 'exact' ? values.map(regexQuoted) : values;
  return `${label}=~"${stringEscaped(patterns.join('|'))}"`;
}
