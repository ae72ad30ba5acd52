import type { KubeObject } from '../../../../api/objects.ts';
import type { KindDefinition, Ref, WriteOptions } from '../../types.ts';
import { badRequest, conflict } from '../errors.ts';
import { fieldOf, isObject } from '../json.ts';
import { parseObject } from '../meta.ts';
import { placeInNamespace } from '../namespaces.ts';
import { admitConfig } from '../schema/kind-schema.ts';

/** Reads the configuration of a server-side apply, without what its subresource cannot change. Throws 400 when it is malformed. */
export function parseConfig(definition: KindDefinition, ref: Ref, body: unknown, options: WriteOptions): KubeObject {
  if (!isObject(body)) throw badRequest('the body of a server-side apply must be an object');
  if (body['kind'] === undefined || body['apiVersion'] === undefined) {
    throw badRequest(
      'invalid object type: /, Kind=: apiVersion and kind must be set in the body of a server-side apply',
    );
  }
  if (options.fieldManager === '') throw badRequest('fieldManager is required for apply patch');
  if (fieldOf(body['metadata'], 'managedFields') !== undefined) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const config = parseObject(definition, body);
  config.metadata.name ??= ref.name;
  if (config.metadata.name !== ref.name) {
    throw badRequest(
      `the name of the object (${config.metadata.name}) does not match the name on the URL (${ref.name})`,
    );
  }
  placeInNamespace(definition, config, ref.namespace);
  admitConfig(definition, config);
  if (options.subresource === 'status') return onlyStatus(config);
  if (definition.statusSubresource) delete config['status'];
  return config;
}

function onlyStatus(config: KubeObject): KubeObject {
  const { apiVersion, kind, metadata, status } = config;
  const { name, namespace, uid, resourceVersion } = metadata;
  const kept = { name, namespace, uid, resourceVersion };
  const identity = Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
  return {
    apiVersion,
    kind,
    metadata: identity as unknown as KubeObject['metadata'],
    ...(status === undefined ? {} : { status }),
  };
}

/** Throws 409 when a configuration that must find its object would create it. */
export function refuseCreation(definition: KindDefinition, config: KubeObject): void {
  const { name, uid = '', resourceVersion = '' } = config.metadata;
  if (uid !== '')
    throw conflict(definition, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: `);
  if (resourceVersion !== '')
    throw conflict(definition, name, 'the object does not exist, and the request names a resourceVersion');
}
