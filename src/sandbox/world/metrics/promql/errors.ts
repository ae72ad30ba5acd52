/**
 * Why a query got no answer, in Prometheus' words: `bad_data` the query itself is at fault (HTTP 400), `execution` it failed
 * on the data that is there (422).
 */
export class PromqlError extends Error {
  override readonly name = 'PromqlError';
  readonly errorType: 'bad_data' | 'execution';
  /** Whether the text could not be read as a query, rather than not be answered. */
  readonly isParseError: boolean;

  constructor(errorType: 'bad_data' | 'execution', message: string, isParseError = false) {
    super(message);
    this.errorType = errorType;
    this.isParseError = isParseError;
  }
}

/** @param offset index into `query` at which the problem begins */
export function parseError(query: string, offset: number, problem: string): PromqlError {
  const before = query.slice(0, offset).split('\n');
  const column = (before.at(-1)?.length ?? 0) + 1;
  return new PromqlError('bad_data', `${before.length}:${column}: parse error: ${problem}`, true);
}

export function executionError(problem: string): PromqlError {
  return new PromqlError('execution', problem);
}
