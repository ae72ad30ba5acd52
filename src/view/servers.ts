import type { Frozen } from '../api/canary-status.ts';
import { kinds } from '../api/kinds.ts';
import type { KubeObject } from '../api/objects.ts';
import type { Clock } from '../ports/clock.ts';
import type { Kube } from '../ports/kube.ts';
import type { MetricsServer } from '../ports/metrics.ts';

/** Secrets are read at use and kept for no longer than this. */
const keptMs = 60_000;

const headerKey = /^header\.([A-Za-z0-9-]{1,64})$/;

/** Resolves the metrics server of an attempt, with its Secret; undefined means the engine's default server. */
export function createServers(
  kube: Kube,
  clock: Clock,
): (namespace: string, frozen: Frozen) => Promise<MetricsServer | undefined> {
  const kept = new Map<string, { untilMs: number; server: MetricsServer }>();
  return async (namespace, { metricsServer }) => {
    if (metricsServer === undefined) return undefined;
    const { address, secretRef } = metricsServer;
    if (secretRef === undefined) return { address };
    const key = JSON.stringify([namespace, secretRef.name, address]);
    const known = kept.get(key);
    if (known !== undefined && clock.now() < known.untilMs) return known.server;
    const secret = await kube.get<KubeObject & { data?: Record<string, string> }>({
      kind: kinds.secret,
      namespace,
      name: secretRef.name,
    });
    const server = { address, ...credentials(secret?.data ?? {}) };
    kept.set(key, { untilMs: clock.now() + keptMs, server });
    return server;
  };
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
