import type { Clock } from '../../src/ports/clock.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { serve } from '../../src/sandbox/world/gateway/serve.ts';
import { createTrafficMetrics } from '../../src/sandbox/world/gateway/traffic-metrics.ts';

const tickMs = 100;

/** A steady stream of requests through a Gateway's routing table, without sockets. */
export interface Traffic {
  /** Requests so far, and how many of them failed. */
  counts(): { requests: number; failed: number };
  stop(): void;
}

/** Sends `perSecond` requests a second to each host, and has them counted as the Gateway counts its own. */
export function startTraffic(
  sandbox: Sandbox,
  clock: Clock,
  { gateway, hosts, perSecond }: { gateway: { namespace: string; name: string }; hosts: string[]; perSecond: number },
): Traffic {
  const metrics = createTrafficMetrics();
  const removeTarget = sandbox.metrics.addTarget({
    labels: { job: 'gateway', instance: 'synthetic' },
    scrape: () => metrics.exposition(),
  });
  const startedAt = clock.monotonic();
  let sentPerHost = 0;
  let failed = 0;
  let cancel = (): void => undefined;
  const tick = () => {
    const plane = sandbox.gateways.gateway(gateway.namespace, gateway.name);
    const due = Math.floor(((clock.monotonic() - startedAt) / 1000) * perSecond);
    const world = { running: sandbox.workloads.running(), metrics };
    for (; plane !== undefined && sentPerHost < due; sentPerHost++) {
      for (const host of hosts) {
        const { code } = serve(plane, 80, { method: 'GET', host, target: '/', headers: {} }, world);
        if (code >= 500) failed++;
      }
    }
    cancel = clock.after(tickMs, tick);
  };
  tick();
  return {
    counts: () => ({ requests: sentPerHost * hosts.length, failed }),
    stop() {
      cancel();
      removeTarget();
    },
  };
}
