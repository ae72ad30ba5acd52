import { duration } from './annotations.ts';
import { commonHostnames } from './attachment.ts';
import { type BackendLookup, type Resolved, resolveBackend } from './backends.ts';
import { type FilterPlan, planFilters } from './filters.ts';
import type { HttpMatch, HttpRoute, Listener } from './gateway-api.ts';
import { type CompiledMatch, compileMatch, type ProxyRequest } from './request-match.ts';

/** One backend of a rule, resolved when the table was built. */
export interface TableBackend {
  index: number;
  weight: number;
  name: string;
  namespace: string;
  resolved: Resolved;
  filters: FilterPlan;
}

/** One rule of one route on one socket. */
export interface TableRule {
  /** Names the rule on its data plane, the same from table to table. */
  id: string;
  route: { namespace: string; name: string };
  index: number;
  listener: string;
  backends: TableBackend[];
  filters: FilterPlan;
  timeoutMs: number;
}

interface Entry {
  match: CompiledMatch;
  /** The match as written, which some gateways put into the names of their metrics. */
  source: HttpMatch;
  rule: TableRule;
}

/** What one socket of a data plane does with requests: per hostname (`*` for any, `*.a` for those under a) the matches, best first. */
export interface RoutingTable {
  hosts: ReadonlyMap<string, readonly Entry[]>;
}

/** A route on the listeners to which it is attached. */
export interface AttachedRoute {
  route: HttpRoute;
  listeners: Pick<Listener, 'name' | 'hostname'>[];
}

const defaultTimeoutMs = 10_000;

export function buildTable(attached: readonly AttachedRoute[], lookup: BackendLookup): RoutingTable {
  const hosts = new Map<string, Entry[]>();
  const oldestFirst = attached.toSorted((a, b) => compareRoutes(a.route, b.route));
  for (const { route, listeners } of oldestFirst) {
    for (const listener of listeners) {
      const entries = (route.spec.rules ?? []).flatMap((rule, index) => {
        const tableRule = compileRule(route, index, listener.name, lookup);
        const matches = rule.matches && rule.matches.length > 0 ? rule.matches : [{}];
        return matches.map((source) => ({ match: compileMatch(source), source, rule: tableRule }));
      });
      for (const hostname of commonHostnames(listener.hostname, route.spec.hostnames)) {
        hosts.set(hostname.toLowerCase(), [...(hosts.get(hostname.toLowerCase()) ?? []), ...entries]);
      }
    }
  }
  // Sorting is stable: among equals the older route and then the earlier rule stay in front.
  for (const [hostname, entries] of hosts) hosts.set(hostname, entries.toSorted(compareEntries));
  return { hosts };
}

function compileRule(route: HttpRoute, index: number, listener: string, lookup: BackendLookup): TableRule {
  const rule = route.spec.rules?.[index] ?? {};
  const { namespace = '', name } = route.metadata;
  return {
    id: `${namespace}/${name}/${index}`,
    route: { namespace, name },
    index,
    listener,
    filters: planFilters(rule.filters),
    timeoutMs: duration(rule.timeouts?.request) || defaultTimeoutMs,
    backends: (rule.backendRefs ?? []).map((ref, at) => ({
      index: at,
      weight: ref.weight ?? 1,
      name: ref.name,
      namespace: ref.namespace ?? namespace,
      resolved: resolveBackend(ref, namespace, lookup),
      filters: planFilters(ref.filters),
    })),
  };
}

function compareRoutes(a: HttpRoute, b: HttpRoute): number {
  const age = (route: HttpRoute) => route.metadata.creationTimestamp ?? '';
  const name = (route: HttpRoute) => `${route.metadata.namespace}/${route.metadata.name}`;
  if (age(a) !== age(b)) return age(a) < age(b) ? -1 : 1;
  return name(a) < name(b) ? -1 : 1;
}

function compareEntries(a: Entry, b: Entry): number {
  for (const [i, rank] of a.match.rank.entries()) {
    const difference = (b.match.rank[i] ?? 0) - rank;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The rule for a request: that of the most specific hostname, and there of the best match. */
export function findRule(table: RoutingTable, request: ProxyRequest): Entry | undefined {
  const question = request.target.indexOf('?');
  const path = question < 0 ? request.target : request.target.slice(0, question);
  const query = new URLSearchParams(question < 0 ? '' : request.target.slice(question + 1));
  for (const hostname of candidates(request.host)) {
    const entries = table.hosts.get(hostname);
    if (entries) return entries.find(({ match }) => match.holds(request, path, query));
  }
  return undefined;
}

function* candidates(host: string): Iterable<string> {
  yield host;
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) yield `*${host.slice(dot)}`;
  yield '*';
}

/** The keys of the Services that a table names as backends, there or not. */
export function servicesOf(table: RoutingTable): Set<string> {
  const backends = [...table.hosts.values()].flat().flatMap(({ rule }) => rule.backends);
  return new Set(backends.map(({ namespace, name }) => `${namespace}/${name}`));
}
