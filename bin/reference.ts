import { type CustomResourceDefinition, schemaOf } from '../src/api/crd.ts';
import type { JsonSchema } from '../src/api/structural.ts';
import { wanted } from '../src/api/wanted.ts';

/** The page that lists every field of the resources. */
export function referencePage(crds: readonly CustomResourceDefinition[]): string {
  const head = [
    '<!-- Made from src/api by "npm run generate". -->',
    '# Every field',
    'A field in *italics* must be there. The API server refuses what is not as it must be, and names the field.',
  ];
  return `${[...head, ...crds.flatMap(kindPart)].join('\n\n')}\n`;
}

function kindPart(crd: CustomResourceDefinition): string[] {
  const { description, properties = {} } = schemaOf(crd);
  const { kind, shortNames } = crd.spec.names;
  const parts = (['spec', 'status'] as const).flatMap((name) => {
    const schema = properties[name];
    return schema === undefined
      ? []
      : [`### ${kind}: ${name}`, schema.description ?? '', ...rulesPart(schema), fieldTable(schema, name)];
  });
  return [`## ${kind}`, `${description} Short name: \`${shortNames.join('`, `')}\`.`, ...parts];
}

function rulesPart({ 'x-kubernetes-validations': rules = [] }: JsonSchema): string[] {
  return rules.length === 0 ? [] : [`It ${sentences(rules.map((rule) => rule.message))}.`];
}

function sentences(messages: readonly string[]): string {
  return [...new Set(messages)].join('; ');
}

function fieldTable(schema: JsonSchema, path: string): string {
  const rows = fieldRows(schema, path).map((cells) => `| ${cells.map(cell).join(' | ')} |`);
  return ['| Field | Is | Default | Meaning |', '|---|---|---|---|', ...rows].join('\n');
}

/** Linnet's own memory, which nobody else should rest on. */
const internal = 'status.release';

/** One row for each field, the fields of an object right after it. */
function fieldRows(schema: JsonSchema, path: string): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const here = `${path}.${name}`;
    const required = schema.required?.includes(name) === true;
    const shown = required ? `*\`${here}\`*` : `\`${here}\``;
    const row = [shown, what(field), defaultOf(field), meaning(field)];
    if (here === internal) return [row];
    const inner = field.items ?? field;
    return [row, ...fieldRows(inner, field.items === undefined ? here : `${here}[]`)];
  });
}

function what(schema: JsonSchema): string {
  if (schema.additionalProperties !== undefined)
    return `${wanted(schema)}, each ${wanted(schema.additionalProperties)}`;
  if (schema.items === undefined || schema.items.properties !== undefined) return wanted(schema);
  return `${wanted(schema)}, each ${wanted(schema.items)}`;
}

function defaultOf(schema: JsonSchema): string {
  return schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``;
}

function meaning(schema: JsonSchema): string {
  const isText = schema.type === 'string';
  const own = isText ? [] : (schema['x-kubernetes-validations'] ?? []);
  const each = isText ? [] : (schema.items?.['x-kubernetes-validations'] ?? []);
  const rules = [...own, ...each].map((rule) => rule.message);
  // The column before says so already.
  const description = (schema.description ?? '').replace(/ A duration such as .*$/, '');
  return rules.length === 0 ? description : `${description} Rules: ${sentences(rules)}.`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
