import { InvalidArgumentError, Option } from 'commander';
import { durationMs } from '../api/duration.ts';

/** A flag that `LINNET_*` in the environment sets too: `--lease-name` is `LINNET_LEASE_NAME`. What is on the command line wins. */
export function flag(flags: string, description: string): Option {
  const option = new Option(flags, description);
  return option.env(`LINNET_${option.name().toUpperCase().replaceAll('-', '_')}`);
}

/** A TCP port; 0 takes a free one. */
export function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('A port is a number from 0 to 65535; 0 takes a free one.');
}

/** A duration such as `5s`, in milliseconds. */
export function positiveDurationMs(text: string): number {
  const ms = parseDuration(text);
  if (ms > 0) return ms;
  throw new InvalidArgumentError('A period must be longer than 0.');
}

function parseDuration(text: string): number {
  try {
    return durationMs(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? `${error.message}.` : String(error));
  }
}

/** Base URL of an HTTP server. */
export function httpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text;
  throw new InvalidArgumentError('Write it as http://host:port or https://host:port, with a path if there is one.');
}

/** Adds base URLs, with commas between them if there are several, to those of the same flag before. */
export function collectUrls(text: string, before: string[]): string[] {
  return [...new Set([...before, ...text.split(',').map((url) => httpUrl(url.trim()))])];
}

/** Adds a value, or several with commas between them, to those of the same flag before it. */
export function collectNames(text: string, before: string[]): string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const wrong = names.find((name) => !isNamespace(name));
  if (wrong !== undefined) throw new InvalidArgumentError(`"${wrong}" is not a name of a namespace.`);
  return [...new Set([...before, ...names])];
}

/** The name of one namespace. */
export function namespaceName(text: string): string {
  if (isNamespace(text)) return text;
  throw new InvalidArgumentError('Write the name of a namespace: small letters, digits and -.');
}

function isNamespace(text: string): boolean {
  return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text);
}
