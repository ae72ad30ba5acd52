import type { KubeObject } from '../../../../api/objects.ts';
import { age } from './human-duration.ts';
import { type Printer, at, type Fields, list, printer, text } from './printer.ts';

const created = (object: KubeObject, nowMs: number) => age(object.metadata.creationTimestamp, nowMs);
const size = (value: Fields) => Object.keys(value).length;
const createdAt = printer(['Name', 'Created At'], ({ metadata }) => [metadata.name, metadata.creationTimestamp]);
const binding = printer(['Name', 'Role', 'Age'], (object, nowMs) => [
  object.metadata.name,
  `${text(at(object, 'roleRef').kind)}/${text(at(object, 'roleRef').name)}`,
  created(object, nowMs),
]);

/** Tables of everything else. */
export const clusterPrinters: Record<string, Printer> = {
  '/Namespace': printer(['Name', 'Status', 'Age'], (namespace, nowMs) => [
    namespace.metadata.name,
    text(at(namespace, 'status').phase),
    created(namespace, nowMs),
  ]),
  '/Node': printer(['Name', 'Status', 'Roles', 'Age', 'Version', '+Internal-IP', '+OS-Image'], (node, nowMs) => [
    node.metadata.name,
    nodeStatus(node),
    nodeRoles(node),
    created(node, nowMs),
    text(at(node, 'status', 'nodeInfo').kubeletVersion),
    text(list(node, 'status', 'addresses').find(({ type }) => type === 'InternalIP')?.address, '<none>'),
    text(at(node, 'status', 'nodeInfo').osImage, '<unknown>'),
  ]),
  '/ConfigMap': printer(['Name', '#Data', 'Age'], (map, nowMs) => [
    map.metadata.name,
    size(at(map, 'data')) + size(at(map, 'binaryData')),
    created(map, nowMs),
  ]),
  '/Secret': printer(['Name', 'Type', '#Data', 'Age'], (secret, nowMs) => [
    secret.metadata.name,
    text(secret.type),
    size(at(secret, 'data')),
    created(secret, nowMs),
  ]),
  '/ServiceAccount': printer(['Name', '#Secrets', 'Age'], (account, nowMs) => [
    account.metadata.name,
    list(account, 'secrets').length,
    created(account, nowMs),
  ]),
  '/Event': printer(
    ['Last Seen', 'Type', 'Reason', 'Object', '+Subobject', '+Source', 'Message', '+First Seen', '+#Count', '+Name'],
    eventCells,
  ),
  'coordination.k8s.io/Lease': printer(['Name', 'Holder', 'Age'], (lease, nowMs) => [
    lease.metadata.name,
    text(at(lease, 'spec').holderIdentity),
    created(lease, nowMs),
  ]),
  'rbac.authorization.k8s.io/Role': createdAt,
  'rbac.authorization.k8s.io/ClusterRole': createdAt,
  'rbac.authorization.k8s.io/RoleBinding': binding,
  'rbac.authorization.k8s.io/ClusterRoleBinding': binding,
  'apiextensions.k8s.io/CustomResourceDefinition': createdAt,
};

function eventCells(event: KubeObject, nowMs: number): unknown[] {
  const object = at(event, 'involvedObject');
  const firstSeen = text(event.firstTimestamp, text(event.eventTime)) || undefined;
  const lastSeen = text(at(event, 'series').lastObservedTime, text(event.lastTimestamp)) || firstSeen;
  const { component, host } = at(event, 'source');
  return [
    age(lastSeen, nowMs),
    text(event.type),
    text(event.reason),
    `${text(object.kind).toLowerCase()}${object.name === undefined ? '' : `/${text(object.name)}`}`,
    text(object.fieldPath),
    [text(component, text(event.reportingComponent)), text(host)].filter((part) => part !== '').join(', '),
    text(event.message).trim(),
    age(firstSeen, nowMs),
    at(event, 'series').count ?? event.count ?? 1,
    event.metadata.name,
  ];
}

function nodeStatus(node: KubeObject): string {
  const ready = list(node, 'status', 'conditions').find(({ type }) => type === 'Ready');
  const words = [ready?.status === 'True' ? 'Ready' : ready === undefined ? 'Unknown' : 'NotReady'];
  if (at(node, 'spec').unschedulable === true) words.push('SchedulingDisabled');
  return words.join(',');
}

function nodeRoles(node: KubeObject): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.keys(node.metadata.labels ?? {}).filter((label) => label.startsWith(prefix));
  return roles.length === 0 ? '<none>' : roles.map((label) => label.slice(prefix.length)).join(',');
}
