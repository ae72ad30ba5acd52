import type { Answer, MeasuredValue } from '../analysis/answer.ts';
import type { MetricsServer, ValueRequest } from '../ports/metrics.ts';
import { BodyError, parseNumber, type RawPoint, readPoints } from './body.ts';
import { placeOf } from './failure.ts';
import type { Question, Reply } from './prometheus.ts';
import { templateQuery } from './template.ts';

/** One number needs no more. */
const maxBytes = 1024 * 1024;
/** A value that says it is from later than this is not believed. */
const clockSlackMs = 1_000;

/** Asks for one number. Never rejects. */
export async function askValue(
  { query: template, variables, atMs }: ValueRequest,
  server: MetricsServer,
  askServer: (question: Question) => Promise<Reply>,
): Promise<Answer<MeasuredValue>> {
  const filled = templateQuery(template, variables);
  if (!filled.ok) {
    return { outcome: 'error', reason: 'Failed', query: template, message: filled.message, invalidQuery: true };
  }
  const { query } = filled;
  const reply = await askServer({ query, atMs, maxBytes });
  if (!reply.ok) {
    const invalid = reply.kind === 'badQuery' ? { invalidQuery: true } : {};
    return { outcome: 'error', reason: 'Failed', query, message: reply.message, ...invalid };
  }
  let points: RawPoint[];
  try {
    points = readPoints(reply.data);
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    return {
      outcome: 'error',
      reason: 'Failed',
      query,
      message: `The metrics server ${placeOf(server)} ${error.message}.`,
    };
  }
  return judgePoints(points, query, atMs);
}

function judgePoints(points: RawPoint[], query: string, atMs: number): Answer<MeasuredValue> {
  const [point] = points;
  if (point === undefined) return { outcome: 'noData', query, message: 'The query gave no series.' };
  if (points.length > 1) {
    const message = `The query gave ${points.length} series; it must give one, e.g. by sum(...).`;
    return { outcome: 'error', reason: 'MultipleSeries', query, message };
  }
  const value = parseNumber(point.text);
  if (value === undefined || (!Number.isFinite(value) && !Number.isNaN(value))) {
    return {
      outcome: 'nonsense',
      query,
      message: `The query gave ${JSON.stringify(point.text)}, which is no measurement.`,
    };
  }
  if (Number.isNaN(value)) return { outcome: 'noData', query, message: 'The query gave NaN, as 0 divided by 0 does.' };
  if (point.atMs > atMs + clockSlackMs) {
    return { outcome: 'noData', query, message: 'The query gave a value from the future.' };
  }
  return { outcome: 'data', query, data: { value, sampleMs: point.atMs } };
}
