// Writes the data of the sandbox's kinds from the documents that Kubernetes and Gateway API publish.
//
//   go mod download -json k8s.io/kubernetes@v1.36.3          # names the first folder
//   go mod download -json sigs.k8s.io/gateway-api@v1.7.0     # names the second folder (or the zip that holds it)
//   node bin/generate-sandbox-kinds.ts <folder of k8s.io/kubernetes> <folder of sigs.k8s.io/gateway-api>
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';

type Json = Record<string, unknown>;

const served: Record<string, { kinds: string[]; counted: string[] }> = {
  'api/v1': {
    kinds: [
      'ConfigMap',
      'Endpoints',
      'Event',
      'Namespace',
      'Node',
      'Pod',
      'ReplicationController',
      'Secret',
      'Service',
      'ServiceAccount',
    ],
    counted: ['Pod', 'ReplicationController'],
  },
  'apis/apps/v1': {
    kinds: ['DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet'],
    counted: ['DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet'],
  },
  'apis/autoscaling/v2': { kinds: ['HorizontalPodAutoscaler'], counted: [] },
  'apis/policy/v1': { kinds: ['PodDisruptionBudget'], counted: ['PodDisruptionBudget'] },
  'apis/networking.k8s.io/v1': { kinds: ['NetworkPolicy'], counted: ['NetworkPolicy'] },
  'apis/discovery.k8s.io/v1': { kinds: ['EndpointSlice'], counted: ['EndpointSlice'] },
  'apis/coordination.k8s.io/v1': { kinds: ['Lease'], counted: [] },
  'apis/rbac.authorization.k8s.io/v1': {
    kinds: ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'],
    counted: [],
  },
  'apis/apiextensions.k8s.io/v1': { kinds: ['CustomResourceDefinition'], counted: ['CustomResourceDefinition'] },
};

const gatewayKinds: Record<string, string> = {
  backendtlspolicies: 'v1',
  gatewayclasses: 'v1',
  gateways: 'v1',
  grpcroutes: 'v1',
  httproutes: 'v1',
  referencegrants: 'v1beta1',
};

const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** Definitions that a structural schema has to say in another way than the published document. */
const replacedDefinitions: Record<string, Json> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': { 'x-kubernetes-int-or-string': true },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { 'x-kubernetes-int-or-string': true },
  'io.k8s.apimachinery.pkg.runtime.RawExtension': anything,
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': anything,
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps': anything,
};

function firstSentence(text: string): string {
  const end = /[.:](\s|$)/.exec(text);
  const sentence = (end === null ? text : text.slice(0, end.index + 1)).replace(/\s+/g, ' ').trim();
  return sentence.length > 160 ? `${sentence.slice(0, 157)}...` : sentence;
}

function isZero(value: unknown): boolean {
  return (
    value === '' || value === 0 || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
  );
}

/** A field's schema without what only documents; `default`s that merely say Go's zero value would create empty objects. */
function pruned(schema: Json): Json {
  const { allOf, default: defaultValue, description, $ref, ...rest } = schema;
  const result: Json = {};
  const wrapped = Array.isArray(allOf) && allOf.length === 1 ? (allOf[0] as Json).$ref : $ref;
  if (typeof wrapped === 'string') result.$ref = basename(wrapped);
  else if (allOf !== undefined) result.allOf = allOf;
  for (const [key, value] of Object.entries(rest)) result[key] = prunedPart(key, value);
  if (defaultValue !== undefined && !isZero(defaultValue)) result.default = defaultValue;
  if (typeof description === 'string' && description !== '') result.description = firstSentence(description);
  return result;
}

function prunedPart(key: string, value: unknown): unknown {
  if (key === 'properties') return mapValues(value as Record<string, Json>, pruned);
  if ((key === 'items' || key === 'additionalProperties') && typeof value === 'object') return pruned(value as Json);
  return value;
}

function mapValues<T, R>(record: Record<string, T>, map: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

function readJson(path: string): Json {
  return JSON.parse(readFileSync(path, 'utf8')) as Json;
}

function collect(name: string, from: Record<string, Json>, into: Record<string, Json>): void {
  if (into[name] !== undefined) return;
  const definition = replacedDefinitions[name] ?? pruned(from[name] ?? {});
  // Controllers written in Go cannot leave a status field out, so the server never has to ask for it.
  if (name.endsWith('Status')) delete definition.required;
  into[name] = definition;
  for (const [, reference] of JSON.stringify(definition).matchAll(/"\$ref":"([^"]+)"/g)) {
    collect(reference as string, from, into);
  }
}

