import { afterEach, describe, expect, test } from 'vitest';
import type { RequestSeen } from '../../src/kube/exchange.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { buildServer, type HealthDeps } from '../../src/server/health.ts';
import { createLeasePulse } from '../../src/server/lease-pulse.ts';
import { createMeters } from '../../src/server/meters.ts';

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

function serverWith(deps: Partial<HealthDeps>) {
  const { registry } = createMeters({ isLeader: () => true });
  const server = buildServer({ dead: () => undefined, problems: () => [], registry, ...deps });
  opened.push(server);
  return server;
}

describe('/healthz', () => {
  test('says ok while the process lives, whatever is wrong around it', async () => {
    const { statusCode, body } = await serverWith({ problems: () => ['Canary: not listed yet'] }).inject('/healthz');
    expect([statusCode, body]).toEqual([200, 'ok\n']);
  });

  test('says why the process should be started anew', async () => {
    const { statusCode, body } = await serverWith({ dead: () => 'Lease: nobody asks for it' }).inject('/healthz');
    expect([statusCode, body]).toEqual([503, 'Lease: nobody asks for it\n']);
  });
});

describe('/readyz', () => {
  test('says ok when nothing keeps the loop from working', async () => {
    const { statusCode, body } = await serverWith({}).inject('/readyz');
    expect([statusCode, body]).toEqual([200, 'ok\n']);
  });

  test('has a line for each thing that keeps the loop from working, and follows it', async () => {
    const problems = ['Canary: not listed yet', 'Lease: out of reach'];
    const server = serverWith({ problems: () => problems });
    const before = await server.inject('/readyz');
    expect([before.statusCode, before.body]).toEqual([503, 'Canary: not listed yet\nLease: out of reach\n']);
    problems.length = 0;
    expect((await server.inject('/readyz')).statusCode).toBe(200);
  });
});

describe('/metrics', () => {
  test('has every counter whose labels are known, at 0, before anything happened', async () => {
    const { headers, body } = await serverWith({}).inject('/metrics');
    expect(headers['content-type']).toContain('text/plain; version=0.0.4');
    expect(body).toContain('linnet_reconciles_total{result="ok"} 0\n');
    expect(body).toContain('linnet_reconciles_total{result="error"} 0\n');
    expect(body).toContain('linnet_metrics_requests_total{kind="counts",outcome="failed"} 0\n');
    expect(body).toContain('linnet_reconcile_seconds_count 0\n');
    expect(body).toContain('# TYPE linnet_kube_requests_total counter\n');
    expect(body).toContain('linnet_leader 1\n');
    expect(body).toMatch(/^linnet_process_cpu_seconds_total /m);
    const foreign = body.split('\n').filter((line) => line !== '' && !/^(# (HELP|TYPE) )?linnet_/.test(line));
    expect(foreign).toEqual([]);
  });

  test('counts what the engine does, each where it belongs', async () => {
    let leads = true;
    const meters = createMeters({ isLeader: () => leads });
    const server = serverWith({ registry: meters.registry });
    meters.onReconcile({ seconds: 0.02 });
    meters.onReconcile({ seconds: 3, error: new Error('no') });
    meters.onKubeRequest({ verb: 'patch', kind: 'HTTPRoute', code: 409, seconds: 0.1 });
    meters.onKubeRequest({ verb: 'patch', kind: 'HTTPRoute', code: 0, seconds: 10 });
    meters.onMetricsRequest({ server: 'http://p', kind: 'counts', askers: 3, outcome: 'ok', tookMs: 4 });
    leads = false;
    const { body } = await server.inject('/metrics');
    expect(body).toContain('linnet_reconciles_total{result="ok"} 1\n');
    expect(body).toContain('linnet_reconciles_total{result="error"} 1\n');
    expect(body).toContain('linnet_reconcile_seconds_bucket{le="0.025"} 1\n');
    expect(body).toContain('linnet_reconcile_seconds_count 2\n');
    expect(body).toContain('linnet_kube_requests_total{verb="patch",kind="HTTPRoute",code="409"} 1\n');
    expect(body).toContain('linnet_kube_requests_total{verb="patch",kind="HTTPRoute",code="0"} 1\n');
    expect(body).toContain('linnet_metrics_requests_total{kind="counts",outcome="ok"} 1\n');
    expect(body).toContain('linnet_leader 0\n');
  });

  test('is of one process only: two engines in one do not share counters', async () => {
    const [one, other] = [createMeters({ isLeader: () => true }), createMeters({ isLeader: () => true })];
    one.onReconcile({ seconds: 1 });
    expect(await other.registry.getSingleMetricAsString('linnet_reconciles_total')).toContain('{result="ok"} 0');
  });
});

describe('the server', () => {
  test('closes at once although a client keeps its connection', async () => {
    const server = serverWith({});
    const address = await server.listen({ host: '127.0.0.1', port: 0 });
    await (await fetch(`${address}/healthz`)).text();
    const started = performance.now();
    await server.close();
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe('the pulse of the Lease', () => {
  const seen = (code: number, kind = 'Lease'): RequestSeen => ({ verb: 'patch', kind, code, seconds: 0 });
  function pulseAt() {
    let nowMs = 1_000;
    const clock: Clock = { now: () => nowMs, monotonic: () => nowMs, after: () => () => undefined };
    return { pulse: createLeasePulse(clock), pass: (ms: number) => void (nowMs += ms) };
  }

  test('is there while the elector asks, answered or not', () => {
    const { pulse, pass } = pulseAt();
    for (let turn = 0; turn < 20; turn++) {
      pass(10_000);
      pulse.onKubeRequest(seen(0));
    }
    expect(pulse.dead()).toBeUndefined();
    expect(pulse.problem()).toBe('Lease: out of reach for 200 s (no answer)');
  });

  test('is gone when nobody asks for half a minute, whatever else is asked', () => {
    const { pulse, pass } = pulseAt();
    pass(31_000);
    pulse.onKubeRequest(seen(200, 'Canary'));
    expect(pulse.dead()).toBe('Lease: nobody has asked for it for 31 s; the elector has stopped');
  });

  test('names a refusal, which keeps this process from ever leading', () => {
    const { pulse, pass } = pulseAt();
    pass(31_000);
    pulse.onKubeRequest(seen(403));
    expect(pulse.problem()).toBe('Lease: out of reach for 31 s (the last answer was 403)');
  });

  test.each([200, 201, 404, 409, 422])('takes %s for an answer: a standby is ready', (code) => {
    const { pulse, pass } = pulseAt();
    pass(31_000);
    pulse.onKubeRequest(seen(code));
    expect([pulse.dead(), pulse.problem()]).toEqual([undefined, undefined]);
  });
});
