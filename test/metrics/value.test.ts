import { describe, expect, test } from 'vitest';
import type { Answer, MeasuredValue } from '../../src/analysis/answer.ts';
import { answers, type Behaviour, success, vector } from './fake-prometheus.ts';
import { atMs, harness, variables } from './harness.ts';

const now = atMs / 1000;
const query = 'sum(rate(errors_total[30s]))';

async function valueFrom(behaviour: Behaviour): Promise<Answer<MeasuredValue>> {
  await using world = await harness(behaviour);
  return await world.metrics.value({ query, variables, atMs });
}

test('one value comes with its time, and the query goes as a POST with the time of asking', async () => {
  await using world = await harness(answers(vector([now, '0.25'])));
  const answer = await world.metrics.value({ query, variables, atMs });
  expect(answer).toEqual({ outcome: 'data', query, data: { value: 0.25, sampleMs: atMs } });
  expect(world.prometheus.got).toMatchObject([{ method: 'POST', path: '/api/v1/query', query, time: now }]);
  expect(world.reports).toMatchObject([{ kind: 'value', askers: 1, outcome: 'ok', server: world.prometheus.address }]);
});

test('the query of a MetricTemplate goes with its variables filled in, and one that cannot be filled in does not go', async () => {
  await using world = await harness(answers(vector([now, '1'])));
  const template = 'sum(up{namespace="{{ namespace }}"})';
  const answer = await world.metrics.value({ query: template, variables, atMs });
  expect(answer).toMatchObject({ outcome: 'data', query: 'sum(up{namespace="shop"})' });
  const unknown = await world.metrics.value({ query: 'up{a="{{ ingress }}"}', variables, atMs });
  expect(unknown).toMatchObject({
    outcome: 'error',
    invalidQuery: true,
    message: expect.stringContaining('{{ ingress }}'),
  });
  expect(world.prometheus.got.map((got) => got.query)).toEqual(['sum(up{namespace="shop"})']);
});

test('a path in the address is kept', async () => {
  await using world = await harness(answers(vector([now, '1'])));
  await world.metrics.value({ query, variables, atMs, server: { address: `${world.prometheus.address}/prom/` } });
  expect(world.prometheus.got[0]?.path).toBe('/prom/api/v1/query');
});

test('a scalar is a value too', async () => {
  const answer = await valueFrom(answers(success({ resultType: 'scalar', result: [now, '3'] })));
  expect(answer).toMatchObject({ outcome: 'data', data: { value: 3, sampleMs: atMs } });
});

describe('answers that are no measurement', () => {
  const nativeHistogram = { metric: {}, histogram: [now, { count: '3', sum: '1', buckets: [] }] };
  const cases: [string, unknown, Partial<Record<'outcome' | 'reason' | 'message', unknown>>][] = [
    ['an empty vector is no data', vector(), { outcome: 'noData' }],
    ['NaN is no data', vector([now, 'NaN']), { outcome: 'noData' }],
    ['a value from the future is no data', vector([now + 60, '1']), { outcome: 'noData' }],
    ['two series are an error of their own', vector([now, '1'], [now, '2']), { reason: 'MultipleSeries' }],
    ['a string is an error', success({ resultType: 'string', result: [now, 'x'] }), { outcome: 'error' }],
    ['a matrix is an error', success({ resultType: 'matrix', result: [] }), { outcome: 'error' }],
    ['a sample of nothing is an error', vector([]), { outcome: 'error' }],
    ['a sample of a time alone is an error', vector([now]), { outcome: 'error' }],
    ['a sample without a time is an error', vector(['now', '1']), { outcome: 'error' }],
    [
      'a native histogram is an error',
      success({ resultType: 'vector', result: [nativeHistogram] }),
      { outcome: 'error', message: expect.stringContaining('native histogram') },
    ],
    ['no data at all is an error', success(undefined), { outcome: 'error' }],
    ['a list instead of an object is an error', [1, 2, 3], { outcome: 'error' }],
    ['null is an error', null, { outcome: 'error' }],
    [
      'a partial answer is an error',
      { ...vector([now, '1']), warnings: ['store eu-1 is missing'] },
      { outcome: 'error', message: expect.stringContaining('store eu-1 is missing') },
    ],
  ];

  test.each(cases)('%s', async (_, body, expected) => {
    expect(await valueFrom(answers(body))).toMatchObject(expected);
  });

  test.each(['+Inf', '-Inf', '1e400', '0x10', '', '12abc', ' 1', 5, null])('%j is nonsense', async (value) => {
    expect(await valueFrom(answers(vector([now, value])))).toMatchObject({ outcome: 'nonsense' });
  });

  test('remarks of the server do not spoil its answer', async () => {
    await using world = await harness(answers({ ...vector([now, '1']), infos: ['name does not end in _total'] }));
    expect(await world.metrics.value({ query, variables, atMs })).toMatchObject({ outcome: 'data' });
    expect(world.lines.join()).toContain('name does not end in _total');
  });
});

