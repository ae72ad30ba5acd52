import type { MetricsPreset } from './annotations.ts';
import type { Endpoint, ServiceEndpoints } from './endpoints.ts';
import { editPath, redirectOf } from './filters.ts';
import type { HeaderEdit, HttpMatch } from './gateway-api.ts';
import type { ProxyRequest } from './request-match.ts';
import { findRule, type RoutingTable, type TableBackend, type TableRule } from './routing-table.ts';
import { type Balancer, createBalancer } from './weighted-round-robin.ts';

/** Who one request was for, as metrics tell it; grows with what routing found out. */
export interface Exchange {
  plane: Pick<DataPlane, 'key' | 'kind' | 'namespace' | 'name' | 'preset'>;
  method: string;
  rule?: TableRule;
  match?: HttpMatch;
  backend?: TableBackend;
  endpoint?: Endpoint;
}

/** What a data plane does with one request. `flag` is Envoy's word for why there is no upstream. */
export type Decision =
  | { kind: 'answer'; code: number; flag: '' | 'NR' | 'UH'; message: string; location?: string; exchange: Exchange }
  | {
      kind: 'forward';
      endpoint: Endpoint;
      target: string;
      /** Host header in place of the client's, where a filter says so. */
      host: string | undefined;
      requestHeaders: HeaderEdit[];
      responseHeaders: HeaderEdit[];
      timeoutMs: number;
      exchange: Exchange;
    };

/** The data plane of one Gateway, or of the clients of one Service: its tables by port and its own, perhaps late, view of endpoints. */
export interface DataPlane {
  readonly key: string;
  readonly kind: 'gateway' | 'mesh';
  readonly namespace: string;
  readonly name: string;
  preset: MetricsPreset;
  /** Takes new tables by port, unless it has those of a higher version. */
  setTables(tables: ReadonlyMap<number, RoutingTable>, version: number): void;
  /** Takes a Service's endpoints, unless it has those of a higher version. */
  setEndpoints(service: string, endpoints: ServiceEndpoints, version: number): void;
  /** Decides one request that came to one port. */
  decide(port: number, request: ProxyRequest): Decision;
}

export function createDataPlane(kind: 'gateway' | 'mesh', namespace: string, name: string): DataPlane {
  let tables: ReadonlyMap<number, RoutingTable> = new Map();
  let tablesVersion = 0;
  const views = new Map<string, { endpoints: ServiceEndpoints; version: number }>();
  const balancers = new Map<string, Balancer>();
  const turns = new Map<string, number>();

  const nextBackend = (rule: TableRule): TableBackend | undefined => {
    const weights = rule.backends.map(({ weight }) => weight);
    const known = balancers.get(rule.id);
    const same = known?.weights.length === weights.length && known.weights.every((weight, i) => weight === weights[i]);
    const balancer = same && known ? known : createBalancer(weights);
    balancers.set(rule.id, balancer);
    const index = balancer.next();
    return index === undefined ? undefined : rule.backends[index];
  };
  const nextEndpoint = (service: string, portName: string): Endpoint | undefined => {
    const endpoints = views.get(service)?.endpoints.get(portName) ?? [];
    const key = `${service}:${portName}`;
    const turn = turns.get(key) ?? 0;
    turns.set(key, turn + 1);
    return endpoints[turn % endpoints.length];
  };

  const plane: DataPlane = {
    key: `${kind}:${namespace}/${name}`,
    kind,
    namespace,
    name,
    preset: 'istio',
    setTables(next, version) {
      if (version > tablesVersion) [tables, tablesVersion] = [next, version];
    },
    setEndpoints(service, endpoints, version) {
      if (version > (views.get(service)?.version ?? 0)) views.set(service, { endpoints, version });
    },
    decide(port, request) {
      const exchange: Exchange = { plane, method: request.method };
      const refuse = (code: number, flag: 'NR' | 'UH', message: string): Decision => ({
        kind: 'answer',
        code,
        flag,
        message,
        exchange,
      });
      const table = tables.get(port);
      const found = table && findRule(table, request);
      if (!found) return refuse(404, 'NR', `no route for ${request.host}${request.target}`);
      const { rule, match } = found;
      exchange.rule = rule;
      exchange.match = found.source;
      if (rule.filters.redirect) {
        const { code, location } = redirectOf(rule.filters.redirect, { ...request, port }, match.prefix);
        return { kind: 'answer', code, flag: '', message: '', location, exchange };
      }
      const backend = nextBackend(rule);
      if (!backend) return refuse(500, 'NR', 'no backend of the rule has a weight above 0');
      exchange.backend = backend;
      if (!backend.resolved.ok) return refuse(500, 'NR', backend.resolved.message);
      const endpoint = nextEndpoint(backend.resolved.service, backend.resolved.portName);
      if (!endpoint) return refuse(503, 'UH', `Service ${backend.resolved.service} has no ready endpoint`);
      exchange.endpoint = endpoint;
      return {
        kind: 'forward',
        endpoint,
        target: editPath(request.target, match.prefix, rule.filters.rewrite?.path),
        host: rule.filters.rewrite?.hostname,
        requestHeaders: [...rule.filters.requestHeaders, ...backend.filters.requestHeaders],
        responseHeaders: [...rule.filters.responseHeaders, ...backend.filters.responseHeaders],
        timeoutMs: rule.timeoutMs,
        exchange,
      };
    },
  };
  return plane;
}
