import { kinds } from '../../../api/kinds.ts';
import type { Deployment, EndpointSlice, ReplicaSet, Service } from '../../../api/objects.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Log } from '../../../ports/log.ts';
import type { Random } from '../../../ports/random.ts';
import type { ObjectStore } from '../types.ts';
import { reconcileDeployment } from './deployment.ts';
import { reconcileEndpointSlices } from './endpoint-slice.ts';
import { createEventRecorder } from './events.ts';
import { podKind } from './kinds.ts';
import { Kubelet, type PodRuntime } from './kubelet.ts';
import { controllerOf, createObjectCache, keyOf, type ObjectCache } from './object-cache.ts';
import type { Pod } from './pod.ts';
import { createReconciler } from './reconciler.ts';
import { reconcileReplicaSet } from './replica-set.ts';
import type { RunningPod } from './running-pod.ts';

export interface WorkloadDelays {
  /** From a change to the Deployment controller's turn. @defaultValue 20 */
  deploymentMs?: number;
  /** @defaultValue 10 */
  replicaSetMs?: number;
  /** From a pod's creation to its being bound to the node. @defaultValue 10 */
  bindMs?: number;
  /** From bound to the containers' start. @defaultValue 50 */
  startMs?: number;
  /** From the server listening to the pod being ready. @defaultValue 200 */
  readyMs?: number;
  /** From a pod's change to its Service's EndpointSlices. @defaultValue 30 */
  endpointsMs?: number;
  /** From a pod's deletion to its server closing. @defaultValue 500 */
  drainMs?: number;
}

export interface WorkloadOptions {
  store: ObjectStore;
  clock: Clock;
  random: Random;
  delays?: WorkloadDelays;
  /** First two numbers of the pods' addresses. @defaultValue `10.244` */
  podNetwork?: string;
  /** Runs real servers for the pods; without it they are synthetic. */
  runtime?: PodRuntime | undefined;
  log?: Log | undefined;
}

/** The controllers of Deployments, ReplicaSets, Pods and EndpointSlices at work on a store. */
export interface Workloads {
  services: ObjectCache<Service>;
  slices: ObjectCache<EndpointSlice>;
  pods: ObjectCache<Pod>;
  replicaSets: ObjectCache<ReplicaSet>;
  /** The pods whose servers are up, by address. */
  running(): ReadonlyMap<string, RunningPod>;
  close(): void;
}

export function startWorkloads(options: WorkloadOptions): Workloads {
  const { store, clock, random, log, delays = {} } = options;
  const caches = {
    deployments: createObjectCache<Deployment>(store, kinds.deployment),
    replicaSets: createObjectCache<ReplicaSet>(store, kinds.replicaSet),
    pods: createObjectCache<Pod>(store, podKind),
    services: createObjectCache<Service>(store, kinds.service),
    slices: createObjectCache<EndpointSlice>(store, kinds.endpointSlice),
  };
  const record = createEventRecorder(store, clock, 'deployment-controller');
  const world = { store, clock, random, record, ...caches };
  const controller = (name: string, delayMs: number, reconcile: (key: string) => number | undefined) =>
    createReconciler({ name, clock, delayMs, log, reconcile });

  const deployment = controller('deployment', delays.deploymentMs ?? 20, (key) => reconcileDeployment(world, key));
  const replicaSet = controller('replicaset', delays.replicaSetMs ?? 10, (key) => reconcileReplicaSet(world, key));
  const slice = controller('endpointslice', delays.endpointsMs ?? 30, (key) => reconcileEndpointSlices(world, key));
  const kubelet = new Kubelet(world, {
    startMs: delays.startMs ?? 50,
    readyMs: delays.readyMs ?? 200,
    drainMs: delays.drainMs ?? 500,
    podNetwork: options.podNetwork ?? '10.244',
    runtime: options.runtime,
    record: createEventRecorder(store, clock, 'kubelet'),
    wake: (key) => pod.add(key, 0),
  });
  const pod = controller('kubelet', delays.bindMs ?? 10, (key) => kubelet.reconcile(key));

  caches.deployments.onChange((object) => deployment.add(keyOf(object)));
  caches.replicaSets.onChange((object) => {
    replicaSet.add(keyOf(object));
    addOwner(object, deployment);
  });
  caches.services.onChange((object) => slice.add(keyOf(object)));
  caches.slices.onChange((object) => addOwner(object, slice));
  caches.pods.onChange((object, _, old) => {
    pod.add(keyOf(object));
    addOwner(object, replicaSet);
    for (const service of caches.services.inNamespace(object.metadata.namespace ?? '')) {
      if (selects(service, object) || (old && selects(service, old))) slice.add(keyOf(service));
    }
  });
  return {
    ...caches,
    running: () => kubelet.running,
    close() {
      for (const reconciler of [deployment, replicaSet, slice, pod]) reconciler.close();
      for (const cache of Object.values(caches)) cache.close();
    },
  };
}

function selects(service: Service, pod: Pod): boolean {
  const selector = Object.entries(service.spec.selector ?? {});
  return selector.length > 0 && selector.every(([label, value]) => pod.metadata.labels?.[label] === value);
}

function addOwner(object: Pod | ReplicaSet | EndpointSlice, reconciler: { add(key: string): void }): void {
  const owner = controllerOf(object);
  if (owner) reconciler.add(`${object.metadata.namespace}/${owner.name}`);
}
