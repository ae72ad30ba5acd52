/** A cumulative histogram as Prometheus' text format shows it. */
export interface Histogram {
  /** Upper edges, rising, without +Inf. */
  edges: readonly number[];
  /** Observations per bucket, one more than edges; not cumulative. */
  counts: number[];
  sum: number;
}

export type Labels = Record<string, string | number>;

export function createHistogram(edges: readonly number[]): Histogram {
  return { edges, counts: Array.from({ length: edges.length + 1 }, () => 0), sum: 0 };
}

export function observe(histogram: Histogram, value: number): void {
  const at = histogram.edges.findIndex((edge) => value <= edge);
  const bucket = at < 0 ? histogram.edges.length : at;
  histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1;
  histogram.sum += value;
}

/** The lines of one histogram's series: `_bucket`, `_sum`, `_count`. */
export function histogramLines(name: string, labels: Labels, histogram: Histogram): string[] {
  // Formatted once for all of the buckets: a scrape of many series is mostly this.
  const pairs = pairsOf(labels);
  let total = 0;
  const lines = histogram.counts.map((count, i) => {
    total += count;
    return line(`${name}_bucket`, [...pairs, `le="${histogram.edges[i] ?? '+Inf'}"`], total);
  });
  return [...lines, line(`${name}_sum`, pairs, histogram.sum), line(`${name}_count`, pairs, total)];
}

export function sampleLine(name: string, labels: Labels, value: number): string {
  return line(name, pairsOf(labels), value);
}

function pairsOf(labels: Labels): string[] {
  return Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(String(text))}"`);
}

function line(name: string, pairs: readonly string[], value: number): string {
  return pairs.length === 0 ? `${name} ${value}` : `${name}{${pairs.join(',')}} ${value}`;
}

/** One metric family: its type, then its lines; empty when there are none. */
export function family(name: string, type: 'counter' | 'histogram' | 'gauge', lines: readonly string[]): string {
  return lines.length === 0 ? '' : `# TYPE ${name} ${type}\n${lines.join('\n')}\n`;
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
