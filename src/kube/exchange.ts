import type { Clock } from '../ports/clock.ts';
import type { KubeError } from '../ports/kube.ts';
import type { Connection, WireAnswer, WireRequest } from './connection.ts';
import { type Call, fromNetwork, refusal, unknownResult } from './errors.ts';

/** One request that was sent: for metrics and counting. `code` is 0 when there was no answer. */
export interface RequestSeen {
  verb: Call['verb'];
  kind: string;
  code: number;
  seconds: number;
}

/** How requests are sent and counted. */
export interface Wire {
  connection: Connection;
  clock: Clock;
  onRequest?: ((seen: RequestSeen) => void) | undefined;
}

/** Sends one request and reads its whole answer as a JSON object, in at most `timeoutMs`. Throws KubeError. */
export async function exchange(
  wire: Wire,
  call: Call,
  { timeoutMs, stop, ...request }: Omit<WireRequest, 'signal'> & { timeoutMs: number; stop?: AbortSignal | undefined },
): Promise<Record<string, unknown>> {
  const limit = new AbortController();
  const cancel = wire.clock.after(timeoutMs, () =>
    limit.abort(new Error(`no answer within ${Math.round(timeoutMs)} ms`)),
  );
  const signal = stop === undefined ? limit.signal : AbortSignal.any([limit.signal, stop]);
  try {
    const answer = await open(wire, call, { ...request, signal });
    return parseObject(call, answer.code, await answer.body.text());
  } catch (error) {
    throw fromNetwork(call, signal.aborted ? signal.reason : error);
  } finally {
    cancel();
  }
}

/** Sends one request and hands back its answer as it begins, if it is a good one. */
export async function open(wire: Wire, call: Call, request: WireRequest): Promise<WireAnswer> {
  const startedAt = wire.clock.monotonic();
  const seen = (code: number) => {
    wire.onRequest?.({ verb: call.verb, kind: call.kind, code, seconds: (wire.clock.monotonic() - startedAt) / 1000 });
  };
  let answer: WireAnswer;
  try {
    answer = await wire.connection.send(request);
  } catch (error) {
    seen(0);
    throw error;
  }
  seen(answer.code);
  if (answer.code >= 200 && answer.code < 300) return answer;
  throw await readRefusal(call, answer);
}

/** The code alone says enough when the rest of a refusal is lost. */
async function readRefusal(call: Call, answer: WireAnswer): Promise<KubeError> {
  const body = await answer.body.text().catch(() => '');
  return refusal(call, answer.code, body, answer.retryAfter);
}

function parseObject(call: Call, code: number, text: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw unknownResult(call, `HTTP ${code}, and the answer is not JSON (${text.length} characters)`, error, code);
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>;
  throw unknownResult(call, `HTTP ${code}, and the answer is not an object`, undefined, code);
}
