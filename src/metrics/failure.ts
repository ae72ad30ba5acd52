import type { MetricsServer } from '../ports/metrics.ts';

/**
 * Why there is no answer; the message has no secret in it.
 * - `badQuery`: the server says the query is wrong.
 * - `tooLarge`: the answer, or what the server would have to load for it, is over a limit.
 * - `failed`: all else, also answers that are partial or not Prometheus's.
 */
export interface Failure {
  ok: false;
  kind: 'badQuery' | 'tooLarge' | 'failed';
  message: string;
}

/** What is known of a request that went wrong. */
export interface Exchange {
  timedOut: boolean;
  httpStatus?: number;
  body?: unknown;
  /** Of the network error, e.g. `ECONNREFUSED`. */
  code?: string;
  /** The answer was longer than allowed. */
  cutOff?: boolean;
}

/** A request without an answer by then has failed. */
export const timeoutMs = 5_000;

export function failureOf(server: MetricsServer, exchange: Exchange, maxBytes: number): Failure {
  if (exchange.timedOut) return failure(server, `gave no answer in ${timeoutMs / 1000} s`);
  if (exchange.cutOff === true) {
    const limit = `${Math.round(maxBytes / 1024)} KiB`;
    return failure(server, `sent more than the ${limit} that an answer may have`, 'tooLarge');
  }
  const { httpStatus, body, code } = exchange;
  if (httpStatus !== undefined && (httpStatus >= 300 || body !== undefined)) return refusal(server, httpStatus, body);
  const what = httpStatus === undefined ? 'cannot be reached' : 'broke off its answer';
  return failure(server, code === undefined ? what : `${what} (${code})`);
}

/** The server answered, but not with success. */
export function refusal(server: MetricsServer, httpStatus: number, body: unknown): Failure {
  const errorType = isRecord(body) ? body['errorType'] : undefined;
  const error = isRecord(body) ? body['error'] : undefined;
  const said = typeof error === 'string' ? `: ${safe(server, error)}` : '';
  if (httpStatus === 401 || httpStatus === 403) {
    return failure(server, `refuses the credentials (HTTP ${httpStatus})${said}`);
  }
  if (httpStatus === 413) return failure(server, `finds the query too large (HTTP 413)${said}`, 'tooLarge');
  if (httpStatus >= 300 && httpStatus < 400) {
    return failure(
      server,
      `redirects elsewhere (HTTP ${httpStatus}), which is not followed: a login may stand in front of it`,
    );
  }
  if (errorType === undefined) {
    // Something else than Prometheus's JSON, e.g. the page of a login.
    return failure(server, `did not answer as Prometheus does (HTTP ${httpStatus}): this may not be its address`);
  }
  if (errorType === 'bad_data') return failure(server, `refuses the query${said}`, 'badQuery');
  const tooLarge = /too many samples|too large|limit/i.test(said);
  return failure(server, `could not answer${said}`, tooLarge ? 'tooLarge' : 'failed');
}

export function warned(server: MetricsServer, warnings: string[]): Failure {
  return failure(server, `warns about its answer: ${safe(server, warnings.join('; '))}`);
}

/** A failure of which more is known: `what` goes on from "The metrics server ...". */
function failure(server: MetricsServer, what: string, kind: Failure['kind'] = 'failed'): Failure {
  return { ok: false, kind, message: `The metrics server ${placeOf(server)} ${what}.` };
}

/** The server's address without credentials, path and query. */
export function placeOf({ address }: MetricsServer): string {
  const url = URL.parse(address);
  return url === null ? 'with an address that is no URL' : `${url.protocol}//${url.host}`;
}

/** What a server said, short and without the secrets that it was sent. */
function safe({ address, headers, bearer, basic }: MetricsServer, text: string): string {
  const secrets = [bearer, basic?.password, URL.parse(address)?.password, ...Object.values(headers ?? {})];
  let shown = text;
  for (const secret of secrets) if (secret) shown = shown.replaceAll(secret, '(secret)');
  return shown.length > 300 ? `${shown.slice(0, 300)}…` : shown;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
