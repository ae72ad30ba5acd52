import type { Unanswered } from './answer.ts';
import type { BucketCount, SideCounts } from './counts.ts';
import { p99, p99Within } from './quantile.ts';
import type { Limit, UnsureReason, Verdict } from './verdict.ts';

/** Scrapes that may be missed before the newest sample says nothing about now, and the bounds of the time that makes. */
const missedScrapes = 3;
const stale = { leastMs: 15_000, mostMs: 300_000, unknownMs: 120_000 };

/** Counts of the canary and what they must show. */
export interface CountsEvidence {
  counts: SideCounts;
  limit: Limit;
  /** Requests without which there is no verdict; at least 1 whatever is given. */
  minSamples: number;
  /** Now, epoch ms. */
  atMs: number;
}

/** One measured number and what it must show. */
export interface ValueEvidence {
  value: number;
  /** Epoch ms, as are the next two: start of the window, and now. */
  sampleMs: number;
  fromMs: number;
  atMs: number;
  limit: Limit;
}

/** Judges the percentage of good requests. */
export function judgeSuccessRate(evidence: CountsEvidence): Verdict {
  const { counts, limit } = evidence;
  const { total, good } = counts;
  const requests = total;
  const weak = weakness(evidence, total);
  if (weak !== undefined) return weak;
  if (!(good >= 0 && good <= total)) {
    return unsure('Nonsense', `${good} of ${total} requests are said to be good.`, limit, requests);
  }
  const value = (100 * good) / total;
  const verdict = within(value, limit) ? 'pass' : 'fail';
  const message = `${good} of ${total} requests succeeded (${rounded(value)} %); ${wanted(limit, ' %')}.`;
  return { verdict, value, requests, limit, message };
}

/** Judges P99 in milliseconds. */
export function judgeDuration(evidence: CountsEvidence): Verdict {
  const { counts, limit } = evidence;
  const { buckets } = counts;
  if (buckets === undefined && counts.newestSampleMs !== undefined) {
    return unsure('NoData', 'The metrics have no histogram of durations.', limit);
  }
  const requests = buckets?.at(-1)?.count ?? 0;
  const weak = weakness(evidence, requests);
  return weak ?? judgeBuckets(buckets ?? [], requests, limit);
}

function judgeBuckets(buckets: BucketCount[], requests: number, limit: Limit): Verdict {
  const found = p99(buckets);
  if (found === undefined) {
    const message = 'The histograms of durations have no edge in common, so P99 cannot be told.';
    return unsure('NoData', message, limit, requests);
  }
  const belowMax = limit.max === undefined || p99Within(buckets, limit.max);
  if (belowMax === undefined) {
    const message = `P99 lies above the histogram's last edge of ${found.ms} ms, so it cannot be compared with ${limit.max} ms.`;
    return unsure('NoData', message, limit, requests);
  }
  const aboveMin = limit.min === undefined || found.ms >= limit.min;
  const verdict = belowMax && aboveMin ? 'pass' : 'fail';
  const is = found.beyond ? 'is above' : 'is';
  const message = `P99 of ${requests} requests ${is} ${rounded(found.ms)} ms; ${wanted(limit, ' ms')}.`;
  return { verdict, value: found.ms, requests, limit, message };
}

/** Judges a single number, e.g. that of a MetricTemplate. */
export function judgeValue({ value, sampleMs, limit, fromMs, atMs }: ValueEvidence): Verdict {
  const bad = badLimit(limit);
  if (bad !== undefined) return bad;
  if (Number.isNaN(value)) return unsure('NoData', 'The query gave NaN, which is no number.', limit);
  if (!Number.isFinite(value)) return unsure('Nonsense', `The query gave ${value}.`, limit);
  if (sampleMs < fromMs || atMs - sampleMs > stale.unknownMs) {
    return unsure('StaleData', `The value is ${seconds(atMs - sampleMs)} old.`, limit);
  }
  const verdict = within(value, limit) ? 'pass' : 'fail';
  return { verdict, value, limit, message: `The value is ${rounded(value)}; ${wanted(limit, '')}.` };
}

/** The verdict of a check whose question was not answered with data. */
export function judgeUnanswered(answer: Unanswered, limit: Limit): Verdict {
  switch (answer.outcome) {
    case 'noData':
      return unsure('NoData', answer.message, limit);
    case 'nonsense':
      return unsure('Nonsense', answer.message, limit);
    case 'error':
      if (answer.invalidQuery === true) return unsure('QueryInvalid', answer.message, limit);
      return unsure(answer.reason === 'Failed' ? 'MetricsError' : answer.reason, answer.message, limit);
  }
}

/** Why the counts carry no verdict, if so. */
function weakness({ counts, limit, minSamples, atMs }: CountsEvidence, requests: number): Verdict | undefined {
  const bad = badLimit(limit);
  if (bad !== undefined) return bad;
  if (counts.newestSampleMs === undefined) {
    return unsure('NoData', 'There is no series of the canary yet.', limit, 0);
  }
  if (!(requests >= 0 && requests <= Number.MAX_SAFE_INTEGER)) {
    return unsure('Nonsense', `${requests} requests are said to have been seen.`, limit);
  }
  const ageMs = atMs - counts.newestSampleMs;
  if (ageMs > staleAfterMs(counts.scrapeGapMs)) {
    return unsure('StaleData', `The newest sample was scraped ${seconds(ageMs)} ago.`, limit, requests);
  }
  const needed = Math.max(1, minSamples);
  if (!(requests >= needed)) {
    return unsure('NotEnoughRequests', `${requests} of ${needed} requests seen.`, limit, requests);
  }
  return undefined;
}

function staleAfterMs(scrapeGapMs: number | undefined): number {
  if (scrapeGapMs === undefined) return stale.unknownMs;
  return Math.min(stale.mostMs, Math.max(stale.leastMs, missedScrapes * scrapeGapMs));
}

function badLimit(limit: Limit): Verdict | undefined {
  const given = [limit.min, limit.max].filter((bound) => bound !== undefined);
  if (given.length > 0 && given.every((bound) => Number.isFinite(bound))) return undefined;
  return unsure('Nonsense', 'The check has no limit: min or max must be a number.', limit);
}

function within(value: number, { min, max }: Limit): boolean {
  return (min === undefined || value >= min) && (max === undefined || value <= max);
}

function unsure(reason: UnsureReason, message: string, limit: Limit, requests?: number): Verdict {
  return { verdict: 'unsure', reason, limit, message, ...(requests === undefined ? {} : { requests }) };
}

function wanted({ min, max }: Limit, unit: string): string {
  if (min === undefined) return `at most ${max}${unit} is wanted`;
  if (max === undefined) return `at least ${min}${unit} is wanted`;
  return `${min} to ${max}${unit} is wanted`;
}

/** Enough digits to tell a value from its limit at a glance, not more. */
function rounded(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function seconds(durationMs: number): string {
  return `${Math.round(durationMs / 1000)} s`;
}
