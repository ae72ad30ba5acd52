import Type, { type Static } from 'typebox';
import { MetricsServerRef } from './canary-spec.ts';
import type { KubeObject } from './objects.ts';
import { oneOf, rules } from './schema.ts';

/**
 * What a query may name as `{{ variable }}`; the first five as in Flagger. Values enter a query only inside quotes and escaped;
 * `interval`, the check's window such as `30s`, may also stand outside.
 */
const templateVariables = ['name', 'namespace', 'target', 'service', 'route', 'interval', 'canary', 'stable'] as const;

/** Any text in which every `{{` begins a variable that is known. */
const queryPattern = `^([^{]|[{][^{]|[{][{] *(${templateVariables.join('|')}) *[}][}])*[{]?$`;

const Provider = Type.Object(
  {
    type: oneOf(['prometheus'], { description: 'What kind of store is asked.' }),
    address: Type.Optional(MetricsServerRef.properties.address),
    secretRef: Type.Optional(MetricsServerRef.properties.secretRef),
  },
  {
    description: 'Where the query is sent.',
    ...rules({
      rule: '!has(self.secretRef) || has(self.address)',
      message: 'secretRef goes with address',
      fieldPath: '.secretRef',
    }),
  },
);

export const MetricTemplateSpec = Type.Object(
  {
    provider: Provider,
    query: Type.String({
      description: `A query that gives one number. Variables: ${templateVariables.map((name) => `{{ ${name} }}`).join(', ')}.`,
      minLength: 1,
      maxLength: 4096,
      pattern: queryPattern,
      ...rules({
        rule: `self.matches('${queryPattern}')`,
        message: `may name only these variables, as {{ name }}: ${templateVariables.join(', ')}`,
      }),
    }),
  },
  { description: 'A query of your own, for the checks of the Canaries in its namespace.' },
);
export type MetricTemplateSpec = Static<typeof MetricTemplateSpec>;

/** A MetricTemplate as the API server stores it. */
export interface MetricTemplate extends KubeObject {
  spec: MetricTemplateSpec;
}
