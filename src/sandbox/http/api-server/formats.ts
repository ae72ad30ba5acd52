import type { KubeObject } from '../../../api/objects.ts';
import type { ApiRequest } from './api-request.ts';
import { refused } from '../../world/store/errors.ts';
import { metadataOf } from './partial-metadata.ts';
import { type TableOptions, tableOf } from './tables/table.ts';

/** How the client wants to see objects. */
export type Format = 'object' | 'metadata' | 'table';

const protocolOf: Record<string, Format> = {
  Table: 'table',
  PartialObjectMetadata: 'metadata',
  PartialObjectMetadataList: 'metadata',
};

/** The first format in Accept that can be served. Throws 406 when there is none, e.g. for protobuf alone. */
export function formatOf(request: ApiRequest): Format {
  const accept = request.headers.accept ?? '*/*';
  for (const range of accept.split(',')) {
    const [mediaType, ...parameters] = range.split(';').map((part) => part.trim());
    if (mediaType !== 'application/json' && mediaType !== '*/*' && mediaType !== 'application/*') continue;
    const values = new Map(parameters.map((parameter) => parameter.split('=') as [string, string]));
    const as = values.get('as');
    if (as === undefined) return 'object';
    const format = protocolOf[as];
    if (format !== undefined && values.get('g') === 'meta.k8s.io' && values.get('v') === 'v1') return format;
  }
  const message = 'only the following media types are accepted: application/json';
  throw refused(406, 'NotAcceptable', message);
}

/** What shapes an answer besides the objects in it. */
export interface Presentation extends TableOptions {
  format: Format;
}

/** One object in the format asked for. */
export function presentOne(object: KubeObject, presentation: Presentation): unknown {
  if (presentation.format === 'table') return tableOf([object], object.metadata.resourceVersion ?? '', presentation);
  return presentation.format === 'metadata' ? metadataOf(object) : object;
}

/** A list in the format asked for. */
export function presentList(items: KubeObject[], resourceVersion: string, presentation: Presentation): unknown {
  if (presentation.format === 'table') return tableOf(items, resourceVersion, presentation);
  const metadata = { resourceVersion };
  if (presentation.format === 'metadata') {
    const kind = 'PartialObjectMetadataList';
    return { kind, apiVersion: 'meta.k8s.io/v1', metadata, items: items.map(metadataOf) };
  }
  const { group, version, kind } = presentation.kind;
  return { kind: `${kind}List`, apiVersion: group === '' ? version : `${group}/${version}`, metadata, items };
}
