/** A fresh object that every rule allows. */
export function aCanary(change: (canary: RawCanary) => void = () => {}): RawCanary {
  const canary: RawCanary = {
    apiVersion: 'linnet.dev/v1beta1',
    kind: 'Canary',
    metadata: { name: 'checkout', namespace: 'default' },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' },
      routes: [{ kind: 'HTTPRoute', name: 'checkout' }],
      analysis: {
        stepWeights: [5, 50, 100],
        metrics: [{ name: 'request-success-rate', thresholdRange: { min: 99 } }],
      },
    },
  };
  change(canary);
  return canary;
}

export function aMetricTemplate(change: (spec: Record<string, unknown>) => void = () => {}): RawObject {
  const spec = {
    provider: { type: 'prometheus' },
    query: 'sum(rate(orders_total{service="{{ canary }}"}[{{ interval }}]))',
  };
  change(spec);
  return {
    apiVersion: 'linnet.dev/v1beta1',
    kind: 'MetricTemplate',
    metadata: { name: 'orders', namespace: 'default' },
    spec,
  };
}

export interface RawObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string };
  [field: string]: unknown;
  spec: Record<string, unknown>;
}
interface RawCanary extends RawObject {
  // What tests put in is wrong on purpose.
  // oxlint-disable-next-line typescript/no-explicit-any
  spec: Record<string, any>;
}

/** A bad object, the number it has in the list of bad inputs, and what the API server's answer must contain. */
export interface BadInput {
  row: number;
  input: string;
  object: RawObject;
  says: RegExp;
  /** Only these are refused by the field validation that a client asks for, and not by the schema. */
  unknownField?: true;
}

const bad = (row: number, input: string, says: RegExp, change: (canary: RawCanary) => void): BadInput => ({
  row,
  input,
  says,
  object: aCanary(change),
});
const badAnalysis = (row: number, input: string, says: RegExp, change: object): BadInput =>
  bad(row, input, says, ({ spec }) => Object.assign(spec['analysis'], change));
const badMetric = (row: number, input: string, says: RegExp, metric: object): BadInput =>
  badAnalysis(row, input, says, {
    metrics: [{ name: 'request-success-rate', thresholdRange: { min: 99 }, ...metric }],
  });
const badQuery = (row: number, input: string, says: RegExp, change: object): BadInput => ({
  row,
  input,
  says,
  object: aMetricTemplate((spec) => Object.assign(spec, change)),
});

const aDuration = /must be a duration such as 30s or 1m30s, from 5s to 24h/;
const rising = /weights must rise strictly/;
const percentage = /a success rate is a percentage/;
const month = /must not last longer than 30 days/;
const steps = (...weights: unknown[]) => ({ stepWeights: undefined, steps: weights.map((weight) => ({ weight })) });

