/** A text that is not Prometheus' text format 0.0.4. The message names the line. */
export class ExpositionError extends Error {
  override readonly name = 'ExpositionError';
}

/** One line with a value. `series` is the text in front of the value, to be taken apart by {@link parseSeries}. */
export interface ExposedSample {
  series: string;
  value: number;
  /** Epoch ms, where the line carries a time of its own. */
  timestampMs: number | undefined;
  /** Counted from 1. */
  line: number;
}

const METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(,|(?=\}))/y;
const TYPE_LINE = /^#[ \t]*TYPE(?:[ \t]+(\S+)(?:[ \t]+(\S+))?)?[ \t]*$/;
const TYPES = new Set(['counter', 'gauge', 'histogram', 'summary', 'untyped']);
const NUMBER = /^[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|inf|infinity|nan|0x[0-9a-f]+)$/i;

/**
 * Reads Prometheus' text format 0.0.4 whole, or throws {@link ExpositionError} and gives nothing. Label sets are left unread,
 * because whoever scrapes each second has met nearly all of them before.
 */
export function parseExposition(text: string): ExposedSample[] {
  const samples: ExposedSample[] = [];
  let line = 0;
  let from = 0;
  while (from < text.length) {
    line += 1;
    const newline = text.indexOf('\n', from);
    const to = newline === -1 ? text.length : newline;
    const content = text.slice(from, to).trim();
    from = to + 1;
    if (content === '') continue;
    if (content.startsWith('#')) checkComment(content, line);
    else samples.push(parseSample(content, line));
  }
  return samples;
}

function checkComment(content: string, line: number): void {
  const type = TYPE_LINE.exec(content);
  if (type === null) return;
  const [, metric = '', name = ''] = type;
  if (TYPES.has(name)) return;
  throw new ExpositionError(
    `line ${line}: TYPE of metric "${metric}" is "${name}", want one of ${[...TYPES].join(', ')}`,
  );
}

function parseSample(content: string, line: number): ExposedSample {
  const end = endOfSeries(content, line);
  const fields = content
    .slice(end)
    .trim()
    .split(/[ \t]+/);
  const [value = '', timestamp] = fields;
  if (fields.length > 2) throw new ExpositionError(`line ${line}: unexpected "${fields[2]}" after value and timestamp`);
  if (timestamp !== undefined && !/^-?\d+$/.test(timestamp)) {
    throw new ExpositionError(`line ${line}: timestamp "${timestamp}" is not a whole number of milliseconds`);
  }
  const timestampMs = timestamp === undefined ? undefined : Number(timestamp);
  return { series: content.slice(0, end), value: parseValue(value, line), timestampMs, line };
}

/** @returns the index after the name and, where there is one, the closing brace of the labels */
function endOfSeries(content: string, line: number): number {
  const name = METRIC.exec(content)?.[0];
  if (name === undefined)
    throw new ExpositionError(`line ${line}: "${content.slice(0, 40)}" does not start with a metric name`);
  let at = name.length;
  while (content[at] === ' ' || content[at] === '\t') at += 1;
  if (content[at] !== '{') return name.length;
  let quoted = false;
  for (; at < content.length; at++) {
    const char = content[at];
    if (quoted && char === '\\') at += 1;
    else if (char === '"') quoted = !quoted;
    else if (char === '}' && !quoted) return at + 1;
  }
  throw new ExpositionError(`line ${line}: the labels of "${name}" have no closing brace`);
}

/** A value as Go writes and reads it: `NaN`, `+Inf`, `1e-05`. */
function parseValue(text: string, line: number): number {
  if (!NUMBER.test(text)) throw new ExpositionError(`line ${line}: value "${text}" is not a number`);
  const lower = text.toLowerCase();
  if (lower.endsWith('nan')) return Number.NaN;
  if (lower.includes('inf')) return lower.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}

/** @returns name (as `__name__`) and labels of a sample's `series` text, escapes resolved */
export function parseSeries(series: string, line: number): Map<string, string> {
  const name = METRIC.exec(series)?.[0] ?? '';
  const labels = new Map([['__name__', name]]);
  let at = series.indexOf('{') + 1;
  if (at === 0) return labels;
  const end = series.length - 1;
  while (series.slice(at, end).trim() !== '') {
    LABEL.lastIndex = at;
    const match = LABEL.exec(series);
    if (match === null)
      throw new ExpositionError(`line ${line}: cannot read the labels of "${name}" at "${series.slice(at, at + 40)}"`);
    const [whole, label = '', value = ''] = match;
    if (labels.has(label)) throw new ExpositionError(`line ${line}: "${name}" has the label "${label}" twice`);
    labels.set(label, unescape(value));
    at += whole.length;
  }
  return labels;
}

function unescape(value: string): string {
  if (!value.includes('\\')) return value;
  return value.replace(/\\(.)/gs, (both, char: string) =>
    char === 'n' ? '\n' : char === '"' || char === '\\' ? char : both,
  );
}
