import type { ApiRequest } from './api-request.ts';

/**
 * What goes wrong with a request, for tests:
 * `answer` is sent instead of the real one · `hang` sends nothing and leaves the connection open · `reset` breaks it at once ·
 * `tear` sends that many bytes of the body (of a watch: of the stream) and then breaks the connection or stays silent ·
 * `delayMs` waits first and then goes on as usual.
 */
export type Fault =
  | { answer: { code: number; headers?: Record<string, string>; body: unknown } }
  | { hang: true }
  | { reset: true }
  | { tear: { bytes: number; end: 'reset' | 'hang' } }
  | { delayMs: number };

/** Hooks through which tests disturb the API server; undefined disturbs nothing. */
export interface Faults {
  /** Before the request is handled: an `answer`, `hang` or `reset` here means that nothing was changed. */
  intercept?(request: ApiRequest): Fault | undefined;
  /** After a write was carried out and before its answer is sent: the change stays, the reply may be lost. */
  afterWrite?(request: ApiRequest, reply: { code: number; body: unknown }): Fault | undefined;
}
