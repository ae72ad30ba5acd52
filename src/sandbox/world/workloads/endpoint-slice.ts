import { apiVersionOf, kinds } from '../../../api/kinds.ts';
import type { EndpointSlice, Service, ServicePort } from '../../../api/objects.ts';
import type { ObjectStore } from '../types.ts';
import { canonicalJson, shortHash } from './canonical.ts';
import type { ObjectCache } from './object-cache.ts';
import { isReady, isTerminating, type Pod } from './pod.ts';

export const serviceNameLabel = 'kubernetes.io/service-name';
const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
const manager = 'endpointslice-controller.k8s.io';
const write = { fieldManager: 'kube-controller-manager' };

interface World {
  store: ObjectStore;
  services: ObjectCache<Service>;
  pods: ObjectCache<Pod>;
  slices: ObjectCache<EndpointSlice>;
}

type SlicePort = NonNullable<EndpointSlice['ports']>[number];

/** One turn of the EndpointSlice controller for one Service: one slice for each set of port numbers that its pods have. */
export function reconcileEndpointSlices(world: World, key: string): undefined {
  const service = world.services.get(key);
  if (!service?.spec.selector || service.metadata.deletionTimestamp || service.spec.type === 'ExternalName') return;
  const present = world.slices.ownedBy(service.metadata.uid ?? '');
  const wanted = wantedSlices(service, selectedPods(world, service));
  for (const slice of wanted) {
    const old = present.find(({ metadata }) => metadata.name === slice.metadata.name);
    if (!old) world.store.create(kinds.endpointSlice, slice, { ...write, namespace: service.metadata.namespace ?? '' });
    else if (differs(old, slice)) {
      const metadata = { ...old.metadata, labels: { ...old.metadata.labels, ...slice.metadata.labels } };
      world.store.update(refOf(old), { ...old, ...slice, metadata }, write);
    }
  }
  for (const old of present) {
    if (!wanted.some(({ metadata }) => metadata.name === old.metadata.name)) world.store.delete(refOf(old));
  }
}

function selectedPods(world: World, service: Service): Pod[] {
  const selector = Object.entries(service.spec.selector ?? {});
  const over = (pod: Pod) => pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
  return [...world.pods.inNamespace(service.metadata.namespace ?? '')].filter(
    (pod) =>
      pod.status?.podIP !== undefined &&
      !over(pod) &&
      selector.every(([label, value]) => pod.metadata.labels?.[label] === value),
  );
}

function wantedSlices(service: Service, pods: readonly Pod[]): EndpointSlice[] {
  const groups = new Map<string, { ports: SlicePort[]; pods: Pod[] }>();
  for (const pod of pods) {
    const ports = portsOf(service, pod);
    const key = canonicalJson(ports);
    const group = groups.get(key);
    if (group) group.pods.push(pod);
    else groups.set(key, { ports, pods: [pod] });
  }
  if (groups.size === 0) groups.set('', { ports: [], pods: [] });
  return [...groups].map(([key, group]) => sliceOf(service, key, group));
}

function sliceOf(service: Service, key: string, group: { ports: SlicePort[]; pods: Pod[] }): EndpointSlice {
  const { name, namespace = '', uid = '' } = service.metadata;
  const owner = { apiVersion: 'v1', kind: 'Service', name, uid, controller: true, blockOwnerDeletion: true };
  return {
    apiVersion: apiVersionOf(kinds.endpointSlice),
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${shortHash(uid + key, 5)}`,
      namespace,
      labels: {
        ...service.metadata.labels,
        [serviceNameLabel]: name,
        [managedByLabel]: manager,
        ...(service.spec.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {}),
      },
      ownerReferences: [owner],
    },
    addressType: 'IPv4',
    endpoints: group.pods.map((pod) => endpointOf(service, pod)),
    ports: group.ports,
  };
}

function endpointOf(service: Service, pod: Pod): NonNullable<EndpointSlice['endpoints']>[number] {
  const terminating = isTerminating(pod);
  const serving = isReady(pod);
  const ready = (serving && !terminating) || service.spec['publishNotReadyAddresses'] === true;
  const { name, namespace = '', uid = '' } = pod.metadata;
  const endpoint = {
    addresses: [pod.status?.podIP ?? ''],
    conditions: { ready, serving, terminating },
    nodeName: pod.spec.nodeName,
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
  return endpoint;
}

function portsOf(service: Service, pod: Pod): SlicePort[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetPort(port, pod);
    if (number === undefined) return [];
    const appProtocol = port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol };
    return [{ name: port.name ?? '', port: number, protocol: port.protocol ?? 'TCP', ...appProtocol }];
  });
}

function targetPort(port: ServicePort, pod: Pod): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target;
  return (pod.spec.containers ?? []).flatMap((container) => container.ports ?? []).find(({ name }) => name === target)
    ?.containerPort;
}

function differs(old: EndpointSlice, next: EndpointSlice): boolean {
  const shown = ({ endpoints, ports, metadata }: EndpointSlice) =>
    canonicalJson({ endpoints, ports, labels: metadata.labels });
  return (
    shown(old) !==
    shown({ ...next, metadata: { ...next.metadata, labels: { ...old.metadata.labels, ...next.metadata.labels } } })
  );
}

function refOf(slice: EndpointSlice) {
  return { kind: kinds.endpointSlice, namespace: slice.metadata.namespace ?? '', name: slice.metadata.name };
}
