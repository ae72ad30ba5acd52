import type { Answer, MeasuredValue } from '../analysis/answer.ts';
import type { Timeline } from '../analysis/timeline.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { CountsRequest, Metrics, MetricsServer, ValueRequest } from '../ports/metrics.ts';
import { placeOf } from './failure.ts';
import { presetFor, presets } from './presets/presets.ts';
import { ask, type Question, type Reply } from './prometheus.ts';
import { answerAll, type Waiting } from './shared-query.ts';
import { askValue } from './value.ts';

/** One HTTP request to a metrics server, when it is over. */
export interface RequestReport {
  /** Scheme, host and port. */
  server: string;
  kind: 'counts' | 'value';
  /** Canaries that shared it. */
  askers: number;
  outcome: 'ok' | 'badQuery' | 'tooLarge' | 'failed';
  tookMs: number;
}

export interface MetricsOptions {
  clock: Clock;
  log: Log;
  /** Asked by every Canary that names no other. */
  defaultServer: MetricsServer;
  onRequest?: (report: RequestReport) => void;
}

/** Questions that come within this time share a request. */
const gatherMs = 50;
/** Windows up to this long share a request; above it, those of one power of two: a long window is a large answer. */
const shortWindowMs = 300_000;

interface Batch {
  server: MetricsServer;
  waiting: Waiting[];
}

/** The metrics store that Prometheus and its kin are. */
export function createMetrics({ clock, log, defaultServer, onRequest }: MetricsOptions): Metrics {
  const batches = new Map<string, Batch>();

  async function report(
    kind: RequestReport['kind'],
    server: MetricsServer,
    question: Question,
    askers: number,
  ): Promise<Reply> {
    const startMs = clock.monotonic();
    const reply = await ask(clock, server, question);
    const place = placeOf(server);
    const tookMs = clock.monotonic() - startMs;
    if (!reply.ok) log.warn({ server: place, askers, kind: reply.kind }, reply.message);
    else if (reply.infos.length > 0) log.debug({ server: place, infos: reply.infos }, 'The metrics server has remarks');
    onRequest?.({ server: place, kind, askers, outcome: reply.ok ? 'ok' : reply.kind, tookMs });
    return reply;
  }

  function flush(key: string, request: CountsRequest): void {
    const batch = batches.get(key);
    batches.delete(key);
    if (batch === undefined) return;
    const { server, waiting } = batch;
    answerAll(presets[request.preset], server, waiting, (question, askers) =>
      report('counts', server, question, askers),
    ).catch((error: unknown) => {
      log.error({ err: error }, 'An answer of the metrics server could not be read');
      const message = `The answer of the metrics server ${placeOf(server)} could not be read.`;
      for (const { resolve } of waiting) resolve({ outcome: 'error', reason: 'Failed', query: '', message });
    });
  }

  return {
    preset(controllerNames, provider) {
      return presetFor(controllerNames, provider);
    },
    counts(request) {
      const server = request.server ?? defaultServer;
      const key = batchKey(request, server);
      return new Promise<Answer<Timeline>>((resolve) => {
        const batch = batches.get(key);
        if (batch !== undefined) {
          batch.waiting.push({ request, resolve });
          return;
        }
        batches.set(key, { server, waiting: [{ request, resolve }] });
        clock.after(gatherMs, () => flush(key, request));
      });
    },
    value(request: ValueRequest): Promise<Answer<MeasuredValue>> {
      const server = request.server ?? defaultServer;
      return askValue(request, server, (question) => report('value', server, question, 1));
    },
  };
}

function batchKey({ preset, histogram, fromMs, atMs }: CountsRequest, server: MetricsServer): string {
  const windows = Math.max(0, Math.ceil(Math.log2((atMs - fromMs) / shortWindowMs)));
  return JSON.stringify([server, preset, histogram, windows]);
}
