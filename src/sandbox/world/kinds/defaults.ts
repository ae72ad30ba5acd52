import type { KubeObject } from '../../../api/objects.ts';
import { type Fields, fieldsAt, isFields, listAt, setDefaults } from './fields.ts';
import { defaultPodSpec, defaultPodTemplate } from './pod-defaults.ts';
import { createAddresses, defaultService } from './service-defaults.ts';

/**
 * Makes the functions that set, in place, the defaults that are code in Kubernetes. One call of it is one cluster: it hands out
 * cluster addresses of its own.
 */
export function defaulterOf(): (kind: string) => (object: KubeObject, old?: KubeObject) => void {
  const addresses = createAddresses();
  const byKind: Record<string, (object: Fields, old?: Fields) => void> = {
    Deployment: defaultDeployment,
    ReplicaSet: (object) => defaultReplicas(object),
    ReplicationController: (object) => defaultReplicas(object),
    StatefulSet: defaultStatefulSet,
    DaemonSet: defaultDaemonSet,
    Pod: defaultPod,
    Service: (object, old) => defaultService(object, old, addresses),
    Namespace: defaultNamespace,
    Secret: defaultSecret,
    HorizontalPodAutoscaler: (object) => setDefaults(fieldsAt(object, 'spec'), { minReplicas: 1 }),
    EndpointSlice: defaultEndpointSlice,
    NetworkPolicy: defaultNetworkPolicy,
    CustomResourceDefinition: defaultCustomResourceDefinition,
  };
  return (kind) => {
    const own = byKind[kind];
    return (object, old) => {
      dropNulls(object);
      own?.(object, old);
    };
  };
}

/** Kubernetes' own types read `null` as absent (custom resources do not). */
function dropNulls(value: unknown): void {
  if (Array.isArray(value)) {
    for (const item of value) dropNulls(item);
    return;
  }
  if (!isFields(value)) return;
  for (const [field, part] of Object.entries(value)) {
    if (part === null) delete value[field];
    // The keys of managedFields and the rules of a schema are data, where null may mean something.
    else if (field !== 'managedFields' && field !== 'openAPIV3Schema') dropNulls(part);
  }
}

function defaultReplicas(object: Fields): Fields {
  const spec = fieldsAt(object, 'spec');
  setDefaults(spec, { replicas: 1 });
  defaultPodTemplate(fieldsAt(spec, 'template'));
  return spec;
}

function defaultDeployment(object: Fields): void {
  const spec = defaultReplicas(object);
  setDefaults(spec, { revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
  const strategy = fieldsAt(spec, 'strategy');
  setDefaults(strategy, { type: 'RollingUpdate' });
  if (strategy.type !== 'RollingUpdate') return;
  setDefaults(fieldsAt(strategy, 'rollingUpdate'), { maxUnavailable: '25%', maxSurge: '25%' });
}

function defaultStatefulSet(object: Fields): void {
  const spec = defaultReplicas(object);
  setDefaults(spec, {
    revisionHistoryLimit: 10,
    podManagementPolicy: 'OrderedReady',
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
  });
  const strategy = fieldsAt(spec, 'updateStrategy');
  setDefaults(strategy, { type: 'RollingUpdate' });
  if (strategy.type === 'RollingUpdate') setDefaults(fieldsAt(strategy, 'rollingUpdate'), { partition: 0 });
}

function defaultDaemonSet(object: Fields): void {
  const spec = fieldsAt(object, 'spec');
  defaultPodTemplate(fieldsAt(spec, 'template'));
  setDefaults(spec, { revisionHistoryLimit: 10 });
  const strategy = fieldsAt(spec, 'updateStrategy');
  setDefaults(strategy, { type: 'RollingUpdate' });
  if (strategy.type !== 'RollingUpdate') return;
  setDefaults(fieldsAt(strategy, 'rollingUpdate'), { maxUnavailable: 1, maxSurge: 0 });
}

function defaultPod(object: Fields, old?: Fields): void {
  defaultPodSpec(fieldsAt(object, 'spec'));
  if (old === undefined) setDefaults(fieldsAt(object, 'status'), { phase: 'Pending', qosClass: 'BestEffort' });
}

function defaultNamespace(object: Fields, old?: Fields): void {
  const metadata = fieldsAt(object, 'metadata');
  fieldsAt(metadata, 'labels')['kubernetes.io/metadata.name'] = metadata.name;
  if (old === undefined) setDefaults(fieldsAt(object, 'status'), { phase: 'Active' });
}

/** `stringData` is only for writing: what is in it goes, encoded, into `data`. */
function defaultSecret(object: Fields): void {
  setDefaults(object, { type: 'Opaque' });
  if (!isFields(object.stringData)) return;
  const data = fieldsAt(object, 'data');
  for (const [key, text] of Object.entries(object.stringData)) data[key] = Buffer.from(String(text)).toString('base64');
  delete object.stringData;
}

function defaultEndpointSlice(object: Fields): void {
  for (const port of listAt(object, 'ports')) setDefaults(port, { name: '', protocol: 'TCP' });
}

function defaultNetworkPolicy(object: Fields): void {
  const spec = fieldsAt(object, 'spec');
  setDefaults(spec, { policyTypes: Array.isArray(spec.egress) ? ['Ingress', 'Egress'] : ['Ingress'] });
  for (const rule of [...listAt(spec, 'ingress'), ...listAt(spec, 'egress')]) {
    for (const port of listAt(rule, 'ports')) setDefaults(port, { protocol: 'TCP' });
  }
}

function defaultCustomResourceDefinition(object: Fields): void {
  const spec = fieldsAt(object, 'spec');
  const names = fieldsAt(spec, 'names');
  if (typeof names.kind === 'string') {
    setDefaults(names, { singular: names.kind.toLowerCase(), listKind: `${names.kind}List` });
  }
  setDefaults(spec, { conversion: { strategy: 'None' } });
}
