import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TrafficMetrics } from '../../world/gateway/traffic-metrics.ts';
import { sendText } from './forward.ts';
import { closeNow } from './pod-servers.ts';

/** `/metrics` of the sandbox's gateways, on 127.0.0.1. */
export interface MetricsPage {
  url: string;
  close(): Promise<void>;
}

export async function startMetricsPage(metrics: TrafficMetrics): Promise<MetricsPage> {
  const server = createServer((request, response) => {
    request.resume();
    if (request.url !== '/metrics') return sendText(response, 404, 'the metrics are at /metrics');
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(metrics.exposition());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`, close: () => closeNow(server) };
}
