import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../src/api/objects.ts';
import { startGateways } from '../../src/sandbox/world/gateway/gateways.ts';
import type { TrafficMetrics } from '../../src/sandbox/world/gateway/traffic-metrics.ts';
import type { DataPlane } from '../../src/sandbox/world/gateway/data-plane.ts';
import { defaulterOf } from '../../src/sandbox/world/kinds/defaults.ts';
import { sandboxKinds } from '../../src/sandbox/world/kinds/kinds.ts';
import { definitionOfCrd } from '../../src/sandbox/world/store/crd.ts';
import { createObjectStore } from '../../src/sandbox/world/store/object-store.ts';
import type { KindDefinition, ObjectStore } from '../../src/sandbox/world/types.ts';
import { startWorkloads, type Workloads } from '../../src/sandbox/world/workloads/workloads.ts';
import type { Chance } from './chance.ts';
import type { Schedule } from './schedule.ts';

export const namespace = 'shop';
export const gatewayName = 'web';

/** The cluster of a simulation: object store, workloads and one gateway on the simulation's own time. */
export interface World {
  store: ObjectStore;
  workloads: Workloads;
  /** The gateway's data plane; undefined until it is programmed. */
  plane(): DataPlane | undefined;
  /** Writes an object as a user with `kubectl apply` would. */
  apply(object: KubeObject): void;
  /** Errors of the sandbox's own controllers: each is a bug of the sandbox. */
  errors: string[];
}

/** Definitions cost much to make and are the same for every simulation. */
const known: KindDefinition[] = [...sandboxKinds(), ...readCrds().map(definitionOfCrd)];

export function createWorld(schedule: Schedule, chance: Chance): World {
  const clock = schedule.clock('world', false);
  const errors: string[] = [];
  const problem = (fields: object, message: string) =>
    void errors.push(`${message}: ${'err' in fields ? String(fields.err) : JSON.stringify(fields)}`);
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: problem, child: () => log };
  const store = createObjectStore({ clock, random: chance.fork(), kinds: freshKinds(), log });
  const apply = (object: KubeObject) => applyTo(store, object);
  const workloads = startWorkloads({ store, clock, random: chance.fork(), log });
  const gateways = startGateways({ store, clock, workloads, log });
  for (const object of furniture) apply(structuredClone(object));
  return { store, workloads, plane: () => gateways.gateway(namespace, gatewayName), apply, errors };
}

/** What allots the Services' addresses remembers them, so each simulation has its own. */
function freshKinds(): KindDefinition[] {
  const defaulter = defaulterOf();
  return known.map((kind) =>
    kind.defaultObject === undefined ? kind : { ...kind, defaultObject: defaulter(kind.kind) },
  );
}

function applyTo(store: ObjectStore, object: KubeObject): void {
  const at = object.apiVersion.indexOf('/');
  const [group, version] = [object.apiVersion.slice(0, Math.max(0, at)), object.apiVersion.slice(at + 1)];
  const kind = store.kinds().find((one) => one.kind === object.kind && one.group === group && one.version === version);
  if (kind === undefined) throw new Error(`the sandbox does not know ${object.apiVersion} ${object.kind}`);
  const place = kind.namespaced ? { namespace: object.metadata.namespace ?? namespace } : {};
  const ref = { kind, name: object.metadata.name, ...place };
  store.patch(ref, { type: 'apply', body: object }, { fieldManager: 'kubectl' });
}

function readCrds(): KubeObject[] {
  const folder = join(import.meta.dirname, '../../crds');
  return readdirSync(folder).flatMap((file) =>
    parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => document.toJS() as KubeObject),
  );
}

const furniture: KubeObject[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GatewayClass',
    metadata: { name: 'sandbox' },
    spec: { controllerName: 'sandbox.linnet.dev/gateway-controller' },
  },
  {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: gatewayName, namespace },
    spec: { gatewayClassName: 'sandbox', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
  },
];

/** Nothing is measured here but what the simulation itself counts. */
export const noMetrics: TrafficMetrics = { count: () => {}, exposition: () => '' };
