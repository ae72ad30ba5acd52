import type { Frozen } from '../api/canary-status.ts';
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

/** Resolves the metrics server of an attempt; never rejects. */
export function createServers(
  kube: Kube,
  clock: Clock,
): (namespace: string, frozen: Frozen) => Promise<ResolvedServer> {
  const kept = new Map<string, { untilMs: number; server: MetricsServer }>();
  return async (namespace, { metricsServer }) => {
    const { address = '', secretRef } = metricsServer ?? {};
    if (secretRef === undefined) return { ok: true, server: metricsServer && { address } };
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
