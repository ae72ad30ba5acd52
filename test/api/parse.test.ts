import { describe, expect, it } from 'vitest';
import type { CanaryStatus } from '../../src/api/canary-status.ts';
import { describeProblems, parseCanary, parseMetricTemplate } from '../../src/api/parse.ts';
import { aCanary, aMetricTemplate } from './bad-input-rows.ts';

const atRest: CanaryStatus = {
  schemaVersion: 1,
  phase: 'Initialized',
  stage: 'Resting',
  stageSince: '2026-01-02T03:04:05.000Z',
  canaryWeight: 0,
  attempt: 3,
  failedChecks: 0,
};

const watching: CanaryStatus = {
  ...atRest,
  phase: 'Progressing',
  stage: 'Watching',
  canaryWeight: 5,
  intent: { weight: 5, fence: '3.2' },
  release: {
    digest: 'b'.repeat(64),
    stableDigest: 'a'.repeat(64),
    startedAt: '2026-01-02T03:04:05.000Z',
    frozen: {
      subject: { target: 'checkout', stable: { name: 'checkout' }, canary: { name: 'checkout-canary' }, routes: [] },
      steps: [
        { weight: 5, interval: '30s' },
        { weight: 100, interval: '30s' },
      ],
      analysis: { interval: '30s', threshold: 1, stepWeights: [5], onUnsure: { after: '30m', do: 'hold' } },
      progressDeadlineSeconds: 600,
      retreatTimeout: '30s',
    },
    full: 2,
    leg: 'out',
    routes: [],
  },
};

const withStatus = (status: unknown) => parseCanary({ ...aCanary(), status });
const statusOf = (status: unknown) => {
  const parsed = withStatus(status);
  return { status: parsed.ok ? parsed.canary.status : parsed.status, problem: parsed.statusProblem };
};