/** Rows 1 to 14, 16, 22 to 27 and 33, as far as the CustomResourceDefinitions refuse them. */
export const badInputs: readonly BadInput[] = [
  badAnalysis(1, 'steps: []', /analysis\.steps.* at least 1 item/, steps()),
  badAnalysis(1, 'stepWeights: []', /analysis\.stepWeights.* at least 1 item/, { stepWeights: [] }),
  badAnalysis(1, 'no steps', /exactly one of stepWeights, stepWeight and steps/, { stepWeights: undefined }),
  badAnalysis(1, 'two ladders', /exactly one of stepWeights, stepWeight and steps/, { stepWeight: 10 }),
  badAnalysis(2, 'weight -1', /greater than or equal to 1/, { stepWeights: [-1, 100] }),
  badAnalysis(2, 'weight 0', /greater than or equal to 1/, { stepWeights: [0, 100] }),
  badAnalysis(2, 'weight 101', /less than or equal to 100/, { stepWeights: [101] }),
  badAnalysis(2, 'weight 50.5', /must be of type integer/, { stepWeights: [50.5] }),
  badAnalysis(2, 'weight "50"', /must be of type integer/, { stepWeights: ['50'] }),
  badAnalysis(2, 'weight 1e9', /less than or equal to 100/, { stepWeights: [1e9] }),
  badAnalysis(2, 'weight of a step 101', /less than or equal to 100/, steps(101)),
  badAnalysis(2, 'weight of a step null', /weight/, steps(null)),
  badAnalysis(3, 'weights 50, 5, 100', rising, { stepWeights: [50, 5, 100] }),
  badAnalysis(3, 'steps 50, 5, 100', rising, steps(50, 5, 100)),
  badAnalysis(
    5,
    '10 000 steps',
    /Too many: 10000: must have at most 50 items/,
    steps(...Array.from({ length: 10_000 }, () => 5)),
  ),
  badAnalysis(5, '51 weights', /Too many: 51: must have at most 50 items/, {
    stepWeights: Array.from({ length: 51 }, (_, i) => i + 1),
  }),
  badAnalysis(6, 'weights 5, 5, 100', rising, { stepWeights: [5, 5, 100] }),
  badAnalysis(6, 'steps 5, 5, 100', rising, steps(5, 5, 100)),
  badAnalysis(6, 'maxWeight below stepWeight', /maxWeight must not be below stepWeight/, {
    stepWeights: undefined,
    stepWeight: 20,
    maxWeight: 10,
  }),
  badAnalysis(6, 'maxWeight without stepWeight', /maxWeight goes with stepWeight/, { maxWeight: 10 }),
  ...['0s', '-1m', '1', '1y', '999999h', '99999h', '', '25h', '4s', '1d', ' 30s', '30 s', '9999999999999999999s'].map(
    (interval) => badAnalysis(7, `interval ${JSON.stringify(interval)}`, aDuration, { interval }),
  ),
  badAnalysis(7, 'interval of a step 1y', aDuration, {
    stepWeights: undefined,
    steps: [{ weight: 5, interval: '1y' }],
  }),
  badAnalysis(7, 'interval 30', /must be of type string/, { interval: 30 }),
  badAnalysis(8, '31 weights of 24h', month, {
    interval: '24h',
    stepWeights: Array.from({ length: 31 }, (_, i) => i + 1),
  }),
  badAnalysis(8, 'stepWeight 1 of 24h', month, { interval: '24h', stepWeights: undefined, stepWeight: 1 }),
  badAnalysis(8, '31 steps of 24h', month, {
    stepWeights: undefined,
    steps: Array.from({ length: 31 }, (_, i) => ({ weight: i + 1, interval: '24h' })),
  }),
  badAnalysis(9, 'threshold "99%"', /must be of type integer/, { threshold: '99%' }),
  badAnalysis(9, 'threshold 0', /greater than or equal to 1/, { threshold: 0 }),
  badMetric(9, 'thresholdRange.min "99%"', /must be of type number/, { thresholdRange: { min: '99%' } }),
  badMetric(9, 'thresholdRange.min "NaN"', /must be of type number/, { thresholdRange: { min: 'NaN' } }),
  badMetric(9, 'thresholdRange {}', /needs min, max or both/, { thresholdRange: {} }),
  badMetric(10, 'min above max', /min must not be above max/, { thresholdRange: { min: 99, max: 98 } }),
  badMetric(11, 'success rate of 200', percentage, { thresholdRange: { min: 200 } }),
  badMetric(11, 'success rate of -1', percentage, { thresholdRange: { min: -1 } }),
  badMetric(11, 'success rate up to 101', percentage, { thresholdRange: { min: 1, max: 101 } }),
  badMetric(12, 'metric of an unknown name', /name must be request-success-rate or request-duration/, {
    name: 'errors',
  }),
  badAnalysis(12, 'no metrics', /needs at least one metric, unless skipAnalysis is true/, { metrics: undefined }),
  badAnalysis(12, 'metrics: []', /needs at least one metric, unless skipAnalysis is true/, { metrics: [] }),
  badAnalysis(13, 'two metrics of one name', /Duplicate value/, {
    metrics: [1, 2].map((min) => ({ name: 'request-success-rate', thresholdRange: { min } })),
  }),
  bad(14, 'no targetRef', /exactly one of targetRef and backends/, ({ spec }) => delete spec['targetRef']),
  bad(14, 'targetRef and backends', /exactly one of targetRef and backends/, ({ spec }) => {
    spec['backends'] = { stable: { name: 'a', port: 80 }, canary: { name: 'b', port: 80 } };
  }),
  bad(
    14,
    'targetRef of kind StatefulSet',
    /Unsupported value: "StatefulSet"/,
    ({ spec }) => (spec['targetRef'].kind = 'StatefulSet'),
  ),
  bad(
    14,
    'targetRef of group batch',
    /Unsupported value: "batch\/v1"/,
    ({ spec }) => (spec['targetRef'].apiVersion = 'batch/v1'),
  ),
  bad(14, 'targetRef without name', /targetRef\.name: Required value/, ({ spec }) => delete spec['targetRef'].name),
  {
    ...bad(
      16,
      'targetRef in another namespace',
      /unknown field "spec\.targetRef\.namespace"/,
      ({ spec }) => (spec['targetRef'].namespace = 'other'),
    ),
    unknownField: true,
  },
  bad(22, 'one Service as stable and canary', /stable and canary must be different backends/, ({ spec }) => {
    delete spec['targetRef'];
    spec['backends'] = { stable: { name: 'a', port: 80 }, canary: { name: 'a', port: 80 } };
  }),
  bad(
    23,
    'name of 64 characters',
    /metadata\.name of a Canary may have at most 63 characters/,
    ({ metadata }) => (metadata.name = 'a'.repeat(64)),
  ),
  bad(
    23,
    'name of 253 characters',
    /metadata\.name of a Canary may have at most 63 characters/,
    ({ metadata }) => (metadata.name = 'a'.repeat(253)),
  ),
  bad(
    23,
    'targetRef of 57 characters',
    /targetRef\.name: Too long: may not be more than 56 bytes/,
    ({ spec }) => (spec['targetRef'].name = 'a'.repeat(57)),
  ),
  bad(23, 'Service name of 64 characters', /stable\.name: Too long: may not be more than 63 bytes/, ({ spec }) => {
    delete spec['targetRef'];
    spec['backends'] = { stable: { name: 'a'.repeat(64), port: 80 }, canary: { name: 'b', port: 80 } };
  }),
  bad(23, 'targetRef with a dot', /targetRef\.name/, ({ spec }) => (spec['targetRef'].name = 'a.b')),
  ...['a"b', 'a\nb', 'x"} or vector(1) #'].flatMap((text) => [
    bad(24, `targetRef ${JSON.stringify(text)}`, /targetRef\.name/, ({ spec }) => (spec['targetRef'].name = text)),
    bad(24, `route ${JSON.stringify(text)}`, /routes\[0\]\.name/, ({ spec }) => (spec['routes'][0].name = text)),
    bad(
      24,
      `label value ${JSON.stringify(text)}`,
      /canaryLabels/,
      ({ spec }) => (spec['canaryLabels'] = { app: text }),
    ),
    bad(
      24,
      `label key ${JSON.stringify(text)}`,
      /keys must be label keys/,
      ({ spec }) => (spec['canaryLabels'] = { [text]: 'a' }),
    ),
    badMetric(24, `metric ${JSON.stringify(text)}`, /name/, { name: text, templateRef: { name: 'orders' } }),
  ]),
  badQuery(25, 'query of 100 kB', /query: Too long: may not be more than 4096 bytes/, { query: 'x'.repeat(100_000) }),
  badQuery(25, 'empty query', /query/, { query: '' }),
  badQuery(25, 'no query', /query: Required value/, { query: undefined }),
  badQuery(26, 'unknown variable', /may name only these variables/, { query: 'up{a="{{ secret }}"}' }),
  badQuery(26, 'logic in a template', /may name only these variables/, { query: 'up{{ if .name }}' }),
  ...[
    'file:///etc/passwd',
    'gopher://x',
    'http://user:pass@host',
    'http://',
    'http://host?x=1',
    'javascript:alert(1)',
  ].flatMap((address) => [
    bad(27, `metricsServer ${address}`, /metricsServer\.address/, ({ spec }) => (spec['metricsServer'] = { address })),
    badQuery(27, `provider ${address}`, /provider\.address/, { provider: { type: 'prometheus', address } }),
  ]),
  badQuery(27, 'secretRef without address', /secretRef goes with address/, {
    provider: { type: 'prometheus', secretRef: { name: 'a' } },
  }),
  {
    ...badAnalysis(33, 'stepWeigth', /unknown field "spec\.analysis\.stepWeigth"/, { stepWeigth: 5 }),
    unknownField: true,
  },
];

