// Writes which fields Kubernetes' protobuf messages have, from the `generated.proto` files that Kubernetes publishes: kubectl sends the
// objects of `kubectl create` in that form.
//
//   go mod download -json k8s.io/api@v0.36.3             # names the first folder
//   go mod download -json k8s.io/apimachinery@v0.36.3    # names the second folder
//   node bin/generate-sandbox-messages.ts <folder of k8s.io/api> <folder of k8s.io/apimachinery>
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Field, MessageTable } from '../src/sandbox/http/api-server/protobuf/message-table.ts';
import { kubernetesDefinitions } from '../src/sandbox/world/kinds/kinds.ts';

const sources = {
  api: [
    'core',
    'apps',
    'policy',
    'networking',
    'discovery',
    'coordination',
    'rbac',
    'events',
    'authorization',
    'authentication',
  ]
    .map((group) => `${group}/v1`)
    .concat('autoscaling/v1', 'autoscaling/v2'),
  apimachinery: ['api/resource', 'apis/meta/v1', 'runtime', 'util/intstr'].map((part) => `pkg/${part}`),
};

/** Go types that are written in JSON in another way than as an object of their fields; the decoder knows them. */
const special = new Set([
  'k8s.io.apimachinery.pkg.api.resource.Quantity',
  'k8s.io.apimachinery.pkg.apis.meta.v1.Time',
  'k8s.io.apimachinery.pkg.apis.meta.v1.MicroTime',
  'k8s.io.apimachinery.pkg.apis.meta.v1.FieldsV1',
  'k8s.io.apimachinery.pkg.runtime.RawExtension',
  'k8s.io.apimachinery.pkg.util.intstr.IntOrString',
]);

/** What clients create as typed objects, besides the kinds of the store. */
const others = [
  'authorization.v1.SelfSubjectAccessReview',
  'authorization.v1.SelfSubjectRulesReview',
  'authorization.v1.SubjectAccessReview',
  'authorization.v1.LocalSubjectAccessReview',
  'authentication.v1.SelfSubjectReview',
  'authentication.v1.TokenReview',
  'autoscaling.v1.Scale',
  'events.v1.Event',
  'policy.v1.Eviction',
]
  .map((name) => `k8s.io.api.${name}`)
  .concat('k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions');

const fieldPattern =
  /^ {2}(?:(?<label>optional|repeated|required) (?<type>[\w.]+)|map<string, (?<values>[\w.]+)>) (?<name>\w+) = (?<number>\d+)/;

function readMessages(file: string, into: MessageTable): void {
  let [scope, message] = ['', ''];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    scope = /^package ([\w.]+);/.exec(line)?.[1] ?? scope;
    const opened = /^message (\w+) \{/.exec(line)?.[1];
    if (opened !== undefined) into[(message = `${scope}.${opened}`)] = {};
    const groups = fieldPattern.exec(line)?.groups;
    if (groups?.number !== undefined && message !== '')
      Object.assign(into[message] ?? {}, fieldOf(groups, scope, message));
  }
}

function fieldOf(groups: Record<string, string | undefined>, scope: string, message: string): Record<string, Field> {
  const { name = '', number = '', label, type, values } = groups;
  const written = type ?? values ?? '';
  const own = /^[a-z]/.test(written) ? written : written.startsWith('.') ? written.slice(1) : `${scope}.${written}`;
  const field: Field = { name, type: own };
  if (label === 'repeated') field.many = 'list';
  if (values !== undefined) field.many = 'map';
  if (isInline(message, name)) field.inline = true;
  return { [number]: field };
}

/** Go's embedded structs have a field number of their own in protobuf, while their fields stand among the others in JSON. */
function isInline(message: string, name: string): boolean {
  const properties = kubernetesDefinitions[message.replace(/^k8s\.io/, 'io.k8s')]?.properties as object | undefined;
  return properties !== undefined && !(name in properties);
}

function reached(messages: MessageTable, roots: string[]): MessageTable {
  const found: MessageTable = {};
  const visit = (name: string): void => {
    const message = messages[name];
    if (message === undefined || found[name] !== undefined || special.has(name)) return;
    found[name] = message;
    for (const { type } of Object.values(message)) visit(type);
  };
  for (const root of roots) visit(root);
  return found;
}

const [apiFolder, machineryFolder] = process.argv.slice(2);
if (apiFolder === undefined || machineryFolder === undefined) {
  throw new Error('usage: generate-sandbox-messages.ts <folder of k8s.io/api> <folder of k8s.io/apimachinery>');
}
const messages: MessageTable = {};
for (const part of sources.api) readMessages(join(apiFolder, part, 'generated.proto'), messages);
for (const part of sources.apimachinery) readMessages(join(machineryFolder, part, 'generated.proto'), messages);
const kinds = Object.entries(kubernetesDefinitions)
  .filter(([, schema]) => schema['x-kubernetes-group-version-kind'] !== undefined)
  .map(([name]) => name.replace(/^io\.k8s/, 'k8s.io'));
const table = reached(messages, [...kinds, ...others]);
const lines = Object.keys(table)
  .toSorted()
  .map((name) => `"${name}": ${JSON.stringify(table[name])}`);
const output = '../src/sandbox/http/api-server/protobuf/generated/messages.json';
writeFileSync(join(import.meta.dirname, output), `{\n${lines.join(',\n')}\n}\n`);
