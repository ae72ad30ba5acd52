import Type, { type Static } from 'typebox';
import {
  atomicList,
  duration,
  isDuration,
  label,
  labelKeyPattern,
  labelValue,
  listMap,
  objectName,
  objectReference,
  oneOf,
  rules,
  serviceLikeName,
  url,
} from './schema.ts';

/** Gateways and meshes whose metrics Linnet knows by name. */
export const providers = ['istio', 'envoy-gateway', 'traefik', 'app'] as const;

const weight = (description: string) => Type.Integer({ description, minimum: 1, maximum: 100 });

const Step = Type.Object(
  {
    weight: weight('Percent of the traffic that the canary gets in this step.'),
    interval: Type.Optional(
      duration('How long this step is held at least; default analysis.interval.', { min: '5s', max: '24h' }),
    ),
  },
  { description: 'One rung of the ladder.' },
);

const ThresholdRange = Type.Object(
  {
    min: Type.Optional(Type.Number({ description: 'The value must not be below this.' })),
    max: Type.Optional(Type.Number({ description: 'The value must not be above this.' })),
  },
  {
    description: 'The limit on the value.',
    ...rules(
      { rule: 'has(self.min) || has(self.max)', message: 'needs min, max or both' },
      { rule: '!has(self.min) || !has(self.max) || self.min <= self.max', message: 'min must not be above max' },
    ),
  },
);

const Metric = Type.Object(
  {
    name: label(
      'request-success-rate (percent of answers below 500), request-duration (P99 in milliseconds), or a name of yours with templateRef.',
    ),
    templateRef: Type.Optional(
      Type.Object(
        { name: objectName('Name of a MetricTemplate in the same namespace.') },
        { description: 'A query of your own, instead of the built-in ones.' },
      ),
    ),
    thresholdRange: ThresholdRange,
    minSamples: Type.Optional(
      Type.Integer({
        description:
          'Requests that the canary must have answered before this check has a verdict; default 20. Not used with templateRef.',
        minimum: 1,
        maximum: 1_000_000_000,
      }),
    ),
  },
  {
    description: 'One check.',
    ...rules(
      {
        rule: "has(self.templateRef) || self.name in ['request-success-rate', 'request-duration']",
        message: 'name must be request-success-rate or request-duration, or templateRef must name a MetricTemplate',
      },
      {
        rule: "has(self.templateRef) || self.name != 'request-success-rate' || ((!has(self.thresholdRange.min) || (self.thresholdRange.min >= 0.0 && self.thresholdRange.min <= 100.0)) && (!has(self.thresholdRange.max) || (self.thresholdRange.max >= 0.0 && self.thresholdRange.max <= 100.0)))",
        message: 'a success rate is a percentage: thresholdRange must be within 0 and 100',
        fieldPath: '.thresholdRange',
      },
    ),
  },
);
export type MetricSpec = Static<typeof Metric>;

const OnUnsure = Type.Object(
  {
    after: duration('How long a check may stay unsure.', { min: '10s', max: '168h', default: '30m' }),
    do: oneOf(['hold', 'rollback', 'advance'], {
      description: 'What happens then: stay at the weight, go back to stable, or go on to the next step.',
      default: 'hold',
    }),
  },
  {
    description: 'What happens when a check has no verdict: too few requests, no data, metrics store down.',
    default: {},
  },
);

const monthSeconds = 30 * 24 * 3600;
const tooLong = 'the steps together must not last longer than 30 days';
const intervalSeconds = 'duration(self.interval).getSeconds()';

/** Each way to write a ladder has its own sum. An interval that is no duration is refused by its own rule. */
const notLongerThanAMonth = [
  {
    rule: `!has(self.stepWeights) || !${isDuration('self.interval')} || ${intervalSeconds} * size(self.stepWeights) <= ${monthSeconds}`,
    message: tooLong,
    fieldPath: '.interval',
  },
  {
    rule: `!has(self.stepWeight) || !${isDuration('self.interval')} || ${intervalSeconds} * ((has(self.maxWeight) ? self.maxWeight : 100) / self.stepWeight) <= ${monthSeconds}`,
    message: tooLong,
    fieldPath: '.interval',
  },
  {
    rule: `!has(self.steps) || !${isDuration('self.interval')} || !self.steps.all(s, !has(s.interval) || ${isDuration('s.interval')}) || self.steps.map(s, duration(has(s.interval) ? s.interval : self.interval).getSeconds()).sum() <= ${monthSeconds}`,
    message: tooLong,
    fieldPath: '.steps',
  },
];