function kubernetes(folder: string): Json {
  const definitions: Record<string, Json> = {};
  const kinds: Json[] = [];
  for (const [path, { kinds: names, counted }] of Object.entries(served)) {
    const fileName = path.replaceAll('/', '__');
    const document = readJson(join(folder, 'api/openapi-spec/v3', `${fileName}_openapi.json`));
    const schemas = (document.components as Json).schemas as Record<string, Json>;
    const discovery = readJson(join(folder, 'api/discovery', `${fileName}.json`)).resources as Json[];
    const [group, version] = path === 'api/v1' ? ['', 'v1'] : (path.split('/').slice(1) as [string, string]);
    for (const resource of discovery) {
      if (!names.includes(resource.kind as string) || (resource.name as string).includes('/')) continue;
      const definition = definitionOf(schemas, { group, version, kind: resource.kind as string });
      collect(definition, schemas, definitions);
      kinds.push({
        group,
        version,
        kind: resource.kind,
        plural: resource.name,
        namespaced: resource.namespaced,
        singular: resource.singularName,
        shortNames: resource.shortNames ?? [],
        ...(resource.categories === undefined ? {} : { categories: resource.categories }),
        statusSubresource: discovery.some((other) => other.name === `${resource.name as string}/status`),
        generation: counted.includes(resource.kind as string),
        definition,
      });
    }
  }
  return { kinds, definitions: Object.fromEntries(Object.entries(definitions).sort(([a], [b]) => (a < b ? -1 : 1))) };
}

function definitionOf(schemas: Record<string, Json>, gvk: { group: string; version: string; kind: string }): string {
  for (const [name, schema] of Object.entries(schemas)) {
    const own = (schema['x-kubernetes-group-version-kind'] ?? []) as { group: string; version: string; kind: string }[];
    if (own.length === 1 && own[0]?.kind === gvk.kind && own[0].group === gvk.group && own[0].version === gvk.version) {
      return name;
    }
  }
  throw new Error(`No definition of ${gvk.group}/${gvk.version} ${gvk.kind} in the published document`);
}

function gatewayApi(folder: string): Json {
  const kinds = Object.entries(gatewayKinds).map(([plural, versionName]) => {
    const file = join(folder, 'config/crd/standard', `gateway.networking.k8s.io_${plural}.yaml`);
    const spec = (parse(readFileSync(file, 'utf8')) as Json).spec as Json;
    const names = spec.names as Json;
    const version = (spec.versions as Json[]).find((candidate) => candidate.name === versionName) as Json;
    return {
      group: spec.group,
      version: versionName,
      kind: names.kind,
      plural,
      namespaced: spec.scope === 'Namespaced',
      singular: names.singular,
      shortNames: names.shortNames ?? [],
      categories: names.categories ?? [],
      statusSubresource: (version.subresources as Json | undefined)?.status !== undefined,
      generation: true,
      columns: version.additionalPrinterColumns ?? [],
      schema: shortened((version.schema as Json).openAPIV3Schema) as Json,
    };
  });
  return { kinds };
}

/** The same schema, its descriptions cut to a sentence. Nothing else may change: its rules and defaults are the API. */
function shortened(value: unknown, inProperties = false): unknown {
  if (Array.isArray(value)) return value.map((item) => shortened(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) =>
      !inProperties && key === 'description' && typeof part === 'string'
        ? [key, firstSentence(part)]
        : [key, key === 'default' || key === 'enum' ? part : shortened(part, !inProperties && key === 'properties')],
    ),
  );
}

/** JSON with one line per kind and definition, so that a new version can be read as a difference. */
function lines(data: Json): string {
  const sections = Object.entries(data).map(([key, section]) => {
    if (Array.isArray(section)) return `"${key}": [\n${section.map((item) => JSON.stringify(item)).join(',\n')}\n]`;
    const entries = Object.entries(section as Json).map(([name, item]) => `"${name}": ${JSON.stringify(item)}`);
    return `"${key}": {\n${entries.join(',\n')}\n}`;
  });
  return `{\n${sections.join(',\n')}\n}\n`;
}

const [kubernetesFolder, gatewayFolder] = process.argv.slice(2);
if (kubernetesFolder === undefined || gatewayFolder === undefined) {
  throw new Error('usage: generate-sandbox-kinds.ts <folder of k8s.io/kubernetes> <folder of sigs.k8s.io/gateway-api>');
}
const output = join(import.meta.dirname, '../src/sandbox/world/kinds/generated');
writeFileSync(join(output, 'kubernetes.json'), lines(kubernetes(kubernetesFolder)));
writeFileSync(join(output, 'gateway-api.json'), lines(gatewayApi(gatewayFolder)));
