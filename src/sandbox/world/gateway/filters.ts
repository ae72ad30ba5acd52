import type { HeaderEdit, HttpFilter, PathEdit } from './gateway-api.ts';

/** What a rule's filters do, in one place. */
export interface FilterPlan {
  requestHeaders: HeaderEdit[];
  responseHeaders: HeaderEdit[];
  rewrite?: { hostname?: string; path?: PathEdit } | undefined;
  redirect?: HttpFilter['requestRedirect'];
}

const served = new Set(['RequestHeaderModifier', 'ResponseHeaderModifier', 'URLRewrite', 'RequestRedirect']);

/** Filters that the sandbox takes and does not carry out. */
export function ignoredFilters(filters: readonly HttpFilter[] | undefined): string[] {
  return (filters ?? []).map(({ type }) => type).filter((type) => !served.has(type));
}

export function planFilters(filters: readonly HttpFilter[] | undefined): FilterPlan {
  const list = filters ?? [];
  return {
    requestHeaders: list.flatMap((filter) => filter.requestHeaderModifier ?? []),
    responseHeaders: list.flatMap((filter) => filter.responseHeaderModifier ?? []),
    rewrite: list.find((filter) => filter.urlRewrite)?.urlRewrite,
    redirect: list.find((filter) => filter.requestRedirect)?.requestRedirect,
  };
}

export type Headers = Record<string, string | string[] | undefined>;

/** Headers (names in lower case) after the edits. */
export function editHeaders(headers: Headers, edits: readonly HeaderEdit[]): Headers {
  const result: Headers = { ...headers };
  for (const { set = [], add = [], remove = [] } of edits) {
    for (const name of remove) delete result[name.toLowerCase()];
    for (const { name, value } of set) result[name.toLowerCase()] = value;
    for (const { name, value } of add) {
      const present = result[name.toLowerCase()];
      result[name.toLowerCase()] = present === undefined ? value : [present, value].flat();
    }
  }
  return result;
}

/** @param target path and query as asked; `prefix` is the match's, for ReplacePrefixMatch */
export function editPath(target: string, prefix: string, edit: PathEdit | undefined): string {
  if (!edit) return target;
  const question = target.indexOf('?');
  const path = question < 0 ? target : target.slice(0, question);
  const query = question < 0 ? '' : target.slice(question);
  if (edit.type === 'ReplaceFullPath') return (edit.replaceFullPath ?? '/') + query;
  const rest = path.slice(prefix.replace(/\/+$/, '').length);
  const joined = (edit.replacePrefixMatch ?? '/').replace(/\/+$/, '') + rest;
  return (joined.startsWith('/') ? joined : `/${joined}`) + query;
}

/** Where a RequestRedirect sends the client, and with which code. */
export function redirectOf(
  redirect: NonNullable<FilterPlan['redirect']>,
  request: { host: string; target: string; port: number },
  prefix: string,
): { code: number; location: string } {
  const scheme = redirect.scheme ?? 'http';
  const port = redirect.port ?? (redirect.scheme === undefined ? request.port : undefined);
  const standard = scheme === 'https' ? 443 : 80;
  const authority = `${redirect.hostname ?? request.host}${port === undefined || port === standard ? '' : `:${port}`}`;
  const location = `${scheme}://${authority}${editPath(request.target, prefix, redirect.path)}`;
  return { code: redirect.statusCode ?? 302, location };
}
