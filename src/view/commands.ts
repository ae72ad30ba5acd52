import { verbs } from '../api/canary-status.ts';
import { commandPrefix } from '../api/names.ts';
import type { CommandRequest } from '../decide/view.ts';

/** Longer requests are refused unread. */
const maxLength = 2048;

/** The command requests in an object's annotations, whatever is in them. */
export function commandsOf(annotations: Record<string, string> | undefined): CommandRequest[] {
  return Object.entries(annotations ?? {})
    .filter(([key]) => key.startsWith(commandPrefix))
    .map(([key, value]) => parse(key.slice(commandPrefix.length), value));
}

function parse(id: string, text: string): CommandRequest {
  const body = text.length > maxLength ? undefined : parsed(text);
  if (body === undefined) {
    return {
      id,
      verb: undefined,
      problem: `The request is not JSON such as {"verb":"abort"}, or has more than ${maxLength} characters.`,
    };
  }
  const verb = verbs.find((known) => known === body['verb']);
  const request: CommandRequest = { id, verb };
  const { attempt } = body;
  if (typeof attempt === 'number' && Number.isSafeInteger(attempt)) request.attempt = attempt;
  else if (attempt !== undefined && attempt !== null) request.problem = 'attempt is not a whole number.';
  if (typeof body['revision'] === 'string') request.revision = body['revision'].slice(0, 64);
  if (typeof body['by'] === 'string') request.by = body['by'].slice(0, 253);
  if (typeof body['reason'] === 'string') request.reason = body['reason'].slice(0, 512);
  if (body['full'] === true) request.full = true;
  if (verb === undefined) request.problem = `verb ${said(body['verb'])} is not one of ${verbs.join(', ')}.`;
  return request;
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function said(verb: unknown): string {
  return typeof verb === 'string' ? `"${verb.slice(0, 32)}"` : 'is missing or no text and';
}
