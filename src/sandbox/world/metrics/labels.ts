/** The labels of one series, `__name__` included: in the order of their names, none empty. A Map, so that `__proto__` is a name like any other. */
export type Labels = ReadonlyMap<string, string>;

export const METRIC_NAME = '__name__';
export const NO_LABELS: Labels = new Map();

/** @returns the labels in order, without the empty ones (which mean the same as absent) */
export function labelsFrom(entries: Iterable<readonly [string, string]>): Labels {
  const present = [...entries].filter(([, value]) => value !== '');
  return new Map(present.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** Text that is equal exactly for equal labels and sorts as Prometheus sorts label sets. */
export function keyOf(labels: Labels): string {
  let key = '';
  for (const [name, value] of labels) key += `${name}\u0000${value}\u0000`;
  return key;
}

/** @returns the labels without those named; the same Map where nothing goes */
export function without(labels: Labels, names: ReadonlySet<string>): Labels {
  for (const name of labels.keys()) {
    if (names.has(name)) return new Map([...labels].filter(([other]) => !names.has(other)));
  }
  return labels;
}

/** @returns only the labels named */
export function only(labels: Labels, names: ReadonlySet<string>): Labels {
  return new Map([...labels].filter(([name]) => names.has(name)));
}

const NAME_ONLY = new Set([METRIC_NAME]);

export function withoutName(labels: Labels): Labels {
  return without(labels, NAME_ONLY);
}

/** @returns the labels with one changed; an empty value takes the label out */
export function withLabel(labels: Labels, name: string, value: string): Labels {
  if (labels.get(name) === value) return labels;
  return labelsFrom(new Map(labels).set(name, value));
}

/** The labels as Prometheus' messages show them: `{__name__="up", job="shop"}`. */
export function showLabels(labels: Labels): string {
  const pairs = [...labels].map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `{${pairs.join(', ')}}`;
}
