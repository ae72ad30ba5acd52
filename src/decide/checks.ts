import { clearBreach } from '../analysis/clear-breach.ts';
import { type Baseline, type SideCounts, countsBetween } from '../analysis/counts.ts';
import { judgeDuration, judgeSuccessRate, judgeUnanswered, judgeValue } from '../analysis/judge.ts';
import type { Verdict } from '../analysis/verdict.ts';
import type { MetricSpec } from '../api/canary-spec.ts';
import type { CheckRecord } from '../api/canary-status.ts';
import { judgedSide, rungs } from './ladder.ts';
import { type AttemptTurn, iso, ms } from './turn.ts';
import type { Measured } from './view.ts';

/** Requests that a built-in check needs when `minSamples` is not given. */
const defaultMinSamples = 20;

/** A verdict on one check together with what was asked. */
export interface Judged {
  metric: MetricSpec;
  query: string | undefined;
  verdict: Verdict;
}

interface Window {
  fromMs: number;
  toMs: number;
  baseline: Baseline;
}

/**
 * The checks that fail already, whatever the rest of the present interval may bring. Failing evidence counts from the accepted
 * write; intervals follow each other without overlap, so that each can fail once.
 */
export function clearBreaches(turn: AttemptTurn, measured: Measured): Judged[] {
  const intervalMs = intervalOf(turn);
  const marked = ms(turn.release.failFrom, Number.NaN);
  // A clock that went back must not keep breaches from being seen.
  const from = marked > turn.nowMs ? turn.nowMs - intervalMs + 1 : marked;
  if (Number.isNaN(from) || turn.nowMs === from) return [];
  const windowMs = from + Math.floor((turn.nowMs - from) / intervalMs) * intervalMs;
  const window: Window = { fromMs: windowMs, toMs: turn.nowMs, baseline: 'before' };
  return metricsOf(turn)
    .filter((metric) => metric.templateRef === undefined)
    .filter((metric) => {
      const counts = countsOf(turn, measured, window);
      return (
        counts !== undefined &&
        clearBreach({
          metric: metric.name as 'request-success-rate' | 'request-duration',
          counts,
          limit: metric.thresholdRange,
          minSamples: metric.minSamples ?? defaultMinSamples,
          elapsedMs: turn.nowMs - windowMs,
          intervalMs,
        })
      );
    })
    .map((metric) => judge(turn, measured, metric, window))
    .filter((judged) => judged.verdict.verdict === 'fail');
}

/** All checks on the requests since the observed share agreed: what it takes to pass a step. */
export function judgeStep(turn: AttemptTurn, measured: Measured | undefined): Judged[] {
  const fromMs = ms(turn.release.passFrom, turn.nowMs);
  const window: Window = { fromMs, toMs: turn.nowMs, baseline: 'after' };
  return metricsOf(turn).map((metric) =>
    measured === undefined ? unmeasured(metric) : judge(turn, measured, metric, window),
  );
}

/** What status says of the verdicts, in the order of the spec. */
export function recordsOf(judged: Judged[], nowMs: number): CheckRecord[] {
  return judged.map(({ metric, query, verdict }) => ({
    name: metric.name,
    ...(query === undefined ? {} : { query: query.slice(0, 8192) }),
    ...(verdict.value === undefined ? {} : { value: Number(verdict.value.toPrecision(8)) }),
    ...(verdict.requests === undefined ? {} : { requests: Math.round(verdict.requests) }),
    limit: limitText(metric),
    verdict: verdict.verdict,
    message: verdict.message.slice(0, 512),
    at: iso(nowMs),
  }));
}

/** Puts new records in the place of old ones of the same name. */
export function mergeRecords(old: CheckRecord[] | undefined, fresh: CheckRecord[]): CheckRecord[] {
  const names = new Set(fresh.map((record) => record.name));
  return [...(old ?? []).filter((record) => !names.has(record.name)), ...fresh];
}

function metricsOf(turn: AttemptTurn): MetricSpec[] {
  return turn.release.frozen.skipAnalysis === true ? [] : (turn.release.frozen.analysis.metrics ?? []);
}

function intervalOf(turn: AttemptTurn): number {
  return rungs(turn.release, turn.settings.settleMs)[Math.max(0, turn.step)]?.intervalMs ?? turn.settings.settleMs;
}

function countsOf(turn: AttemptTurn, { counts }: Measured, window: Window): SideCounts | undefined {
  if (counts?.outcome !== 'data') return undefined;
  const { fromMs, toMs, baseline } = window;
  return countsBetween(counts.data, judgedSide(turn.release), fromMs, { baseline, toMs });
}

function judge(turn: AttemptTurn, measured: Measured, metric: MetricSpec, window: Window): Judged {
  const limit = metric.thresholdRange;
  const moments = { fromMs: window.fromMs, atMs: measured.atMs };
  if (metric.templateRef !== undefined) {
    const answer = measured.values[metric.name];
    if (answer === undefined) return unmeasured(metric);
    const verdict =
      answer.outcome === 'data' ? judgeValue({ ...answer.data, limit, ...moments }) : judgeUnanswered(answer, limit);
    return { metric, query: answer.query, verdict };
  }
  const { counts } = measured;
  if (counts === undefined) return unmeasured(metric);
  const found = countsOf(turn, measured, window);
  if (counts.outcome !== 'data' || found === undefined) {
    return {
      metric,
      query: counts.query,
      verdict: withHint(counts.outcome === 'data' ? noAnswer(metric) : judgeUnanswered(counts, limit), measured),
    };
  }
  const evidence = { counts: found, limit, minSamples: metric.minSamples ?? defaultMinSamples, ...moments };
  const verdict = metric.name === 'request-duration' ? judgeDuration(evidence) : judgeSuccessRate(evidence);
  return { metric, query: counts.query, verdict: withHint(verdict, measured) };
}

/** No data at all often means that the gateway does not count per version: say what to turn on. */
function withHint(verdict: Verdict, { hint }: Measured): Verdict {
  if (hint === undefined || verdict.verdict !== 'unsure' || verdict.reason !== 'NoData') return verdict;
  return { ...verdict, message: `${verdict.message} ${hint}` };
}

function unmeasured(metric: MetricSpec): Judged {
  return { metric, query: undefined, verdict: noAnswer(metric) };
}

function noAnswer(metric: MetricSpec): Verdict {
  return { verdict: 'unsure', reason: 'NoData', limit: metric.thresholdRange, message: 'Not measured yet.' };
}

function limitText({ name, templateRef, thresholdRange: { min, max } }: MetricSpec): string {
  const unit = templateRef ? '' : name === 'request-duration' ? ' ms' : ' %';
  if (min === undefined) return `at most ${max}${unit}`;
  return max === undefined ? `at least ${min}${unit}` : `${min} to ${max}${unit}`;
}
