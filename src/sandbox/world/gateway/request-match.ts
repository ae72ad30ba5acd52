import type { HttpMatch, NamedMatch } from './gateway-api.ts';

/** A request as far as routing looks at it. */
export interface ProxyRequest {
  method: string;
  /** Without port, lower case. */
  host: string;
  /** Path and query, as in the request line. */
  target: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A match made ready: a test, and its rank among matches that hold for the same request. */
export interface CompiledMatch {
  holds(request: ProxyRequest, path: string, query: URLSearchParams): boolean;
  /** Compared from left to right, higher first: path type, prefix length, method, headers, query parameters. */
  rank: readonly [number, number, number, number, number];
  /** The prefix that a ReplacePrefixMatch replaces. */
  prefix: string;
}

const pathRanks: Record<string, number> = { Exact: 3, RegularExpression: 2, PathPrefix: 1 };

export function compileMatch(match: HttpMatch): CompiledMatch {
  const type = match.path?.type ?? 'PathPrefix';
  const value = match.path?.value ?? '/';
  const path = pathTest(type, value);
  const headers = (match.headers ?? []).map((header) => ({ name: header.name.toLowerCase(), test: valueTest(header) }));
  const query = (match.queryParams ?? []).map((param) => ({ name: param.name, test: valueTest(param) }));
  return {
    holds: (request, requestPath, params) =>
      path(requestPath) &&
      (match.method === undefined || match.method === request.method) &&
      headers.every(({ name, test }) => test(oneValue(request.headers[name]))) &&
      query.every(({ name, test }) => test(params.get(name) ?? undefined)),
    rank: [pathRanks[type] ?? 0, value.length, match.method === undefined ? 0 : 1, headers.length, query.length],
    prefix: type === 'PathPrefix' ? value : '',
  };
}

function oneValue(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(',') : value;
}

function pathTest(type: string, value: string): (path: string) => boolean {
  if (type === 'Exact') return (path) => path === value;
  if (type === 'RegularExpression') {
    const pattern = wholePattern(value);
    return (path) => pattern?.test(path) ?? false;
  }
  // Prefixes match whole path elements: /a is a prefix of /a/b and not of /ab.
  const prefix = value.replace(/\/+$/, '');
  return (path) => prefix === '' || path === prefix || path.startsWith(`${prefix}/`);
}

function valueTest(match: NamedMatch): (value: string | undefined) => boolean {
  if (match.type !== 'RegularExpression') return (value) => value === match.value;
  const pattern = wholePattern(match.value);
  return (value) => value !== undefined && (pattern?.test(value) ?? false);
}

function wholePattern(source: string): RegExp | undefined {
  try {
    return new RegExp(`^(?:${source})$`);
  } catch {
    return undefined;
  }
}