export const Analysis = Type.Object(
  {
    interval: duration('How long each step is held at least.', { min: '5s', max: '24h', default: '30s' }),
    threshold: Type.Integer({
      description: 'Failed checks before the canary is rolled back; at most one is counted an interval.',
      minimum: 1,
      maximum: 100,
      default: 1,
    }),
    stepWeights: Type.Optional(
      atomicList(weight('Percent of the traffic.'), {
        description: 'The ladder as weights in percent, e.g. [5, 50, 100]; 100 is added where it is missing.',
        minItems: 1,
        maxItems: 50,
      }),
    ),
    stepWeight: Type.Optional(weight('The ladder goes up by this much each step, until maxWeight.')),
    maxWeight: Type.Optional(weight('With stepWeight: the last weight before 100; default 100.')),
    steps: Type.Optional(
      atomicList(Step, {
        description: 'The ladder as weights, each with an interval of its own; 100 is added where it is missing.',
        minItems: 1,
        maxItems: 50,
      }),
    ),
    metrics: Type.Optional(
      listMap(Metric, ['name'], { description: 'The checks that every step must pass.', maxItems: 20 }),
    ),
    onUnsure: OnUnsure,
  },
  {
    description: 'How a revision is tried.',
    ...rules(
      {
        rule: '(has(self.stepWeights) ? 1 : 0) + (has(self.stepWeight) ? 1 : 0) + (has(self.steps) ? 1 : 0) == 1',
        message: 'needs exactly one of stepWeights, stepWeight and steps',
      },
      {
        rule: '!has(self.maxWeight) || has(self.stepWeight)',
        message: 'maxWeight goes with stepWeight',
        fieldPath: '.maxWeight',
      },
      {
        rule: '!has(self.maxWeight) || !has(self.stepWeight) || self.stepWeight <= self.maxWeight',
        message: 'maxWeight must not be below stepWeight',
        fieldPath: '.maxWeight',
      },
      {
        rule: '!has(self.stepWeights) || (self.stepWeights.isSorted() && self.stepWeights.all(w, self.stepWeights.exists_one(v, v == w)))',
        message: 'weights must rise strictly',
        fieldPath: '.stepWeights',
      },
      {
        rule: '!has(self.steps) || (self.steps.map(s, s.weight).isSorted() && self.steps.all(s, self.steps.exists_one(t, t.weight == s.weight)))',
        message: 'weights must rise strictly',
        fieldPath: '.steps',
      },
      ...notLongerThanAMonth,
    ),
  },
);
export type AnalysisSpec = Static<typeof Analysis>;

const BackendRefSpec = (description: string) =>
  Type.Object(
    {
      name: serviceLikeName('Name of a Service in the namespace of the Canary.'),
      port: Type.Integer({ description: 'Port of the Service.', minimum: 1, maximum: 65535 }),
    },
    { description },
  );

const RouteSpec = Type.Object(
  {
    kind: oneOf(['HTTPRoute'], { description: 'Kind of the route.', default: 'HTTPRoute' }),
    name: objectName('Name of the route, in the namespace of the Canary.'),
    rules: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 253 }), {
        description: 'Names of the rules concerned; default: every rule that sends traffic to the stable backend.',
        minItems: 1,
        maxItems: 16,
        'x-kubernetes-list-type': 'set',
      }),
    ),
  },
  { description: 'A route in which the traffic is split.' },
);

/** Where metrics are asked, when it is not the engine's default. */
export const MetricsServerRef = Type.Object(
  {
    address: url(
      'Base URL of a Prometheus HTTP API. The engine must have been started with it, or with its host, as --metrics-server.',
    ),
    secretRef: Type.Optional(
      Type.Object(
        { name: objectName('Name of a Secret in the same namespace.') },
        {
          description:
            'Secret that the server asks for. Keys: token, or username and password; ca.crt; every key header.<Name> becomes a header.',
        },
      ),
    ),
  },
  { description: "The metrics store that is asked, when it is not the engine's default." },
);

