import { fieldManager } from '../api/names.ts';
import type { Route } from '../api/objects.ts';
import { backendKey } from './backend.ts';
import { locateRules } from './locate.ts';
import { namespaceOf } from './plan.ts';
import type { RoutePlan } from './plan.ts';

/**
 * What a release needs for itself in a route: `(namespace/route, rule, backend)` for every backendRef whose weight it writes.
 * Two Canaries get in each other's way when they share a claim. Where the weights of a rule are multiplied that is every
 * backend of the rule. Compare claims of the same state of a route only: rules without a name are called by their place.
 */
export function claimsOf(route: Route, plan: RoutePlan): string[] {
  const namespace = namespaceOf(route);
  const name = `${namespace}/${route.metadata.name}`;
  return locateRules(route, plan).flatMap((rule) => {
    const pair = [rule.plan.refs[rule.plan.stable]?.backend ?? plan.stable.name, rule.plan.canaryBackend];
    const written = rule.plan.factor === 1 ? pair : [...pair, ...rule.refs.map((ref) => backendKey(ref, namespace))];
    return [...new Set(written)].map((backend) => `(${name}, ${rule.label}, ${backend})`);
  });
}

/**
 * The manager, other than Linnet, that last wrote a field, for messages. Best effort: managedFields are empty where somebody
 * has cleared them.
 * @param field dotted path, e.g. `spec.rules`
 */
export function lastManagerOf(route: Route, field: string): string | undefined {
  const path = field.split('.').map((part) => `f:${part}`);
  const owners = (route.metadata.managedFields ?? []).filter(
    (entry) => entry.manager !== fieldManager && holds(entry.fieldsV1, path),
  );
  return owners.toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''))[0]?.manager;
}

function holds(fields: unknown, path: string[]): boolean {
  const [first, ...rest] = path;
  if (first === undefined) return true;
  if (fields === null || typeof fields !== 'object' || !Object.hasOwn(fields, first)) return false;
  return holds((fields as Record<string, unknown>)[first], rest);
}