/** What must be allowed although it looks much like something that is not. */
export const goodInputs: readonly { input: string; object: RawObject }[] = [
  { input: 'the plain one', object: aCanary() },
  ...(
    [
      ['a last step below 100 (row 4)', { stepWeights: [5, 50] }],
      ['stepWeight alone', { stepWeights: undefined, stepWeight: 1 }],
      ['stepWeight as large as maxWeight', { stepWeights: undefined, stepWeight: 50, maxWeight: 50 }],
      ['30 weights of 24h', { interval: '24h', stepWeights: Array.from({ length: 30 }, (_, i) => i + 1) }],
      ['50 steps', steps(...Array.from({ length: 50 }, (_, i) => i + 1))],
      ['steps with intervals', { stepWeights: undefined, steps: [{ weight: 5, interval: '1m30s' }, { weight: 50 }] }],
      ['the shortest interval', { interval: '5000ms' }],
      ['the longest interval', { interval: '23h59m60s' }],
      [
        'a success rate from 0 to 100',
        { metrics: [{ name: 'request-success-rate', thresholdRange: { min: 0, max: 100 } }] },
      ],
      ['a duration above 100', { metrics: [{ name: 'request-duration', thresholdRange: { max: 500.5 } }] }],
      [
        'a query with any limit',
        { metrics: [{ name: 'orders', templateRef: { name: 'orders' }, thresholdRange: { min: -1e9 } }] },
      ],
    ] as const
  ).map(([input, change]) => ({ input, object: aCanary(({ spec }) => Object.assign(spec['analysis'], change)) })),
  {
    input: 'no metrics, with skipAnalysis',
    object: aCanary(({ spec }) => {
      spec['skipAnalysis'] = true;
      delete spec['analysis'].metrics;
    }),
  },
  {
    input: 'backends of one Service with two ports',
    object: aCanary(({ spec }) => {
      delete spec['targetRef'];
      spec['backends'] = { stable: { name: 'a', port: 80 }, canary: { name: 'a', port: 81 } };
    }),
  },
  {
    input: 'canaryLabels',
    object: aCanary(({ spec }) => (spec['canaryLabels'] = { 'example.com/App_1': 'x-canary' })),
  },
  { input: 'a name of 63 characters', object: aCanary(({ metadata }) => (metadata.name = 'a'.repeat(63))) },
  { input: 'a MetricTemplate', object: aMetricTemplate() },
  {
    input: 'a query with many braces',
    object: aMetricTemplate((spec) => (spec['query'] = 'a{b="{{name}}"} / c{d="{"} or e{f=~"x{2}"} {')),
  },
  {
    input: 'a template with a server of its own',
    object: aMetricTemplate((spec) => {
      spec['provider'] = {
        type: 'prometheus',
        address: 'https://prometheus.example:9090/api',
        secretRef: { name: 'a' },
      };
    }),
  },
];
