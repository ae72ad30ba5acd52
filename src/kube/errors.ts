import { KubeError, type KubeErrorReason } from '../ports/kube.ts';

/** What was asked of the API, in the words of an error message. */
export interface Call {
  verb: 'get' | 'list' | 'watch' | 'create' | 'patch' | 'delete';
  kind: string;
  namespace?: string | undefined;
  name?: string | undefined;
  /** Whether the body was a JSON Patch with a `test` in it. */
  tests?: boolean;
}

/** The parts of Kubernetes' `Status` object that matter here. */
interface Status {
  message?: string | undefined;
  reason?: string | undefined;
  causes: number;
  retryAfterMs?: number | undefined;
}

const longestMessage = 500;

/** `patch HTTPRoute shop/checkout`, `list Canary in all namespaces`. */
function describe(call: Call): string {
  const where = call.name === undefined ? ` in ${call.namespace ?? 'all namespaces'}` : ` ${target(call)}`;
  return `${call.verb} ${call.kind}${where}`;
}

function target(call: Call): string {
  return call.namespace === undefined ? `${call.name}` : `${call.namespace}/${call.name}`;
}

/** An answer that says no. @param body the answer's text, whatever it is */
export function refusal(call: Call, code: number, body: string, retryAfter: string | undefined): KubeError {
  const status = readStatus(body);
  const retryAfterMs = readRetryAfter(retryAfter) ?? status.retryAfterMs;
  const reason = classify(call, code, status, retryAfterMs);
  const said = oneLine(status.message ?? (body.trim() === '' ? 'no explanation' : body));
  return new KubeError(`${describe(call)}: HTTP ${code}: ${said}`, { reason, code, retryAfterMs });
}

/** No answer, or one that cannot be read: nobody knows whether a write was done. */
export function unknownResult(call: Call, problem: string, cause?: unknown, code = 0): KubeError {
  return new KubeError(`${describe(call)}: ${oneLine(problem)}`, { reason: 'unknown', code, cause });
}

/** A call that must not even be sent. */
export function impossible(call: Call, problem: string): KubeError {
  return new KubeError(`${describe(call)}: ${problem}`, { reason: 'invalid', code: 0 });
}

/** Whatever the network threw. Its text names host and port, never headers. */
export function fromNetwork(call: Call, error: unknown): KubeError {
  if (error instanceof KubeError) return error;
  const parts: string[] = [];
  for (let e: unknown = error; e instanceof Error && parts.length < 3; e = e.cause) parts.push(e.message);
  return unknownResult(call, parts.join(': ') || String(error), error);
}

const reasons: Record<number, KubeErrorReason> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'notFound',
  408: 'unknown',
  410: 'unknown',
  429: 'throttled',
};

function classify(call: Call, code: number, status: Status, retryAfterMs: number | undefined): KubeErrorReason {
  if (code === 409) return call.verb === 'create' && status.reason !== 'Conflict' ? 'exists' : 'conflict';
  if (code === 422) return call.tests === true && isFailedTest(status) ? 'conflict' : 'invalid';
  if (code === 503 && retryAfterMs !== undefined) return 'throttled';
  return reasons[code] ?? (code >= 400 && code < 500 ? 'invalid' : 'unknown');
}

/**
 * A failed `test` comes back as a bare 422; an object that admission or a schema refuses names its causes or says what is
 * wrong with it.
 */
function isFailedTest(status: Status): boolean {
  if (status.causes > 0) return false;
  return status.message === undefined || status.message.includes('rejected our request due to an error in our request');
}

function readStatus(body: string): Status {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { causes: 0 };
  }
  const { kind, message, reason, details } = (parsed ?? {}) as Record<string, unknown>;
  if (kind !== 'Status') return { causes: 0 };
  const { causes, retryAfterSeconds } = (details ?? {}) as Record<string, unknown>;
  return {
    message: typeof message === 'string' && message !== '' ? message : undefined,
    reason: typeof reason === 'string' ? reason : undefined,
    causes: Array.isArray(causes) ? causes.length : 0,
    retryAfterMs: typeof retryAfterSeconds === 'number' && retryAfterSeconds > 0 ? retryAfterSeconds * 1000 : undefined,
  };
}

/** Kubernetes sends whole seconds; a date is not understood, as in client-go. */
function readRetryAfter(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header.trim()) ? Number(header) * 1000 : undefined;
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > longestMessage ? `${line.slice(0, longestMessage)}…` : line;
}
