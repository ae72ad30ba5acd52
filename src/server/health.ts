import { type FastifyInstance, fastify } from 'fastify';
import type { Registry } from 'prom-client';

export interface HealthDeps {
  /** Why the process should be started anew; undefined while it lives. */
  dead(): string | undefined;
  /** One sentence for each thing that keeps the loop from working. */
  problems(): string[];
  registry: Registry;
}

/**
 * `/healthz`: 200 while the process lives; a blocked event loop answers nothing, which a probe takes for dead. `/readyz`: 200 only while
 * everything that the loop needs is heard from, else 503 with one sentence a line. `/metrics`: the registry. No secrets are in any of them.
 */
export function buildServer({ dead, problems, registry }: HealthDeps): FastifyInstance {
  const app = fastify({ logger: false, forceCloseConnections: true });
  app.get('/healthz', (_request, reply) => {
    const why = dead();
    return reply
      .code(why === undefined ? 200 : 503)
      .type('text/plain')
      .send(`${why ?? 'ok'}\n`);
  });
  app.get('/readyz', (_request, reply) => {
    const found = problems();
    return reply
      .code(found.length === 0 ? 200 : 503)
      .type('text/plain')
      .send(found.length === 0 ? 'ok\n' : `${found.join('\n')}\n`);
  });
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()));
  return app;
}
