import { type Fields, fieldsAt, isFields, listAt, setDefaults } from './fields.ts';

/** Sets the defaults of a pod template's spec. */
export function defaultPodTemplate(template: Fields): void {
  fieldsAt(template, 'metadata');
  defaultPodSpec(fieldsAt(template, 'spec'));
}

/** Sets the defaults of a pod's spec, its containers, probes and volumes. */
export function defaultPodSpec(spec: Fields): void {
  setDefaults(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  });
  if (typeof spec.serviceAccountName === 'string') setDefaults(spec, { serviceAccount: spec.serviceAccountName });
  for (const container of [...listAt(spec, 'containers'), ...listAt(spec, 'initContainers')]) {
    defaultContainer(container);
  }
  for (const volume of listAt(spec, 'volumes')) defaultVolume(volume);
}

function defaultContainer(container: Fields): void {
  setDefaults(container, {
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: pullPolicyOf(container.image),
  });
  for (const port of listAt(container, 'ports')) setDefaults(port, { protocol: 'TCP' });
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (isFields(probe)) defaultProbe(probe);
  }
  for (const variable of listAt(container, 'env')) {
    const source = isFields(variable.valueFrom) ? variable.valueFrom.fieldRef : undefined;
    if (isFields(source)) setDefaults(source, { apiVersion: 'v1' });
  }
  const resources = fieldsAt(container, 'resources');
  for (const amounts of [resources.limits, resources.requests]) if (isFields(amounts)) writeAsText(amounts);
}

/** Quantities may be written as numbers; the server keeps text. */
function writeAsText(amounts: Fields): void {
  for (const [name, amount] of Object.entries(amounts)) if (typeof amount === 'number') amounts[name] = String(amount);
}

function pullPolicyOf(image: unknown): string {
  if (typeof image !== 'string' || image.includes('@')) return 'IfNotPresent';
  const name = image.slice(image.lastIndexOf('/') + 1);
  return !name.includes(':') || name.endsWith(':latest') ? 'Always' : 'IfNotPresent';
}

function defaultProbe(probe: Fields): void {
  setDefaults(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  if (isFields(probe.httpGet)) setDefaults(probe.httpGet, { path: '/', scheme: 'HTTP' });
}

function defaultVolume(volume: Fields): void {
  for (const source of ['secret', 'configMap', 'projected', 'downwardAPI']) {
    const value = volume[source];
    if (isFields(value)) setDefaults(value, { defaultMode: 0o644 });
  }
  if (Object.keys(volume).length === 1) volume.emptyDir = {};
}
