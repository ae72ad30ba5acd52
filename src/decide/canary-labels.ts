import type { LabelSelector } from '../api/objects.ts';

/** Whether a selector takes objects with these labels. An empty selector takes all. */
export function selects(selector: LabelSelector, labels: Record<string, string>): boolean {
  const exact = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return exact && (selector.matchExpressions ?? []).every((expression) => meets(expression, labels));
}

function meets(
  { key, operator, values = [] }: NonNullable<LabelSelector['matchExpressions']>[number],
  labels: Record<string, string>,
): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    default:
      return value === undefined;
  }
}

/** What the canary's labels must keep away from. */
export interface Separation {
  podLabels: Record<string, string>;
  /** The Deployment's selector and those of all Services that select the stable pods: none may match the canary's. */
  away: LabelSelector[];
  /** Other selectors in the namespace; keys that few of them use are preferred. */
  others: LabelSelector[];
  /** `spec.canaryLabels`. */
  wanted: Record<string, string> | undefined;
  /** Value for a changed label, made from the old one. */
  suffix: string;
}

/**
 * The labels of the canary's pods: stable's with the smallest set of keys changed such that no selector of stable matches, preferring keys
 * that the fewest other selectors use.
 * @returns undefined when no change separates them
 */
export function canaryLabels(separation: Separation): Record<string, string> | undefined {
  const { podLabels, away, wanted, suffix } = separation;
  const apart = (labels: Record<string, string>) => !away.some((selector) => selects(selector, labels));
  if (wanted !== undefined) {
    const labels = { ...podLabels, ...wanted };
    return apart(labels) ? labels : undefined;
  }
  const keys = candidateKeys(separation);
  for (const set of subsets(keys)) {
    const changed = Object.fromEntries(set.map((key) => [key, changedValue(podLabels[key] ?? '', suffix)]));
    const labels = { ...podLabels, ...changed };
    if (apart(labels)) return labels;
  }
  return undefined;
}

/** Keys of the selectors that must not match, the least used by other selectors first. */
function candidateKeys({ podLabels, away, others }: Separation): string[] {
  const used = new Set(away.flatMap(keysOf).filter((key) => podLabels[key] !== undefined));
  const count = (key: string) => others.filter((selector) => keysOf(selector).includes(key)).length;
  return [...used].toSorted((a, b) => count(a) - count(b) || (a < b ? -1 : 1));
}

function keysOf(selector: LabelSelector): string[] {
  return [...Object.keys(selector.matchLabels ?? {}), ...(selector.matchExpressions ?? []).map(({ key }) => key)];
}

/** Sets of keys by size; a selector has few keys, and more than three changed labels would be another application. */
function* subsets(keys: string[]): Generator<string[]> {
  for (const a of keys) yield [a];
  for (const [i, a] of keys.entries()) for (const b of keys.slice(i + 1)) yield [a, b];
  for (const [i, a] of keys.entries()) {
    for (const [j, b] of keys.slice(i + 1).entries()) for (const c of keys.slice(i + j + 2)) yield [a, b, c];
  }
}

/** A label value has at most 63 characters and ends with a letter or digit. */
function changedValue(value: string, suffix: string): string {
  return `${value.slice(0, 63 - suffix.length - 1).replace(/[^A-Za-z0-9]+$/, '')}-${suffix}`.replace(/^-/, '');
}