describe('servers that do not answer the question', () => {
  const refusals: [string, Behaviour, Partial<Record<'message' | 'invalidQuery', unknown>>][] = [
    [
      'a wrong query is told apart, so that nobody asks again in vain',
      answers({ status: 'error', errorType: 'bad_data', error: 'parse error' }, 400),
      { invalidQuery: true, message: expect.stringContaining('refuses the query: parse error') },
    ],
    [
      'an evaluation that failed',
      answers({ status: 'error', errorType: 'execution', error: 'many-to-many matching' }, 422),
      { message: expect.stringContaining('many-to-many matching') },
    ],
    [
      'a time-out of the server',
      answers({ status: 'error', errorType: 'timeout', error: 'query timed out' }, 503),
      { message: expect.stringContaining('query timed out') },
    ],
    [
      'an error with the status of a success',
      answers({ status: 'error', errorType: 'internal', error: 'oops' }),
      { message: expect.stringContaining('oops') },
    ],
    [
      'the page of a login',
      answers('<html><form>Password</form></html>'),
      { message: expect.stringContaining('did not answer as Prometheus does') },
    ],
    [
      'a redirect to a login',
      answers('', 302, { location: '/login' }),
      { message: expect.stringContaining('redirects elsewhere (HTTP 302)') },
    ],
    ['an error page', answers('<h1>Bad Gateway</h1>', 502), { message: expect.stringContaining('HTTP 502') }],
    ['missing credentials', answers('no', 401), { message: expect.stringContaining('refuses the credentials') }],
    [
      'missing rights',
      answers({ status: 'error', error: 'no' }, 403),
      { message: expect.stringContaining('HTTP 403') },
    ],
    [
      'an answer that breaks off',
      (_, response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('{"status":');
        setImmediate(() => response.destroy());
      },
      { message: expect.stringContaining('broke off its answer') },
    ],
    [
      'a closed connection',
      (_, response) => void response.destroy(),
      { message: expect.stringContaining('cannot be reached (ECONNRESET)') },
    ],
  ];

  test.each(refusals)('%s is an error', async (_, behaviour, expected) => {
    await using world = await harness(behaviour);
    const answer = await world.metrics.value({ query, variables, atMs });
    expect(answer).toMatchObject({ outcome: 'error', reason: 'Failed', query, ...expected });
    expect(world.prometheus.got).toHaveLength(1);
  });

  test('an address where nobody listens is an error', async () => {
    const world = await harness(answers(''));
    await world[Symbol.asyncDispose]();
    const answer = await world.metrics.value({ query, variables, atMs });
    expect(answer).toMatchObject({ outcome: 'error', message: expect.stringContaining('ECONNREFUSED') });
  });

  test.each(['nowhere', 'http://', 'file:///etc/passwd', ''])('the address %j is an error', async (address) => {
    await using world = await harness(answers(''));
    const answer = await world.metrics.value({ query, variables, atMs, server: { address } });
    expect(answer).toMatchObject({ outcome: 'error' });
  });

  test('a very long answer is cut off', async () => {
    let sent = 0;
    await using world = await harness((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const chunk = ' '.repeat(64 * 1024);
      const more = () => {
        while (sent < 50 * 1024 * 1024 && !response.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) return response.once('drain', more);
        }
        return response.end();
      };
      more();
    });
    const answer = await world.metrics.value({ query, variables, atMs });
    expect(answer).toMatchObject({ outcome: 'error', message: expect.stringContaining('more than the 1024 KiB') });
    expect(sent).toBeLessThan(25 * 1024 * 1024);
  });

  test('a server that hangs, or drips, has failed after five seconds', async () => {
    await using hanging = await harness(() => {});
    await using dripping = await harness((_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(' '), 200);
      response.once('close', () => clearInterval(timer));
    });
    const start = performance.now();
    const both = [hanging, dripping].map(({ metrics }) => metrics.value({ query, variables, atMs }));
    for (const answer of await Promise.all(both)) {
      expect(answer).toMatchObject({ outcome: 'error', message: expect.stringContaining('no answer in 5 s') });
    }
    expect(performance.now() - start).toBeLessThan(6_500);
  });
});
