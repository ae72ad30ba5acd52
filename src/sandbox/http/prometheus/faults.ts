/**
 * What the API does instead of, or on top of, its answer to a query:
 * `unavailable` 503, as a Prometheus that starts or stops · `hang` never answers · `reset` cuts the connection · `body` answers this text
 * with this status · `empty` success without series · `values` success with one series for each value (`['NaN']`, `['1', '2']`) ·
 * `warnings` the true answer, with warnings as Thanos gives them for a part that did not answer · `delay` the true answer, later
 */
export type Fault =
  | { kind: 'unavailable' }
  | { kind: 'hang' }
  | { kind: 'reset' }
  | { kind: 'body'; status: number; body: string }
  | { kind: 'empty' }
  | { kind: 'values'; values: readonly string[] }
  | { kind: 'warnings'; warnings: readonly string[] }
  | { kind: 'delay'; delayMs: number };

/** A request to the API, form parameters of body and URL together. */
export interface ApiRequest {
  method: string;
  path: string;
  params: URLSearchParams;
}

/** Looks at each request under `/api/v1/`. @returns undefined to have it answered as ever */
export type Intercept = (request: ApiRequest) => Fault | undefined;
