import type { KindDefinition } from '../types.ts';
import { defaulterOf } from './defaults.ts';
import gatewayApi from './generated/gateway-api.json' with { type: 'json' };
import kubernetes from './generated/kubernetes.json' with { type: 'json' };

type Schema = Record<string, unknown>;

/** The published definitions of Kubernetes' own kinds by name; a `$ref` in them is another one's name. */
export const kubernetesDefinitions = kubernetes.definitions as Record<string, Schema>;

/**
 * The kinds that the sandbox serves from the start: Kubernetes' own and Gateway API's. Each call gives a new set, with an allocation of
 * cluster addresses of its own.
 */
export function sandboxKinds(): KindDefinition[] {
  const defaulter = defaulterOf();
  const resolve = resolver(kubernetesDefinitions);
  const own = kubernetes.kinds.map(({ definition, ...kind }) => {
    const defaultObject = defaulter(kind.kind);
    return { ...kind, schema: resolve({ $ref: definition }), defaultObject };
  });
  return [...own, ...(gatewayApi.kinds as unknown as KindDefinition[])];
}

/** Puts definitions in the place of their references; equal references share one object, so do not change what comes out. */
function resolver(definitions: Record<string, Schema>): (schema: Schema) => Schema {
  const known = new Map<string, Schema>();
  function resolve(schema: Schema): Schema {
    const { $ref, ...own } = schema;
    if (typeof $ref !== 'string') return resolveParts(own);
    const target = known.get($ref) ?? resolveParts(definitions[$ref] ?? {});
    known.set($ref, target);
    return Object.keys(own).length === 0 ? target : { ...target, ...own };
  }
  function resolveParts(schema: Schema): Schema {
    const result = { ...schema };
    const { properties, items, additionalProperties } = schema;
    if (isSchema(properties)) {
      result.properties = Object.fromEntries(
        Object.entries(properties).map(([name, property]) => [name, resolve(property as Schema)]),
      );
    }
    if (isSchema(items)) result.items = resolve(items);
    if (isSchema(additionalProperties)) result.additionalProperties = resolve(additionalProperties);
    return result;
  }
  return resolve;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null;
}
