import type { KubeObject } from '../../../../api/objects.ts';

/** One column of a table; `type` is `string` and `priority` 0 (shown without `-o wide`) where absent. */
export interface Column {
  name: string;
  type?: string;
  format?: string;
  description?: string;
  priority?: number;
}

/** The columns of one kind, and an object's cells in the same order. */
export interface Printer {
  columns: Column[];
  cells(object: KubeObject, nowMs: number): unknown[];
}

/** An object whose fields are read without knowing its type. */
export type Fields = Record<string, unknown>;

/** The object at a path of fields; empty where there is none. */
export function at(object: unknown, ...path: string[]): Fields {
  let value: unknown = object;
  for (const field of path) value = (value as Fields | undefined | null)?.[field];
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** The list of objects at a path of fields; empty where there is none. */
export function list(object: unknown, ...path: string[]): Fields[] {
  const value = at(object, ...path);
  return Array.isArray(value) ? value.filter((item): item is Fields => typeof item === 'object' && item !== null) : [];
}

export function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

/** Text for a cell; what a user wrote wrongly is shown as it is. */
export function text(value: unknown, absent = ''): string {
  if (typeof value === 'string') return value || absent;
  return value === undefined || value === null ? absent : JSON.stringify(value);
}

/** `a=b,c=d`, or `<none>`. */
export function labels(value: Fields): string {
  const pairs = Object.entries(value).map(([key, part]) => `${key}=${text(part)}`);
  return pairs.length === 0 ? '<none>' : pairs.join(',');
}

/** A label selector as `kubectl` shows it. */
export function selector(value: Fields): string {
  const parts = Object.entries(at(value, 'matchLabels')).map(([key, part]) => `${key}=${text(part)}`);
  for (const { key, operator, values } of list(value, 'matchExpressions')) {
    const names = Array.isArray(values) ? `(${values.join(',')})` : '';
    const words: Record<string, string> = { In: `${text(key)} in ${names}`, NotIn: `${text(key)} notin ${names}` };
    parts.push(words[text(operator)] ?? (operator === 'Exists' ? text(key) : `!${text(key)}`));
  }
  return parts.length === 0 ? '<none>' : parts.join(',');
}

/** Names and images of a pod spec's containers, for the wide columns. */
export function containersOf(podSpec: Fields): [names: string, images: string] {
  const containers = list(podSpec, 'containers');
  return [containers.map((one) => text(one.name)).join(','), containers.map((one) => text(one.image)).join(',')];
}

/** Columns from names; `+` before a name makes it wide, `#` says that it is an integer. */
function columns(...names: string[]): Column[] {
  return names.map((name) => {
    const plain = name.replace(/^[+#]+/, '');
    return {
      name: plain,
      type: name.includes('#') ? 'integer' : 'string',
      priority: name.startsWith('+') ? 1 : 0,
    };
  });
}

/** A printer from column names (see {@link columns}) and a function that gives the cells. */
export function printer(names: string[], cells: (object: KubeObject, nowMs: number) => unknown[]): Printer {
  return { columns: columns(...names), cells };
}
