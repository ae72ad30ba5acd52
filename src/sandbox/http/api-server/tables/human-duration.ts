const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** From a timestamp until now as `kubectl` shows ages: `45s`, `3m20s`, `5h10m`, `12d`. */
export function age(timestamp: string | undefined, nowMs: number): string {
  const since = timestamp === undefined ? Number.NaN : Date.parse(timestamp);
  return Number.isNaN(since) ? '<unknown>' : humanDuration(nowMs - since);
}

/** Kubernetes' own rounding: two units while the first is small, then one. */
function humanDuration(ms: number): string {
  if (ms < -second) return '<invalid>';
  if (ms < 2 * minute) return `${Math.floor(Math.max(ms, 0) / second)}s`;
  if (ms < 10 * minute) return withRest(`${Math.floor(ms / minute)}m`, (ms % minute) / second, 's');
  if (ms < 3 * hour) return `${Math.floor(ms / minute)}m`;
  if (ms < 8 * hour) return withRest(`${Math.floor(ms / hour)}h`, (ms % hour) / minute, 'm');
  if (ms < 2 * day) return `${Math.floor(ms / hour)}h`;
  if (ms < 8 * day) return withRest(`${Math.floor(ms / day)}d`, (ms % day) / hour, 'h');
  if (ms < 2 * year) return `${Math.floor(ms / day)}d`;
  if (ms < 8 * year) return withRest(`${Math.floor(ms / year)}y`, (ms % year) / day, 'd');
  return `${Math.floor(ms / year)}y`;
}

function withRest(whole: string, rest: number, unit: string): string {
  return rest < 1 ? whole : `${whole}${Math.floor(rest)}${unit}`;
}
