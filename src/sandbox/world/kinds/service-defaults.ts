import { type Fields, fieldsAt, isFields, listAt, setDefaults } from './fields.ts';

/** Hands out what a cluster gives to Services, in order, never twice. */
export interface Addresses {
  clusterIP(): string;
  nodePort(): number;
}

/** Addresses from 10.96.0.2 on, as in a cluster with kubeadm's service network, and node ports from 30000 on. */
export function createAddresses(): Addresses {
  let address = 1;
  let port = 30_000;
  return {
    clusterIP() {
      address += 1;
      return `10.96.${Math.floor(address / 250) % 256}.${address % 250}`;
    },
    nodePort() {
      port += 1;
      return port;
    },
  };
}

/** Sets a Service's defaults; what the cluster once gave to it stays when an update leaves it out. */
export function defaultService(service: Fields, old: Fields | undefined, addresses: Addresses): void {
  const spec = fieldsAt(service, 'spec');
  const oldSpec = isFields(old?.spec) ? old.spec : {};
  setDefaults(spec, { type: 'ClusterIP', sessionAffinity: 'None' });
  if (spec.sessionAffinity === 'ClientIP') {
    setDefaults(spec, { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } } });
  }
  for (const port of listAt(spec, 'ports')) {
    setDefaults(port, { protocol: 'TCP' });
    setDefaults(port, { targetPort: port.port });
  }
  if (spec.type === 'ExternalName') return;
  setDefaults(spec, { internalTrafficPolicy: 'Cluster' });
  setClusterAddress(spec, oldSpec, addresses);
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') setExternal(spec, oldSpec, addresses);
}

function setClusterAddress(spec: Fields, oldSpec: Fields, addresses: Addresses): void {
  if (spec.clusterIP === undefined || spec.clusterIP === '') {
    spec.clusterIP = oldSpec.clusterIP ?? addresses.clusterIP();
  }
  setDefaults(spec, { clusterIPs: [spec.clusterIP], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
}

function setExternal(spec: Fields, oldSpec: Fields, addresses: Addresses): void {
  setDefaults(spec, { externalTrafficPolicy: 'Cluster' });
  if (spec.type === 'LoadBalancer') setDefaults(spec, { allocateLoadBalancerNodePorts: true });
  const oldPorts = listAt(oldSpec, 'ports');
  for (const port of listAt(spec, 'ports')) {
    if (port.nodePort !== undefined && port.nodePort !== 0) continue;
    const same = oldPorts.find((other) => other.port === port.port && other.protocol === port.protocol);
    port.nodePort = same?.nodePort ?? addresses.nodePort();
  }
}
