import { describe, expect, test } from 'vitest';
import { countsBetween } from '../../src/analysis/counts.ts';
import { answers, matrix, series, serves, vector } from './fake-prometheus.ts';
import { aRequest, atMs, harness } from './harness.ts';

const startMs = atMs - 40_000;

/** Istio's counter of one version, which grows by `count` between a scrape before the window and one in it. */
function istio(service: string, count: number, code = '200', more: Record<string, string> = {}) {
  const metric = {
    __name__: 'istio_requests_total',
    reporter: 'source',
    destination_service_namespace: 'shop',
    destination_service_name: service,
    response_code: code,
    job: 'gateway',
    instance: '10.0.0.1:15020',
    ...more,
  };
  return series(metric, [
    [startMs, 100],
    [atMs - 5_000, 100 + count],
  ]);
}

function asksFor(query: string, name: string): boolean {
  return query.includes(`${name}-canary`);
}

describe('asking for one Canary', () => {
  test('gives the raw counters of both versions, good and bad apart', async () => {
    const all = [istio('cart', 95), istio('cart-canary', 4), istio('cart-canary', 1, '503'), istio('other', 7)];
    await using world = await harness(serves(all));
    const answer = await world.metrics.counts(aRequest('cart'));
    if (answer.outcome !== 'data') throw new Error(JSON.stringify(answer));
    const fromMs = atMs - 30_000;
    expect(countsBetween(answer.data, 'stable', fromMs, { baseline: 'before' })).toMatchObject({ total: 95, good: 95 });
    expect(countsBetween(answer.data, 'canary', fromMs, { baseline: 'before' })).toMatchObject({
      total: 5,
      good: 4,
      newestSampleMs: atMs - 5_000,
    });
  });

  test('sends a query that a person can paste, and shows it in the answer', async () => {
    await using world = await harness(serves([istio('cart', 1)]));
    const answer = await world.metrics.counts(aRequest('cart', { histogram: true }));
    const query =
      '{__name__=~"istio_requests_total|istio_request_duration_milliseconds_bucket",reporter="source",' +
      'destination_service_namespace="shop",destination_service_name=~"cart|cart-canary"}[150s]';
    expect(world.prometheus.got.map((got) => got.query)).toEqual([query]);
    expect(answer.query).toBe(query);
  });

  test('buckets come in milliseconds, one histogram apart from the other', async () => {
    const bucket = (le: string, code: string) =>
      istio('cart-canary', 5, code, { __name__: 'istio_request_duration_milliseconds_bucket', le });
    await using world = await harness(
      serves([istio('cart-canary', 5), bucket('0.5', '200'), bucket('+Inf', '200'), bucket('+Inf', '500')]),
    );
    const answer = await world.metrics.counts(aRequest('cart', { histogram: true }));
    if (answer.outcome !== 'data') throw new Error(JSON.stringify(answer));
    const { buckets } = answer.data.canary;
    expect(buckets.map((one) => one.leMs)).toEqual([0.5, Infinity, Infinity]);
    expect(new Set(buckets.map((one) => one.histogram)).size).toBe(2);
  });

  test('without series there is no data, and the answer names what was looked for', async () => {
    await using world = await harness(serves([]));
    const answer = await world.metrics.counts(aRequest('cart', { preset: 'traefik' }));
    expect(answer).toMatchObject({
      outcome: 'noData',
      message: expect.stringContaining('traefik_service_requests_total for shop/cart'),
    });
  });

  test('without any pod address nothing is asked', async () => {
    await using world = await harness(serves([]));
    const answer = await world.metrics.counts(aRequest('cart', { preset: 'envoy-gateway' }));
    expect(answer).toMatchObject({ outcome: 'noData', query: '' });
    expect(world.prometheus.got).toEqual([]);
  });

  test('samples from after now are left out', async () => {
    const future = istio('cart', 5);
    future.values.push([atMs / 1000 + 60, '9999']);
    await using world = await harness(answers(matrix(future)));
    const answer = await world.metrics.counts(aRequest('cart'));
    expect(answer).toMatchObject({
      outcome: 'data',
      data: { stable: { requests: [{ samples: [{}, { value: 105 }] }] } },
    });
  });

  test('names with signs that mean something in PromQL stay names', async () => {
    const hostile = ['a"} or vector(1) #', 'a\\', 'x|.*', 'line\nbreak'];
    await using world = await harness(serves(hostile.map((name) => istio(name, 3))));
    for (const service of hostile) {
      const answer = await world.metrics.counts(aRequest('cart', { stable: { service, addresses: [] } }));
      expect(answer).toMatchObject({ outcome: 'data', data: { stable: { requests: [{}] }, canary: { requests: [] } } });
    }
  });
});

