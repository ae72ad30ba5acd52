import type { KubeObject } from '../../../../api/objects.ts';
import type { KindDefinition } from '../../../world/types.ts';
import { printers } from './printers.ts';
import type { Printer } from './printer.ts';
import { findAll } from './json-path.ts';
import { metadataOf } from '../partial-metadata.ts';
import { age } from './human-duration.ts';

/** The kind as it is served, `includeObject` of the request, and the time for ages. */
export interface TableOptions {
  kind: KindDefinition;
  include: string | null;
  nowMs: number;
}

/** Objects as rows with the columns that a real API server prints, for `kubectl get`. */
export function tableOf(objects: KubeObject[], resourceVersion: string, options: TableOptions): unknown {
  const { kind, include, nowMs } = options;
  const printer = printers[`${kind.group}/${kind.kind}`] ?? printerOf(kind);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion },
    columnDefinitions: printer.columns.map(({ name, type, format, description, priority }) => ({
      name,
      type: type ?? 'string',
      format: format ?? (name === 'Name' ? 'name' : ''),
      description: description ?? '',
      priority: priority ?? 0,
    })),
    rows: objects.map((object) => ({
      cells: printer.cells(object, nowMs).map((cell) => cell ?? null),
      ...(include === 'None' ? {} : { object: include === 'Object' ? object : metadataOf(object) }),
    })),
  };
}

/** The columns of a CustomResourceDefinition, or name and age. */
function printerOf(kind: KindDefinition): Printer {
  const columns = kind.columns ?? [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }];
  return {
    columns: [{ name: 'Name' }, ...columns],
    cells: (object, nowMs) => [
      object.metadata.name,
      ...columns.map((column) => cellOf(findAll(object, column.jsonPath), column.type, nowMs)),
    ],
  };
}

function cellOf(values: unknown[], type: string, nowMs: number): unknown {
  const [first] = values;
  if (first === undefined || first === null) return null;
  switch (type) {
    case 'integer':
      return typeof first === 'number' ? Math.trunc(first) : null;
    case 'number':
      return typeof first === 'number' ? first : null;
    case 'boolean':
      return typeof first === 'boolean' ? first : null;
    case 'date':
      return typeof first === 'string' ? age(first, nowMs) : null;
    default:
      return values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' ');
  }
}
