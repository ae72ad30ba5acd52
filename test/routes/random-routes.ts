import fc from 'fast-check';
import { applyPatch } from 'rfc6902';
import type { JsonPatchOp } from '../../src/api/json-patch.ts';
import type { BackendRef, Route, RouteRule } from '../../src/api/objects.ts';
import { findManagedRules } from '../../src/routes/plan.ts';
import type { RoutePlan, Selection } from '../../src/routes/plan.ts';

export const canaryUid = '6f2c8a1e';
export const fenceKey = `fence.linnet.dev/${canaryUid}`;

/** Both ways to name the two sides: by Service name alone, and by name and port. */
const selections: Selection[] = [
  { stable: { name: 'shop' }, canary: { name: 'shop-canary' } },
  { stable: { name: 'shop', port: 80 }, canary: { name: 'shop-canary', port: 80 } },
];

const weight = fc.oneof(fc.constant(undefined), fc.constantFrom(0, 1, 2, 3, 7, 33, 50, 99, 100, 128), fc.nat(5000));

const extras = fc.record(
  {
    filters: fc.constantFrom(
      [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'x', value: '1' }] } }],
      [{ type: 'RequestMirror', requestMirror: { backendRef: { name: 'shop', port: 80 } } }],
    ),
    // rfc6902, which stands for the API server here, loses keys called __proto__.
    'x-not/known~yet': fc.jsonValue().filter((value) => !JSON.stringify(value).includes('__proto__')),
  },
  { requiredKeys: [] },
);

function ref(head: fc.Arbitrary<Pick<BackendRef, 'name' | 'port' | 'kind' | 'group' | 'namespace'>>) {
  return fc.tuple(head, weight, extras).map(
    ([identity, some, more]): BackendRef => ({
      ...more,
      ...identity,
      ...(some === undefined ? {} : { weight: some }),
    }),
  );
}

/** Few names, so that the same backend is often in a rule twice. */
const other = ref(
  fc.constantFrom(
    { name: 'third', port: 80 },
    { name: 'third', port: 8080 },
    { name: 'shop', port: 80, namespace: 'elsewhere' },
    { name: 'shop', port: 80, group: 'multicluster.x-k8s.io', kind: 'ServiceImport' },
    { name: 'shop-canary-2', port: 80 },
  ),
);
const stable = ref(fc.constantFrom({ name: 'shop', port: 80 }, { name: 'shop', port: 80, group: '', kind: 'Service' }));
const canary = ref(fc.constant({ name: 'shop-canary', port: 80, namespace: 'shop' }));

function insert<T>(list: T[], at: number, item: T): T[] {
  return list.toSpliced(at % (list.length + 1), 0, item);
}

const rule = fc
  .record({
    others: fc.array(other, { maxLength: 5 }),
    stable: fc.option(stable, { freq: 5 }),
    canary: fc.option(canary, { freq: 1 }),
    at: fc.nat(5),
    more: extras,
    matched: fc.boolean(),
    named: fc.boolean(),
    bare: fc.boolean(),
  })
  .map((parts) => (place: number): RouteRule => {
    let refs = parts.others;
    if (parts.stable !== null) refs = insert(refs, parts.at, parts.stable);
    if (parts.canary !== null) refs = insert(refs, parts.at + 2, parts.canary);
    return {
      ...parts.more,
      ...(parts.named ? { name: `rule-${place}` } : {}),
      ...(parts.matched ? { matches: [{ path: { type: 'PathPrefix', value: `/${place}` } }] } : {}),
      ...(refs.length === 0 && parts.bare ? {} : { backendRefs: refs }),
    };
  });

const annotations = fc.option(
  fc.dictionary(fc.constantFrom('a/b~c~1', 'fence.linnet.dev/other', 'plain', '__x', ''), fc.string(), { maxKeys: 3 }),
  { nil: undefined },
);

const anyRoute = fc.record({ rules: fc.array(rule, { minLength: 1, maxLength: 5 }), annotations, more: extras }).map(
  (parts): Route => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: {
      name: 'checkout',
      namespace: 'shop',
      uid: 'route-uid',
      resourceVersion: '10',
      generation: 3,
      ...(parts.annotations === undefined ? {} : { annotations: parts.annotations }),
    },
    spec: { ...parts.more, parentRefs: [{ name: 'gateway' }], rules: parts.rules.map((make, place) => make(place)) },
  }),
);

/** A route that can be managed, with its plan. */
export interface Managed {
  route: Route;
  plan: RoutePlan;
}

export const managedRoute: fc.Arbitrary<Managed> = fc
  .tuple(anyRoute, fc.constantFrom(...selections))
  .map(([route, selection]) => ({ route, found: findManagedRules(route, selection) }))
  .filter((made) => made.found.ok)
  .map(({ route, found }) => {
    if (!found.ok) throw new Error(found.message);
    // Through JSON, as a plan is read back from a Canary's status.
    return { route, plan: JSON.parse(JSON.stringify(found.plan)) as RoutePlan };
  });

export const share: fc.Arbitrary<number> = fc.oneof(fc.constantFrom(0, 1, 5, 50, 99, 100), fc.nat(100));

let version = 10;

/** What the API server does with a JSON Patch: all or nothing, and a new resourceVersion. */
export function patched(route: Route, ops: JsonPatchOp[]): Route {
  const copy = structuredClone(route);
  const failures = applyPatch(copy, ops).filter((failure) => failure !== null);
  if (failures.length > 0)
    throw new Error(`patch refused: ${failures.map(String).join('; ')} in ${JSON.stringify(ops)}`);
  version += 1;
  copy.metadata.resourceVersion = String(version);
  return copy;
}

/** The route without what every write changes. */
export function atRest(route: Route): unknown {
  const { resourceVersion: _version, ...metadata } = route.metadata;
  return { ...route, metadata };
}
