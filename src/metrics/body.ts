import type { Sample } from '../analysis/timeline.ts';

/** A series as it came. */
export interface RawSeries {
  labels: Record<string, string>;
  samples: Sample[];
  /** A sample that no counter can have (NaN, ±Inf, negative, not a number); the samples then end before it. */
  nonsense?: string;
}

/** A value as the server wrote it, and its time. */
export interface RawPoint {
  atMs: number;
  text: unknown;
}

/** A body that is not what was asked for; the message goes on from "The metrics server ...". */
export class BodyError extends Error {
  override readonly name = 'BodyError';
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** A number in the form that Prometheus writes, `NaN` and `±Inf` included; undefined for anything else. */
export function parseNumber(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  if (text === 'NaN') return Number.NaN;
  if (text === '+Inf' || text === 'Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return decimal.test(text) ? Number(text) : undefined;
}

/** The series of a range vector. Native histograms are left out. @throws BodyError */
export function readMatrix(data: unknown): RawSeries[] {
  return resultOf(data, 'matrix').flatMap((item) => {
    const { metric, values, histograms } = record(item);
    if (values === undefined && Array.isArray(histograms)) return [];
    if (!Array.isArray(values)) throw new BodyError('sent a series without values');
    return [readSeries(labelsOf(metric), values)];
  });
}

function readSeries(labels: Record<string, string>, values: unknown[]): RawSeries {
  const samples: Sample[] = [];
  for (const item of values) {
    const { atMs, text } = pointOf(item);
    const value = parseNumber(text);
    if (value === undefined || !Number.isFinite(value) || value < 0) {
      return { labels, samples, nonsense: JSON.stringify(text) };
    }
    if (atMs > (samples.at(-1)?.atMs ?? -Infinity)) samples.push({ atMs, value });
  }
  return { labels, samples };
}

/** The values of an instant vector or scalar. @throws BodyError */
export function readPoints(data: unknown): RawPoint[] {
  const { resultType, result } = record(data);
  if (resultType === 'scalar') return [pointOf(result)];
  return resultOf(data, 'vector').map((item) => {
    const { value, histogram } = record(item);
    if (value === undefined && histogram !== undefined)
      throw new BodyError('sent a native histogram instead of a number');
    return pointOf(value);
  });
}

function resultOf(data: unknown, type: string): unknown[] {
  const { resultType, result } = record(data);
  if (Array.isArray(result) && result.length === 0 && resultType === 'vector') return [];
  if (resultType !== type) throw new BodyError(`sent a ${String(resultType)} where a ${type} is wanted`);
  if (!Array.isArray(result)) throw new BodyError(`sent a ${type} without a list of series`);
  return result;
}

function pointOf(item: unknown): RawPoint {
  if (!Array.isArray(item) || item.length !== 2) throw new BodyError('sent a sample that is no pair of time and value');
  const [time, text] = item as [unknown, unknown];
  if (typeof time !== 'number' || !Number.isFinite(time)) throw new BodyError('sent a sample without a time');
  return { atMs: Math.round(time * 1000), text };
}

function labelsOf(metric: unknown): Record<string, string> {
  const labels = Object.entries(record(metric)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(labels);
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null)
    throw new BodyError('sent an answer of another shape than Prometheus does');
  return value as Record<string, unknown>;
}