describe('answers that cannot be counters', () => {
  const name = { __name__: 'istio_requests_total', reporter: 'source' };
  const mine = {
    ...name,
    destination_service_namespace: 'shop',
    destination_service_name: 'cart',
    response_code: '200',
  };
  const raw = (values: unknown) => matrix({ metric: mine, values });

  test.each(['NaN', '+Inf', '-3', 'x', '', 7])('a counter of %j is nonsense', async (value) => {
    await using world = await harness(answers(raw([[atMs / 1000 - 5, value]])));
    expect(await world.metrics.counts(aRequest('cart'))).toMatchObject({ outcome: 'nonsense' });
  });

  test.each([[null], [[[1]]], [[{}]], ['text'], [[['1', '2']]]])('values %j are an error', async (values) => {
    await using world = await harness(answers(raw(values)));
    expect(await world.metrics.counts(aRequest('cart'))).toMatchObject({ outcome: 'error', reason: 'Failed' });
  });

  test('a vector instead of a matrix is an error', async () => {
    await using world = await harness(answers(vector([atMs / 1000, '1'])));
    expect(await world.metrics.counts(aRequest('cart'))).toMatchObject({ outcome: 'error' });
  });

  test('native histograms are no series of ours and stop nothing', async () => {
    const native = { metric: mine, histograms: [[atMs / 1000, { count: '1', sum: '1' }]] };
    await using world = await harness(answers(matrix(native, istio('cart', 4))));
    const answer = await world.metrics.counts(aRequest('cart'));
    expect(answer).toMatchObject({ outcome: 'data', data: { stable: { requests: [{}] } } });
  });

  test("one Canary's nonsense is not its neighbour's", async () => {
    const broken = { metric: mine, values: [[atMs / 1000 - 5, 'NaN']] };
    await using world = await harness(answers(matrix(broken, istio('till', 4))));
    const both = await Promise.all([world.metrics.counts(aRequest('cart')), world.metrics.counts(aRequest('till'))]);
    expect(both.map((answer) => answer.outcome)).toEqual(['nonsense', 'data']);
    expect(world.prometheus.got).toHaveLength(1);
  });
});

