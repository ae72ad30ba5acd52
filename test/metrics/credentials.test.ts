import { expect, test } from 'vitest';
import { createMetrics } from '../../src/metrics/metrics.ts';
import type { MetricsServer } from '../../src/ports/metrics.ts';
import { systemClock } from '../../src/system.ts';
import { answers, fakePrometheus, memoryLog, vector } from './fake-prometheus.ts';
import { atMs, harness, variables } from './harness.ts';
import { loopbackCertificate } from './loopback-certificate.ts';

const good = answers(vector([atMs / 1000, '1']));
const secrets: Omit<MetricsServer, 'address'>[] = [
  { bearer: 'token-s3cr3t' },
  { basic: { username: 'linnet', password: 'pass-s3cr3t' } },
  { headers: { 'x-scope-orgid': 'team-s3cr3t' } },
];

test('a bearer token, a name with password and headers are sent', async () => {
  await using world = await harness(good);
  for (const secret of secrets) {
    await world.metrics.value({
      query: 'up',
      variables,
      atMs,
      server: { address: world.prometheus.address, ...secret },
    });
  }
  const [bearer, basic, headers] = world.prometheus.got.map((got) => got.headers);
  expect(bearer?.authorization).toBe('Bearer token-s3cr3t');
  expect(basic?.authorization).toBe(`Basic ${Buffer.from('linnet:pass-s3cr3t').toString('base64')}`);
  expect(headers?.['x-scope-orgid']).toBe('team-s3cr3t');
});

test.each(secrets)('no secret is in an answer or in the log, whatever goes wrong: %j', async (secret) => {
  await using world = await harness(good, secret);
  const echo = answers({ status: 'error', errorType: 'internal', error: `bad token ${JSON.stringify(secret)}` }, 500);
  const seen: unknown[] = [];
  for (const behaviour of [echo, answers('<html>s3cr3t</html>'), answers('s3cr3t', 401)]) {
    world.prometheus.behave(behaviour);
    seen.push(await world.metrics.value({ query: 'up', variables, atMs }));
  }
  world.prometheus.behave((_, response) => void response.destroy());
  seen.push(await world.metrics.value({ query: 'up', variables, atMs }));
  const hostile = { address: 'http://linnet:url-s3cr3t@127.0.0.1:1/', headers: { bad: 'line\ns3cr3t' } };
  seen.push(await world.metrics.value({ query: 'up', variables, atMs, server: hostile }));
  expect(seen).toHaveLength(5);
  expect(JSON.stringify([seen, world.lines, world.reports])).not.toContain('s3cr3t');
});

test('a server with a certificate of an own authority is trusted only with that authority', async () => {
  await using prometheus = await fakePrometheus(good, loopbackCertificate);
  const { log } = memoryLog();
  const defaultServer = { address: prometheus.address };
  const metrics = createMetrics({ clock: systemClock, log, defaultServer });
  expect(await metrics.value({ query: 'up', variables, atMs })).toMatchObject({ outcome: 'error' });
  const server = { ...defaultServer, ca: loopbackCertificate.cert };
  expect(await metrics.value({ query: 'up', variables, atMs, server })).toMatchObject({ outcome: 'data' });
});