export const CanarySpec = Type.Object(
  {
    targetRef: Type.Optional(
      Type.Object(
        {
          apiVersion: oneOf(['apps/v1'], { description: 'API version of the target.', default: 'apps/v1' }),
          kind: oneOf(['Deployment'], { description: 'Kind of the target.', default: 'Deployment' }),
          name: serviceLikeName('Name of the Deployment. It leaves room for the name of its canary.', 56),
        },
        { description: 'The Deployment whose new templates are released in place.' },
      ),
    ),
    backends: Type.Optional(
      Type.Object(
        {
          stable: BackendRefSpec('The Service that has the traffic.'),
          canary: BackendRefSpec('The Service that shall get the traffic.'),
        },
        {
          description: 'Two versions that both run already.',
          ...rules({
            rule: 'self.stable.name != self.canary.name || self.stable.port != self.canary.port',
            message: 'stable and canary must be different backends',
          }),
        },
      ),
    ),
    routes: listMap(RouteSpec, ['kind', 'name'], { description: 'The routes to split.', minItems: 1, maxItems: 16 }),
    provider: Type.Optional(
      oneOf(providers, {
        description:
          'The gateway or mesh whose metrics count the requests; default: told from the parents of the route.',
      }),
    ),
    metricsServer: Type.Optional(MetricsServerRef),
    suspend: Type.Optional(
      Type.Boolean({
        description: 'No attempt begins, and one under way does not advance. A breach or an abort still acts.',
      }),
    ),
    skipAnalysis: Type.Optional(Type.Boolean({ description: 'Go to 100 in one step, without checks.' })),
    progressDeadlineSeconds: Type.Integer({
      description: 'How many seconds pods may take to become ready.',
      minimum: 10,
      maximum: 86_400,
      default: 600,
    }),
    retreatTimeout: duration(
      'How long a retreat waits for the pods of the other side before it sends them more than they can carry.',
      { min: '0s', max: '10m', default: '30s' },
    ),
    onSuccess: Type.Optional(
      oneOf(['keep', 'removeStable'], {
        description: 'With backends: keep stable in the route at weight 0 (default), or remove its backendRef.',
      }),
    ),
    onDelete: Type.Optional(
      oneOf(['leave', 'roll'], {
        description:
          'With targetRef, when the Canary is deleted while an unreleased template waits: leave it waiting (default), or roll it.',
      }),
    ),
    canaryLabels: Type.Optional(
      Type.Record(Type.String(), labelValue(), {
        description: "Labels that tell the canary's pods from the stable ones; default: chosen from the selectors.",
        maxProperties: 8,
        ...rules({
          rule: `self.all(key, size(key) <= 317 && key.matches('${labelKeyPattern}'))`,
          message:
            'keys must be label keys: a name of letters, digits, -, _ and ., with a DNS name and / before it or not',
        }),
      }),
    ),
    acceptSideBySide: Type.Optional(
      Type.Boolean({
        description:
          'Release a target although two versions of it may disturb each other (Recreate, ReadWriteOnce volumes, hostPort).',
      }),
    ),
    acceptSessionPersistence: Type.Optional(
      Type.Boolean({
        description:
          'Release through rules with sessionPersistence, although it keeps users on a version whatever the weights say.',
      }),
    ),
    acceptUncovered: Type.Optional(
      Type.Array(objectReference(), {
        description:
          "Policies that may apply to the stable pods or Service and not to the canary's, e.g. NetworkPolicy/shop.",
        maxItems: 16,
        'x-kubernetes-list-type': 'set',
      }),
    ),
    analysis: Analysis,
  },
  {
    description: 'What is released, where the traffic is split, and how a revision is tried.',
    ...rules(
      { rule: 'has(self.targetRef) != has(self.backends)', message: 'needs exactly one of targetRef and backends' },
      {
        rule: '(has(self.skipAnalysis) && self.skipAnalysis) || (has(self.analysis.metrics) && size(self.analysis.metrics) > 0)',
        message: 'analysis.metrics needs at least one metric, unless skipAnalysis is true',
      },
      {
        rule: '!has(self.onSuccess) || has(self.backends)',
        message: 'onSuccess goes with backends',
        fieldPath: '.onSuccess',
      },
      {
        rule: '!has(self.onDelete) || has(self.targetRef)',
        message: 'onDelete goes with targetRef',
        fieldPath: '.onDelete',
      },
      {
        rule: '!has(self.canaryLabels) || has(self.targetRef)',
        message: 'canaryLabels goes with targetRef',
        fieldPath: '.canaryLabels',
      },
      {
        rule: '!has(self.acceptSideBySide) || has(self.targetRef)',
        message: 'acceptSideBySide goes with targetRef',
        fieldPath: '.acceptSideBySide',
      },
      {
        rule: '!has(self.acceptUncovered) || has(self.targetRef)',
        message: 'acceptUncovered goes with targetRef',
        fieldPath: '.acceptUncovered',
      },
    ),
  },
);
export type CanarySpec = Static<typeof CanarySpec>;
