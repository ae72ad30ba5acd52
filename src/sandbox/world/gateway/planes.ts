import type { EndpointSlice, Service } from '../../../api/objects.ts';
import type { Clock } from '../../../ports/clock.ts';
import { serviceNameLabel } from '../workloads/endpoint-slice.ts';
import { keyOf, type ObjectCache } from '../workloads/object-cache.ts';
import type { Workloads } from '../workloads/workloads.ts';
import { behaviourOfParent } from './annotations.ts';
import type { BackendLookup } from './backends.ts';
import { createDataPlane, type DataPlane } from './data-plane.ts';
import { readyEndpoints, type ServiceEndpoints } from './endpoints.ts';
import type { Gateway, ReferenceGrant } from './gateway-api.ts';
import type { RouteAttachments } from './route-attachments.ts';
import { type AttachedRoute, buildTable, type RoutingTable, servicesOf } from './routing-table.ts';

/** Opens the ports of data planes. */
export interface SocketHost {
  /** Calls `bound` with host and port when the port takes requests. */
  open(plane: DataPlane, port: number, bound: (address: string) => void): void;
  close(plane: DataPlane, port: number): void;
}

export interface PlanesOptions {
  clock: Clock;
  workloads: Workloads;
  grants: ObjectCache<ReferenceGrant>;
  gateways: ObjectCache<Gateway>;
  attachments: RouteAttachments;
  /** Without one, ports are open at once and nothing listens. */
  sockets?: SocketHost | undefined;
  /** From a decision to the data plane that has taken it, where the parent asks for no lag. */
  delayMs: number;
  /** Called when a port of a data plane has got its address. */
  bound: (plane: DataPlane) => void;
}

interface Held {
  plane: DataPlane;
  /** Address by port; undefined while it is being opened. */
  ports: Map<number, string | undefined>;
  /** Services that the newest tables name. */
  services: Set<string>;
  version: number;
}

/** The data planes of a sandbox: each takes what the controllers decided after its lag, in the order of the decisions. */
export class Planes {
  readonly #options: PlanesOptions;
  readonly #held = new Map<string, Held>();
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  readonly #pending = new Set<() => void>();
  readonly backends: BackendLookup;

  constructor(options: PlanesOptions) {
    this.#options = options;
    this.backends = {
      service: (key) => options.workloads.services.get(key),
      grants: (namespace) => options.grants.inNamespace(namespace),
    };
  }

  get(key: string): DataPlane | undefined {
    return this.#held.get(key)?.plane;
  }

  /** The data plane, made when it is not there yet; that of a Service opens the Service's ports. */
  ensure(kind: DataPlane['kind'], namespace: string, name: string): DataPlane {
    const known = this.get(`${kind}:${namespace}/${name}`);
    if (known) return known;
    const plane = createDataPlane(kind, namespace, name);
    this.#held.set(plane.key, { plane, ports: new Map(), services: new Set(), version: 0 });
    if (kind === 'mesh') this.setPorts(plane, portsOf(this.backends.service(`${namespace}/${name}`)));
    return plane;
  }

  /** Opens and closes sockets so that exactly these ports are open. */
  setPorts(plane: DataPlane, ports: readonly number[]): void {
    const held = this.#held.get(plane.key);
    if (!held || (ports.length === held.ports.size && ports.every((port) => held.ports.has(port)))) return;
    for (const port of held.ports.keys()) {
      if (ports.includes(port)) continue;
      held.ports.delete(port);
      this.#options.sockets?.close(plane, port);
    }
    for (const port of ports) if (!held.ports.has(port)) this.#open(held, port);
    this.refresh(plane.key);
  }

  #open(held: Held, port: number): void {
    held.ports.set(port, undefined);
    const bound = (address: string) => {
      if (!held.ports.has(port)) return;
      held.ports.set(port, address);
      this.#options.bound(held.plane);
    };
    if (this.#options.sockets) this.#options.sockets.open(held.plane, port, bound);
    else bound(`127.0.0.1:${port}`);
  }

