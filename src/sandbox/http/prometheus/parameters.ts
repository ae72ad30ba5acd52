import { parseDurationMs } from '../../world/metrics/promql/literals.ts';

/** A request that Prometheus would refuse with 400 `bad_data`. */
export class ParameterError extends Error {
  override readonly name = 'ParameterError';

  /** @param parameter undefined where a parameter is missing */
  constructor(parameter: string | undefined, problem: string) {
    super(parameter === undefined ? problem : `invalid parameter "${parameter}": ${problem}`);
  }
}

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** Unix seconds (with a fraction) or RFC 3339 → epoch ms. @throws ParameterError */
export function timeParameter(params: URLSearchParams, name: string, fallbackMs: number | undefined): number {
  const text = params.get(name) ?? '';
  if (text === '' && fallbackMs !== undefined) return fallbackMs;
  const ms = RFC3339.test(text)
    ? Date.parse(text)
    : /^[+-]?(\d|\.\d)/.test(text)
      ? Math.round(Number(text) * 1000)
      : Number.NaN;
  if (Number.isFinite(ms)) return ms;
  const problem = `cannot parse ${JSON.stringify(text)} to a valid timestamp`;
  throw new ParameterError(name, fallbackMs === undefined ? problem : `Invalid time value for '${name}': ${problem}`);
}

/** Seconds (with a fraction) or a duration such as `1m30s` → ms. @throws ParameterError */
export function durationParameter(params: URLSearchParams, name: string): number {
  const text = params.get(name) ?? '';
  const seconds = text === '' ? Number.NaN : Number(text);
  const ms = parseDurationMs(text) ?? Math.round(seconds * 1000);
  if (Number.isFinite(ms)) return ms;
  throw new ParameterError(name, `cannot parse ${JSON.stringify(text)} to a valid duration`);
}
