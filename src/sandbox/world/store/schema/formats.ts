// Not from node:net: the world of the sandbox knows no module that can open a socket.
const isIPv4 = (text: string): boolean =>
  /^\d{1,3}(\.\d{1,3}){3}$/.test(text) && text.split('.').every((part) => part === String(Math.min(255, Number(part))));
const isIPv6 = (text: string): boolean => /^[\da-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]/`);
const isIP = (text: string): boolean => isIPv4(text) || isIPv6(text);

const tests: Record<string, (text: string) => boolean> = {
  date: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)),
  'date-time': (text) =>
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i.test(text) && !Number.isNaN(Date.parse(text)),
  duration: (text) => durationSeconds(text) !== undefined,
  ipv4: isIPv4,
  ipv6: isIPv6,
  ip: isIP,
  cidr: (text) => /^[^/]+\/\d{1,3}$/.test(text) && isIP(text.split('/')[0] ?? ''),
  hostname: (text) => text.length <= 253 && /^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$/.test(text),
  uri: (text) => URL.canParse(text),
  uuid: (text) => /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i.test(text),
  byte: (text) => /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text),
};

/** Whether a text is of an OpenAPI format; formats that the API server does not check, all are. */
export function isOfFormat(format: string, text: string): boolean {
  return !Object.hasOwn(tests, format) || (tests[format]?.(text) ?? true);
}

const unitSeconds: Record<string, number> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 };

/** Go's duration syntax, e.g. `1h30m` or `-1.5s`. @returns seconds, undefined when it is none */
export function durationSeconds(text: string): number | undefined {
  const match = /^([+-]?)((?:\d+(?:\.\d*)?(?:h|ms|us|µs|ns|m|s))+|0)$/.exec(text);
  if (match === null) return undefined;
  let seconds = 0;
  for (const [, count, unit] of (match[2] ?? '').matchAll(/(\d+(?:\.\d*)?)(h|ms|us|µs|ns|m|s)/g)) {
    seconds += Number(count) * (unitSeconds[unit ?? 's'] ?? 1);
  }
  return match[1] === '-' ? -seconds : seconds;
}