describe('Reading a Canary', () => {
  it('fills in what a server with an older definition did not', () => {
    const { kind: _, ...targetRef } = aCanary().spec['targetRef'];
    const parsed = parseCanary(aCanary(({ spec }) => (spec['targetRef'] = targetRef)));
    expect(parsed.ok && parsed.canary.spec).toMatchObject({
      targetRef: { kind: 'Deployment', name: 'checkout' },
      progressDeadlineSeconds: 600,
      retreatTimeout: '30s',
      analysis: { interval: '30s', threshold: 1, onUnsure: { after: '30m', do: 'hold' } },
    });
  });

  it('leaves the object that it was given as it is', () => {
    const object = aCanary();
    parseCanary(object);
    expect(object).toEqual(aCanary());
  });

  it('keeps fields that it does not know', () => {
    const parsed = parseCanary(aCanary(({ spec }) => (spec['analysis'].mirror = true)));
    expect(parsed.ok && parsed.canary.spec.analysis).toHaveProperty('mirror', true);
  });

  it('names the field, what was found and what is wanted, in one line', () => {
    const object = aCanary(({ spec }) => {
      spec['analysis'].interval = '7';
      spec['analysis'].stepWeights = [5, 101];
      delete spec['routes'];
    });
    const parsed = parseCanary(object);
    const line = parsed.ok ? '' : describeProblems(object, parsed.problems);
    expect(line).toContain('Canary default/checkout: ');
    expect(line).toContain('spec.routes is missing');
    expect(line).toContain(
      'spec.analysis.interval is "7", but must be a duration such as 30s or 1m30s, from 5s to 24h',
    );
    expect(line).toContain('spec.analysis.stepWeights[1] is 101, but must be a whole number from 1 to 100');
    expect(line).not.toContain('\n');
  });

  it('shows of a long value only the beginning', () => {
    const parsed = parseCanary(aCanary(({ spec }) => (spec['targetRef'].name = 'x'.repeat(100_000))));
    expect(JSON.stringify(parsed).length).toBeLessThan(400);
  });

  it.each([
    undefined,
    null,
    7,
    'text',
    [],
    {},
    { metadata: null },
    { apiVersion: 'v1', kind: 'Canary', metadata: { name: 7 } },
  ])('refuses %j without throwing', (object) => {
    expect(parseCanary(object).ok).toBe(false);
    expect(parseMetricTemplate(object).ok).toBe(false);
  });

  it('refuses a spec of another type without throwing', () => {
    for (const spec of [undefined, null, 7, 'text', [], {}]) expect(parseCanary({ ...aCanary(), spec }).ok).toBe(false);
  });

  it('lets no key change the nature of an object (row 34)', () => {
    const evil = JSON.stringify(aCanary())
      .replace('"spec":{', '"spec":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},')
      .replace(
        '"metadata":{',
        '"__proto__":{"polluted":1},"metadata":{"annotations":{"__proto__":"a","constructor":"b"},',
      );
    const parsed = parseCanary(JSON.parse(evil));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    const { canary } = parsed as Extract<typeof parsed, { ok: true }>;
    expect(Object.getPrototypeOf(canary)).toBe(Object.prototype);
    expect(Object.hasOwn(canary, '__proto__')).toBe(false);
    expect((canary.spec as unknown as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(canary.metadata.annotations).toEqual({ constructor: 'b' });
  });
});

describe('Reading a status', () => {
  it('takes what the state machine writes', () => {
    expect(statusOf(atRest)).toEqual({ status: atRest, problem: undefined });
    expect(statusOf(watching)).toEqual({ status: watching, problem: undefined });
    expect(statusOf(undefined)).toEqual({ status: undefined, problem: undefined });
    expect(statusOf({})).toEqual({ status: undefined, problem: undefined });
  });

  it('keeps fields of a newer version', () => {
    expect(statusOf({ ...watching, mood: 'good' }).status).toHaveProperty('mood', 'good');
  });

  it('goes on with a release whose frozen rules would be refused today', () => {
    const old = structuredClone(watching);
    const { analysis } = old.release!.frozen;
    Object.assign(analysis, { interval: '1s', stepWeights: [5], steps: [{ weight: 5 }] });
    Reflect.deleteProperty(analysis, 'onUnsure');
    const { status, problem } = statusOf(old);
    expect(problem).toBeUndefined();
    expect(status?.release?.frozen.analysis).toMatchObject({ interval: '1s', onUnsure: { after: '30m', do: 'hold' } });
  });

  it('is still there when the spec cannot be read, for the release goes on', () => {
    const parsed = parseCanary({ ...aCanary(({ spec }) => delete spec['routes']), status: watching });
    expect(parsed.ok).toBe(false);
    expect(parsed.ok ? undefined : parsed.status).toEqual(watching);
  });

  it.each([
    [
      'a newer version',
      { ...atRest, schemaVersion: 2 },
      'status.schemaVersion is 2, but this version of Linnet reads 1',
    ],
    ['no version', { phase: 'Succeeded' }, 'status.schemaVersion is missing'],
    [
      'an unknown stage',
      { ...atRest, stage: 'Sleeping' },
      'status.stage is "Sleeping", but must be one of Initializing',
    ],
    [
      'a weight that is text',
      { ...atRest, canaryWeight: '5' },
      'status.canaryWeight is "5", but must be a whole number',
    ],
    ['a list', [], 'status is [], but must be an object'],
    ['a number', 7, 'status is 7, but must be an object'],
  ])('cannot read %s and says so', (_, status, message) => {
    const read = statusOf(status);
    expect(read.status).toBeUndefined();
    expect(read.problem?.reason).toBe('StatusUnreadable');
    expect(read.problem?.message).toContain(message);
  });

  it.each([
    [
      'a final phase in mid-release (row 37)',
      { ...watching, phase: 'Succeeded' },
      'status.phase is Succeeded, but status.stage is Watching',
    ],
    ['a release that was cut out', { ...watching, release: undefined }, 'status.release is missing'],
    ['a fence of no attempt', { ...watching, intent: { weight: 5, fence: 'x' } }, 'status.intent.fence is "x"'],
    ['a fence of an attempt to come', { ...watching, intent: { weight: 5, fence: '4.1' } }, 'an attempt up to 3'],
    [
      'a ladder that falls',
      {
        ...watching,
        release: {
          ...watching.release,
          frozen: { ...watching.release?.frozen, steps: [50, 5].map((weight) => ({ weight, interval: '30s' })) },
        },
      },
      'has the weights 50, 5, but they must rise strictly to 100',
    ],
  ])('finds %s', (_, status, message) => {
    const read = statusOf(status);
    expect(read.status).toBeUndefined();
    expect(read.problem?.reason).toBe('StatusTampered');
    expect(read.problem?.message).toContain(message);
  });
});

describe('Reading a MetricTemplate', () => {
  it('gives its query and provider', () => {
    const parsed = parseMetricTemplate(aMetricTemplate());
    expect(parsed.ok && parsed.template.spec).toEqual(aMetricTemplate().spec);
  });

  it('names an unknown variable', () => {
    const parsed = parseMetricTemplate(aMetricTemplate((spec) => (spec['query'] = 'up{a="{{ secret }}"}')));
    expect(parsed.ok ? [] : parsed.problems).toEqual([
      { field: 'spec.query', message: expect.stringContaining('may name only these variables') },
    ]);
  });
});
