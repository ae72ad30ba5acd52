import type {
  BackendRef,
  Condition,
  KubeObject,
  LabelSelector,
  ParentRef,
  Route,
  RouteRule,
} from '../../../api/objects.ts';

export const gatewayGroup = 'gateway.networking.k8s.io';

/** The controller that a GatewayClass names to be served by the sandbox. */
export const controllerName = 'sandbox.linnet.dev/gateway-controller';

export interface GatewayClass extends KubeObject {
  spec: { controllerName: string };
  status?: { conditions?: Condition[] };
}

export interface Listener {
  name: string;
  port: number;
  protocol: string;
  hostname?: string;
  allowedRoutes?: {
    kinds?: { group?: string; kind: string }[];
    namespaces?: { from?: string; selector?: LabelSelector };
  };
}

export interface Gateway extends KubeObject {
  spec: { gatewayClassName: string; listeners?: Listener[] };
  status?: { conditions?: Condition[]; listeners?: unknown[]; addresses?: { type?: string; value: string }[] };
}

export interface ReferenceGrant extends KubeObject {
  spec: {
    from?: { group: string; kind: string; namespace: string }[];
    to?: { group: string; kind: string; name?: string }[];
  };
}

export interface NamedMatch {
  type?: string;
  name: string;
  value: string;
}

export interface HttpMatch {
  path?: { type?: string; value?: string };
  headers?: NamedMatch[];
  queryParams?: NamedMatch[];
  method?: string;
}

export interface HeaderEdit {
  set?: { name: string; value: string }[];
  add?: { name: string; value: string }[];
  remove?: string[];
}

export interface PathEdit {
  type: string;
  replaceFullPath?: string;
  replacePrefixMatch?: string;
}

export interface HttpFilter {
  type: string;
  requestHeaderModifier?: HeaderEdit;
  responseHeaderModifier?: HeaderEdit;
  urlRewrite?: { hostname?: string; path?: PathEdit };
  requestRedirect?: { scheme?: string; hostname?: string; port?: number; path?: PathEdit; statusCode?: number };
}

export interface HttpBackendRef extends BackendRef {
  filters?: HttpFilter[];
}

export interface HttpRule extends RouteRule {
  matches?: HttpMatch[];
  filters?: HttpFilter[];
  backendRefs?: HttpBackendRef[];
  timeouts?: { request?: string; backendRequest?: string };
}

export interface HttpRoute extends Route {
  spec: { parentRefs?: ParentRef[]; hostnames?: string[]; rules?: HttpRule[] };
}

/** Whom a parentRef names: `gateway:ns/name` or `service:ns/name`; undefined for kinds that the sandbox does not serve. */
export function parentKey(ref: ParentRef, routeNamespace: string): string | undefined {
  const group = ref.group ?? gatewayGroup;
  const kind = ref.kind ?? 'Gateway';
  const at = `${ref.namespace ?? routeNamespace}/${ref.name}`;
  if (group === gatewayGroup && kind === 'Gateway') return `gateway:${at}`;
  if ((group === '' || group === 'core') && kind === 'Service') return `service:${at}`;
  return undefined;
}
