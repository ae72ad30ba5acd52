/** Ends a command with exit code 1 and the message as its one line; names what was found, what is wanted and what to do. */
export class Failure extends Error {
  override readonly name = 'Failure';
}

/** A failure to do `what`, with the reason of whatever was thrown. */
export function failed(what: string, error: unknown): Failure {
  return new Failure(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}
