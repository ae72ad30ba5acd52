import { CanarySpec } from './canary-spec.ts';
import { CanaryStatus } from './canary-status.ts';
import { type Kind, kinds } from './kinds.ts';
import { MetricTemplateSpec } from './metric-template.ts';
import { type JsonSchema, structural, structuralWithoutRules } from './structural.ts';

/** A CustomResourceDefinition as far as Linnet's own ones go. */
export interface CustomResourceDefinition {
  apiVersion: 'apiextensions.k8s.io/v1';
  kind: 'CustomResourceDefinition';
  metadata: { name: string };
  spec: {
    group: string;
    names: { kind: string; listKind: string; plural: string; singular: string; shortNames: string[] };
    scope: 'Namespaced';
    versions: CrdVersion[];
  };
}

interface CrdVersion {
  name: string;
  served: true;
  storage: true;
  schema: { openAPIV3Schema: JsonSchema };
  subresources?: { status: Record<string, never> };
  additionalPrinterColumns: Column[];
}

interface Column {
  name: string;
  type: 'string' | 'integer' | 'date';
  jsonPath: string;
  /** 1: only with `kubectl get -o wide`. */
  priority?: 1;
  description?: string;
}

const age: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

/** The definition of Canary. */
export const canaryCrd: CustomResourceDefinition = define(kinds.canary, {
  shortName: 'cn',
  description: 'Canary releases new revisions of a workload step by step.',
  spec: structural(CanarySpec),
  status: structuralWithoutRules(CanaryStatus),
  rules: [
    {
      rule: 'size(self.metadata.name) <= 63',
      message: 'metadata.name of a Canary may have at most 63 characters: it is a label on the objects of its releases',
    },
  ],
  columns: [
    { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
    { name: 'Stage', type: 'string', jsonPath: '.status.stage', priority: 1 },
    { name: 'Weight', type: 'integer', jsonPath: '.status.canaryWeight', description: 'Percent, as accepted.' },
    { name: 'Revision', type: 'string', jsonPath: '.status.revision' },
    { name: 'Step', type: 'integer', jsonPath: '.status.stepIndex', priority: 1 },
    { name: 'Failed checks', type: 'integer', jsonPath: '.status.failedChecks', priority: 1 },
    { name: 'Hold', type: 'string', jsonPath: '.status.hold.reason' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    age,
  ],
});

/** The definition of MetricTemplate. */
export const metricTemplateCrd: CustomResourceDefinition = define(kinds.metricTemplate, {
  shortName: 'mt',
  description: 'MetricTemplate is a query of your own, for the checks of Canaries in its namespace.',
  spec: structural(MetricTemplateSpec),
  columns: [{ name: 'Provider', type: 'string', jsonPath: '.spec.provider.type' }, age],
});

interface Definition {
  shortName: string;
  description: string;
  spec: JsonSchema;
  /** Absent: no status subresource. */
  status?: JsonSchema;
  rules?: JsonSchema['x-kubernetes-validations'];
  columns: Column[];
}

function define(kind: Kind, definition: Definition): CustomResourceDefinition {
  const { spec, status, rules } = definition;
  const openAPIV3Schema: JsonSchema = {
    type: 'object',
    description: definition.description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: `Always ${kind.group}/${kind.version}.` },
      kind: { type: 'string', description: `Always ${kind.kind}.` },
      metadata: { type: 'object' },
      spec,
      ...(status === undefined ? {} : { status }),
    },
    ...(rules === undefined ? {} : { 'x-kubernetes-validations': rules }),
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${kind.group}` },
    spec: {
      group: kind.group,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.kind.toLowerCase(),
        shortNames: [definition.shortName],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: kind.version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema },
          ...(status === undefined ? {} : { subresources: { status: {} } }),
          additionalPrinterColumns: definition.columns,
        },
      ],
    },
  };
}

/** The schema of a whole object, as the API server has it. */
export function schemaOf(crd: CustomResourceDefinition): JsonSchema {
  const [version] = crd.spec.versions;
  if (version === undefined) throw new TypeError(`${crd.metadata.name} has no version`);
  return version.schema.openAPIV3Schema;
}