describe('many Canaries at once', () => {
  const names = Array.from({ length: 250 }, (_, index) => `shop-${index}`);

  test('250 share three requests, and each gets its own numbers and no others', async () => {
    const all = names.flatMap((name, index) => [istio(name, 1000 + index), istio(`${name}-canary`, index)]);
    await using world = await harness(serves(all));
    const found = await Promise.all(names.map((name) => world.metrics.counts(aRequest(name))));
    const counts = found.map((answer) => {
      if (answer.outcome !== 'data') throw new Error(JSON.stringify(answer));
      expect(answer.data.stable.requests).toHaveLength(1);
      const total = (side: 'stable' | 'canary') =>
        countsBetween(answer.data, side, atMs - 30_000, { baseline: 'before' }).total;
      return [total('stable'), total('canary')];
    });
    expect(counts).toEqual(names.map((_, index) => [1000 + index, index]));
    expect(world.reports.map((report) => report.askers)).toEqual([100, 100, 50]);
    for (const { query } of world.prometheus.got) expect(query.length).toBeLessThanOrEqual(8 * 1024);
  });

  test('long names make smaller groups, never a query above 8 KiB', async () => {
    const long = names.slice(0, 100).map((name) => `${name}-${'x'.repeat(50)}`);
    await using world = await harness(serves(long.map((name) => istio(name, 1))));
    const found = await Promise.all(long.map((name) => world.metrics.counts(aRequest(name))));
    expect(found.filter((answer) => answer.outcome === 'data')).toHaveLength(100);
    expect(world.prometheus.got.length).toBeGreaterThan(1);
    for (const { query } of world.prometheus.got) expect(Buffer.byteLength(query)).toBeLessThanOrEqual(8 * 1024);
  });

  test('a Canary with other windows is answered for its own', async () => {
    await using world = await harness(serves([istio('cart', 5), istio('till', 5)]));
    const [cart, till] = await Promise.all([
      world.metrics.counts(aRequest('cart', { fromMs: atMs - 250_000 })),
      world.metrics.counts(aRequest('till', { fromMs: atMs - 10_000, atMs: atMs - 6_000 })),
    ]);
    expect(world.prometheus.got).toHaveLength(1);
    expect(cart).toMatchObject({ data: { stable: { requests: [{ samples: [{}, {}] }] } } });
    expect(till).toMatchObject({ data: { stable: { requests: [{ samples: [{}] }] } } });
  });

  test('one whose names spoil the query, or whose numbers are too many, spoils only its own answer', async () => {
    const few = names.slice(0, 40);
    const serve = serves(few.map((name) => istio(name, 1)));
    await using world = await harness((got, response) => {
      if (!asksFor(got.query, 'shop-17')) return serve(got, response);
      return answers({ status: 'error', errorType: 'bad_data', error: 'invalid' }, 400)(got, response);
    });
    const found = await Promise.all(few.map((name) => world.metrics.counts(aRequest(name))));
    expect(found.map((answer) => answer.outcome)).toEqual(few.map((name) => (name === 'shop-17' ? 'error' : 'data')));
    expect(found[17]).toMatchObject({ invalidQuery: true });

    world.prometheus.behave((got, response) => {
      if (!asksFor(got.query, 'shop-3')) return serve(got, response);
      return answers('x'.repeat(16 * 1024 * 1024))(got, response);
    });
    const again = await Promise.all(few.map((name) => world.metrics.counts(aRequest(name))));
    expect(again[3]).toMatchObject({ outcome: 'error', message: expect.stringContaining('more than the 256 KiB') });
    expect(again.filter((answer) => answer.outcome === 'data')).toHaveLength(39);
  });

  test('an error of the server reaches each that asked, after one request', async () => {
    await using world = await harness(answers({ status: 'error', errorType: 'internal', error: 'disk full' }, 500));
    const found = await Promise.all(names.slice(0, 20).map((name) => world.metrics.counts(aRequest(name))));
    for (const answer of found)
      expect(answer).toMatchObject({ outcome: 'error', message: expect.stringContaining('disk full') });
    expect(world.prometheus.got).toHaveLength(1);
  });

  test('a server that hangs delays nobody who asks another', async () => {
    await using hanging = await harness(() => {});
    await using world = await harness(serves([istio('cart', 5)]));
    const slow = world.metrics.counts(aRequest('till', { server: { address: hanging.prometheus.address } }));
    const start = performance.now();
    expect(await world.metrics.counts(aRequest('cart'))).toMatchObject({ outcome: 'data' });
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(await slow).toMatchObject({ outcome: 'error', message: expect.stringContaining('no answer in 5 s') });
  });

  test('each gets no older samples than it needs, though another asked for them', async () => {
    const till = istio('till', 5);
    till.values.unshift([atMs / 1000 - 200, '1']);
    await using world = await harness(serves([istio('cart', 5), till]));
    const [, mine] = await Promise.all([
      world.metrics.counts(aRequest('cart', { fromMs: atMs - 250_000 })),
      world.metrics.counts(aRequest('till')),
    ]);
    expect(world.prometheus.got).toHaveLength(1);
    expect(mine).toMatchObject({ data: { stable: { requests: [{ samples: [{ value: 100 }, { value: 105 }] }] } } });
  });

  test('a question that makes for larger answers, or is of another preset, is asked apart', async () => {
    await using world = await harness(serves([istio('cart', 5)]));
    const found = await Promise.all([
      world.metrics.counts(aRequest('cart')),
      world.metrics.counts(aRequest('cart', { histogram: true })),
      world.metrics.counts(aRequest('cart', { fromMs: atMs - 3_600_000 })),
      world.metrics.counts(aRequest('cart', { preset: 'app' })),
    ]);
    expect(found.map((answer) => answer.outcome)).toEqual(['data', 'data', 'data', 'noData']);
    const sent = world.prometheus.got.map((got) => got.query);
    expect(new Set(sent)).toEqual(new Set(found.map((answer) => answer.query)));
    expect(sent).toHaveLength(4);
  });

  test('the same server with other credentials is asked apart', async () => {
    await using world = await harness(serves([istio('cart', 5), istio('till', 5)]));
    const server = { address: world.prometheus.address, bearer: 'a' };
    await Promise.all([world.metrics.counts(aRequest('cart')), world.metrics.counts(aRequest('till', { server }))]);
    const sent = world.prometheus.got.map((got) => got.headers.authorization);
    expect(sent).toHaveLength(2);
    expect(new Set(sent)).toEqual(new Set(['Bearer a', undefined]));
  });
});
