import type { CanarySpec } from '../api/canary-spec.ts';
import { kinds } from '../api/kinds.ts';
import type { KubeObject } from '../api/objects.ts';
import type { Clock } from '../ports/clock.ts';
import type { Problem } from '../decide/view.ts';
import { type Kube, KubeError } from '../ports/kube.ts';
import type { MetricsServer } from '../ports/metrics.ts';

/** Secrets are read at use and kept for no longer than this. */
const keptMs = 60_000;

const headerKey = /^header\.([A-Za-z0-9-]{1,64})$/;

/**
 * The metrics server of an attempt, with its Secret; an undefined server is the engine's default one. A Secret that cannot be used is a
 * problem of the numbers and of nothing else: whoever asks for them says so.
 */
export type ResolvedServer = { ok: true; server: MetricsServer | undefined } | { ok: false; problem: Problem };

interface Secret extends KubeObject {
  data?: Record<string, string>;
}

/** A metrics server as a Canary or a MetricTemplate names it. */
type ServerRef = NonNullable<CanarySpec['metricsServer']>;

/** Resolves a metrics server that an object of a namespace names; never rejects. */
export type ServerOf = (namespace: string, ref: ServerRef | undefined) => Promise<ResolvedServer>;

/**
 * @param allowed base URLs that may be named; one without a port allows every port of the host. Absent: all are allowed. Whoever may write a
 * Canary could otherwise make the engine ask any address that it reaches
 */
export function createServers(kube: Kube, clock: Clock, allowed?: readonly string[]): ServerOf {
  const kept = new Map<string, { untilMs: number; server: MetricsServer }>();
  return async (namespace, ref) => {
    if (ref === undefined) return { ok: true, server: undefined };
    const { address, secretRef } = ref;
    if (allowed !== undefined && !allowed.some((base) => isBelow(base, address))) return notAllowed(address);
    if (secretRef === undefined) return { ok: true, server: { address } };
    const { name } = secretRef;
    const key = JSON.stringify([namespace, name, address]);
    const known = kept.get(key);
    if (known !== undefined && clock.now() < known.untilMs) return { ok: true, server: known.server };
    try {
      const secret = await kube.get<Secret>({ kind: kinds.secret, namespace, name });
      const problem = unusable(secret, `Secret ${namespace}/${name}`);
      if (problem !== undefined) return { ok: false, problem };
      const server = { address, ...credentials(secret?.data ?? {}) };
      kept.set(key, { untilMs: clock.now() + keptMs, server });
      return { ok: true, server };
    } catch (error) {
      return { ok: false, problem: unread(error, `Secret ${namespace}/${name}`) };
    }
  };
}

function isBelow(base: string, address: string): boolean {
  const [allowed, wanted] = [new URL(base), new URL(address)];
  const path = allowed.pathname.replace(/\/$/, '');
  return (
    wanted.protocol === allowed.protocol &&
    wanted.hostname === allowed.hostname &&
    (allowed.port === '' || wanted.port === allowed.port) &&
    (wanted.pathname === path || wanted.pathname.startsWith(`${path}/`))
  );
}

function notAllowed(address: string): ResolvedServer {
  const message = `${address} is not one of the metrics servers that the engine may ask; start it with --metrics-server ${new URL(address).origin}, or name an allowed one.`;
  return { ok: false, problem: { reason: 'MetricsServerNotAllowed', message } };
}

const wantedKeys = 'token, or username and password; ca.crt; header.<Name>';

/** Only names of keys are told, never values. */
function unusable(secret: Secret | undefined, name: string): Problem | undefined {
  const reason = 'SecretNotFound';
  if (secret === undefined) {
    return { reason, message: `${name} of metricsServer.secretRef is not there; create it or correct the name.` };
  }
  const data = secret.data ?? {};
  if (Object.keys(credentials(data)).length > 0) return undefined;
  const found = Object.keys(data).join(', ') || 'none';
  const message = `${name} of metricsServer.secretRef has none of the keys that are used (${wantedKeys}); its keys: ${found}.`;
  return { reason, message };
}

function unread(error: unknown, name: string): Problem {
  const said = error instanceof Error ? error.message : String(error);
  return error instanceof KubeError && error.reason === 'forbidden'
    ? {
        reason: 'Forbidden',
        message: `${name} of metricsServer.secretRef may not be read by Linnet; grant it. ${said}`,
      }
    : { reason: 'SecretUnread', message: `${name} of metricsServer.secretRef cannot be read now. ${said}` };
}

function credentials(data: Record<string, string>): Omit<MetricsServer, 'address'> {
  const text = (key: string) => {
    const value = data[key];
    return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8').trim();
  };
  const [bearer, username, password, ca] = [text('token'), text('username'), text('password'), text('ca.crt')];
  const headers = Object.fromEntries(
    Object.keys(data).flatMap((key) => {
      const name = headerKey.exec(key)?.[1];
      return name === undefined ? [] : [[name, text(key) ?? '']];
    }),
  );
  return {
    ...(bearer === undefined ? {} : { bearer }),
    ...(username === undefined ? {} : { basic: { username, password: password ?? '' } }),
    ...(ca === undefined ? {} : { ca }),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
  };
}
