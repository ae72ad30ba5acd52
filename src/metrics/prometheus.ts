import { Agent } from 'node:https';
import { isIP } from 'node:net';
import { type PrometheusConnectionOptions, PrometheusDriver } from 'prometheus-query';
import type { Clock } from '../ports/clock.ts';
import type { MetricsServer } from '../ports/metrics.ts';
import { type Exchange, type Failure, failureOf, isRecord, refusal, timeoutMs, warned } from './failure.ts';

/** One PromQL query, evaluated at one moment. */
export interface Question {
  query: string;
  /** Moment of evaluation, epoch ms. */
  atMs: number;
  /** A longer answer is cut off and is a failure. */
  maxBytes: number;
}

/** `data` is as the server sent it; nothing in it has been checked but that it is a complete success. */
export type Reply = { ok: true; data: unknown; infos: string[] } | Failure;

type RequestHook = NonNullable<PrometheusConnectionOptions['requestInterceptor']>['onFulfilled'];
type ResponseHook = NonNullable<PrometheusConnectionOptions['responseInterceptor']>['onFulfilled'];

/** Asks one question. Never rejects. */
export async function ask(clock: Clock, server: MetricsServer, question: Question): Promise<Reply> {
  const exchange: Exchange = { timedOut: false };
  const abort = new AbortController();
  const cancel = clock.after(timeoutMs, () => {
    exchange.timedOut = true;
    abort.abort();
  });
  try {
    const driver = connect(server, question, exchange, abort.signal);
    await driver.instantQuery(question.query, question.atMs);
    return readBody(server, exchange.body);
  } catch (error) {
    return failureOf(server, { ...exchange, ...thrown(error) }, question.maxBytes);
  } finally {
    cancel();
  }
}

function connect(server: MetricsServer, question: Question, exchange: Exchange, signal: AbortSignal): PrometheusDriver {
  const prepare: RequestHook = (config) => {
    config.signal = signal;
    config.maxRedirects = 0;
    config.maxContentLength = question.maxBytes;
    if (isLoopback(server.address)) config.proxy = false;
    if (server.ca !== undefined) config.httpsAgent = new Agent({ ca: server.ca });
    return config;
  };
  const take: ResponseHook = (response) => {
    exchange.httpStatus = response.status;
    exchange.body = response.data;
    // The library dies on native histograms and reads "12abc" as 12: it gets to see only whether this was a success.
    if (isRecord(response.data)) response.data = { status: 'success', data: { resultType: 'vector', result: [] } };
    return response;
  };
  const takeRefusal = (error: unknown): never => {
    const response = isRecord(error) && isRecord(error['response']) ? error['response'] : {};
    if (typeof response['status'] === 'number') exchange.httpStatus = response['status'];
    exchange.body = response['data'];
    throw error;
  };
  return new PrometheusDriver({
    endpoint: server.address,
    headers: headersOf(server),
    preferPost: true,
    timeout: timeoutMs,
    requestInterceptor: { onFulfilled: prepare },
    responseInterceptor: { onFulfilled: take, onRejected: takeRefusal },
  });
}

/** Go's rule: what is on this machine is never asked through the proxy of the environment. */
function isLoopback(address: string): boolean {
  const { hostname } = new URL(address);
  return hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
}

function headersOf({ headers, bearer, basic }: MetricsServer): Record<string, string> {
  const sent: Record<string, string> = { ...headers };
  if (basic !== undefined) {
    sent['Authorization'] = `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}`;
  }
  if (bearer !== undefined) sent['Authorization'] = `Bearer ${bearer}`;
  return sent;
}

function readBody(server: MetricsServer, body: unknown): Reply {
  if (!isRecord(body) || body['status'] !== 'success') return refusal(server, 200, body);
  const warnings = texts(body['warnings']);
  // A partial answer (Thanos with a store missing) is told from a whole one by its warnings alone.
  if (warnings.length > 0) return warned(server, warnings);
  return { ok: true, data: body['data'], infos: texts(body['infos']) };
}

function texts(list: unknown): string[] {
  return Array.isArray(list) ? list.map(String) : [];
}

/** The library rejects with plain objects that may carry the whole request, so only two words are taken from them. */
function thrown(error: unknown): Pick<Exchange, 'code' | 'cutOff'> {
  if (!isRecord(error)) return {};
  const { code, error: text } = error;
  return {
    ...(typeof code === 'string' ? { code } : {}),
    cutOff: typeof text === 'string' && text.startsWith('maxContentLength'),
  };
}