  remove(key: string): void {
    const held = this.#held.get(key);
    if (!held) return;
    for (const port of held.ports.keys()) this.#options.sockets?.close(held.plane, port);
    this.#held.delete(key);
  }

  /** Brings the routes that are accepted now into a data plane. */
  refresh(key: string): void {
    const held = this.#held.get(key);
    if (!held) return;
    const { plane } = held;
    const tables = new Map<number, RoutingTable>();
    for (const port of held.ports.keys()) tables.set(port, buildTable(this.#routesOn(plane, port), this.backends));
    held.services = new Set([...tables.values()].flatMap((table) => [...servicesOf(table)]));
    const version = ++held.version;
    const endpoints = [...held.services].map((service) => [service, this.#endpointsOf(service)] as const);
    this.#later(held, () => {
      for (const [service, ready] of endpoints) plane.setEndpoints(service, ready, version);
      plane.setTables(tables, version);
    });
  }

  refreshAll(): void {
    for (const key of this.#held.keys()) this.refresh(key);
  }

  serviceChanged(service: string): void {
    const mesh = this.#held.get(`mesh:${service}`);
    if (mesh) this.setPorts(mesh.plane, portsOf(this.backends.service(service)));
    for (const [key, held] of this.#held) if (held.services.has(service)) this.refresh(key);
  }

  sliceChanged(slice: EndpointSlice, deleted: boolean): void {
    const service = `${slice.metadata.namespace}/${slice.metadata.labels?.[serviceNameLabel]}`;
    const known = this.#slices.get(service) ?? new Map<string, EndpointSlice>();
    this.#slices.set(service, known);
    if (deleted) known.delete(keyOf(slice));
    else known.set(keyOf(slice), slice);
    for (const held of this.#held.values()) if (held.services.has(service)) this.#push(held, service);
  }

  #push(held: Held, service: string): void {
    const version = ++held.version;
    const endpoints = this.#endpointsOf(service);
    this.#later(held, () => held.plane.setEndpoints(service, endpoints, version));
  }

  /** Host and port at which a port (the first when absent) of a data plane is reached; undefined while it is not open. */
  address(plane: DataPlane, port?: number): string | undefined {
    const ports = this.#held.get(plane.key)?.ports;
    return ports?.get(port ?? [...ports.keys()][0] ?? 0);
  }

  close(): void {
    for (const cancel of this.#pending) cancel();
    for (const key of this.#held.keys()) this.remove(key);
  }

  #later({ plane }: Held, fn: () => void): void {
    const { clock, gateways, workloads, delayMs } = this.#options;
    const parents = plane.kind === 'gateway' ? gateways : workloads.services;
    const { lagMs } = behaviourOfParent(parents.get(`${plane.namespace}/${plane.name}`));
    const cancel = clock.after(delayMs + lagMs, () => {
      this.#pending.delete(cancel);
      fn();
    });
    this.#pending.add(cancel);
  }

  #endpointsOf(service: string): ServiceEndpoints {
    return readyEndpoints([...(this.#slices.get(service)?.values() ?? [])], this.#options.workloads.pods);
  }

  /** The routes of one port; a Service that no route names sends its clients to its own pods. */
  #routesOn(plane: DataPlane, port: number): AttachedRoute[] {
    const attached = this.#options.attachments.onPort(plane.key, port);
    if (plane.kind === 'gateway' || attached.length > 0) return attached;
    const rules = [{ backendRefs: [{ name: plane.name, port }] }];
    const metadata = { name: plane.name, namespace: plane.namespace };
    return [{ route: { apiVersion: '', kind: 'HTTPRoute', metadata, spec: { rules } }, listeners: [{ name: 'mesh' }] }];
  }
}

function portsOf(service: Service | undefined): number[] {
  return (service?.spec.ports ?? []).map(({ port }) => port);
}
