import type { TemplateVariables } from '../ports/metrics.ts';
import { regexQuoted, stringEscaped } from './promql.ts';

export type TemplatedQuery = { ok: true; query: string } | { ok: false; message: string };

/** A string literal, a comment, a placeholder or a piece between them; strings come with the operator before them. */
const token = /([=!]~\s*)?("(?:\\[^]|[^"\\])*"|'(?:\\[^]|[^'\\])*'|`[^`]*`)|#[^\n]*|\{\{[^{}]*\}\}|[^"'`#{=!]+|[^]/g;
const placeholder = /\{\{\s*([^{}]*?)\s*\}\}/g;
const duration = /^(\d+(ms|s|m|h|d|w|y))+$/;

/**
 * Fills in the variables. Values get in only inside quotes and escaped, so that none can change what the query says; in a
 * regular expression (`=~`, `!~`) they match just themselves.
 *
 * @returns the query, or a sentence that names the placeholder at fault
 */
export function templateQuery(query: string, variables: TemplateVariables): TemplatedQuery {
  const known = new Map<string, string>(Object.entries(variables));
  try {
    const filled = query.replace(token, (text: string, operator: string | undefined, literal: string | undefined) => {
      if (literal !== undefined) return (operator ?? '') + fillString(literal, operator !== undefined, known);
      return text.startsWith('{{') ? fillBare(text, known) : text;
    });
    return { ok: true, query: filled };
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return { ok: false, message: error.message };
  }
}

class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

function fillString(literal: string, isPattern: boolean, known: Map<string, string>): string {
  return literal.replace(placeholder, (_, name: string) => {
    const value = valueOf(name, known);
    return escapedFor(literal.charAt(0), isPattern ? regexQuoted(value) : value);
  });
}

function escapedFor(quote: string, value: string): string {
  if (quote === '"') return stringEscaped(value);
  if (quote === "'") return stringEscaped(value).replaceAll('\\"', '"').replaceAll("'", "\\'");
  if (value.includes('`')) throw new TemplateError(`The value ${value} cannot stand between backquotes.`);
  return value;
}

function fillBare(text: string, known: Map<string, string>): string {
  const name = text.slice(2, -2).trim();
  const value = valueOf(name, known);
  if (name === 'interval' && duration.test(value)) return value;
  throw new TemplateError(
    `{{ ${name} }} must stand inside quotes, as in label="{{ ${name} }}"; only {{ interval }} need not.`,
  );
}

function valueOf(name: string, known: Map<string, string>): string {
  const value = known.get(name);
  if (value !== undefined) return value;
  throw new TemplateError(
    `The query names the unknown variable {{ ${name} }}; known are ${[...known.keys()].join(', ')}.`,
  );
}
