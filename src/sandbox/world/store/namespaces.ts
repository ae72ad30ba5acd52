import type { KubeObject } from '../../../api/objects.ts';
import type { KindDefinition } from '../types.ts';
import type { StoreContext } from './context.ts';
import { badRequest, namespaceTerminating, notFound } from './errors.ts';
import { objectAt } from './json.ts';
import type { Located } from './state.ts';

/** The namespaces that every cluster has from its first moment. */
export const firstNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

export function isNamespace(definition: KindDefinition): boolean {
  return definition.group === '' && definition.kind === 'Namespace';
}

/** The Namespace object of that name; undefined also where namespaces are not among the served kinds. */
export function namespaceOf(ctx: StoreContext, name: string | undefined): Located | undefined {
  const table = ctx.state.table({ group: '', plural: 'namespaces' });
  const object = name === undefined ? undefined : table?.get(undefined, name);
  return table === undefined || object === undefined ? undefined : { table, object };
}

/** Throws 404 when the namespace is not there and 403 when it is going away; without Namespace objects all namespaces are there. */
export function requireNamespace(ctx: StoreContext, definition: KindDefinition, object: KubeObject): void {
  const table = ctx.state.table({ group: '', plural: 'namespaces' });
  const { name, namespace } = object.metadata;
  if (table === undefined || !definition.namespaced || namespace === undefined) return;
  const found = namespaceOf(ctx, namespace);
  if (found === undefined) throw notFound(table.definition, namespace);
  if (found.object.metadata.deletionTimestamp !== undefined) throw namespaceTerminating(definition, name, namespace);
}

/** Puts an object into the request's namespace. Throws 400 when the object names another. */
export function placeInNamespace(definition: KindDefinition, object: KubeObject, namespace: string | undefined): void {
  const { metadata } = object;
  if (!definition.namespaced) {
    delete metadata.namespace;
    return;
  }
  const own = metadata.namespace === undefined || metadata.namespace === '' ? undefined : metadata.namespace;
  if (own !== undefined && namespace !== undefined && own !== namespace) {
    throw badRequest(
      `the namespace of the provided object does not match the namespace sent on the request (${own} != ${namespace})`,
    );
  }
  const target = namespace ?? own;
  if (target === undefined) throw badRequest('an empty namespace may not be set during creation');
  metadata.namespace = target;
}

/** What the API server sets on a new Namespace. */
export function prepareNamespace(object: KubeObject): void {
  object['spec'] = { ...objectAt(object, 'spec'), finalizers: ['kubernetes'] };
  object['status'] = { phase: 'Active' };
  object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
}
