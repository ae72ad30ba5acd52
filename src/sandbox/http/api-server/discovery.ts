import { isBuiltIn } from '../../world/store/built-in.ts';
import type { KindDefinition } from '../../world/types.ts';
import type { ApiRequest } from './api-request.ts';
import { unknownPath } from './refusals.ts';
import type { Reply } from './reply.ts';
import { reviewResources } from './reviews.ts';
import { isScalable } from './scale.ts';

const allVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** One entry of discovery: a resource or a part of one (`deployments/scale`). */
export interface DiscoveredResource {
  group: string;
  version: string;
  /** Plural, and the part behind a slash. */
  name: string;
  kind: string;
  namespaced: boolean;
  verbs: string[];
  singular?: string;
  shortNames?: string[];
  categories?: string[];
  /** Of the kind that a part is read and written as, where it differs from the resource's. */
  partOf?: { group: string; version: string };
}

/** Answers `/api`, `/apis` and below, down to the list of a version's resources. Throws 404 for other paths. */
export function discoveryReply(kinds: KindDefinition[], request: ApiRequest): Reply {
  const resources = [...kinds.flatMap(resourcesOf), ...reviewResources];
  const [root, group, version, ...rest] = request.path.split('/').filter((part) => part !== '');
  if (root === 'api') {
    if (group === undefined)
      return rootReply(
        request,
        resources.filter((one) => one.group === ''),
        true,
      );
    if (version === undefined && group === 'v1') return versionReply(resources, '', 'v1');
    throw unknownPath();
  }
  if (root !== 'apis' || rest.length > 0) throw unknownPath();
  if (group === undefined)
    return rootReply(
      request,
      resources.filter((one) => one.group !== ''),
      false,
    );
  if (version !== undefined) return versionReply(resources, group, version);
  const own = groupsOf(resources).find((one) => one.name === group);
  if (own === undefined) throw unknownPath();
  return { code: 200, body: { kind: 'APIGroup', apiVersion: 'v1', ...own } };
}

function resourcesOf(kind: KindDefinition): DiscoveredResource[] {
  const { group, version, plural, namespaced } = kind;
  const part = (name: string, verbs = ['get', 'patch', 'update']) => ({
    group,
    version,
    name: `${plural}/${name}`,
    kind: kind.kind,
    namespaced,
    verbs,
  });
  const main: DiscoveredResource = {
    group,
    version,
    name: plural,
    kind: kind.kind,
    namespaced,
    verbs: kind.verbs ?? allVerbs,
    singular: kind.singular,
    shortNames: kind.shortNames,
    ...(kind.categories === undefined ? {} : { categories: kind.categories }),
  };
  const parts: DiscoveredResource[] = [];
  if (kind.statusSubresource) parts.push(part('status'));
  if (isBuiltIn(kind) && isScalable(kind)) {
    parts.push({ ...part('scale'), kind: 'Scale', partOf: { group: 'autoscaling', version: 'v1' } });
  }
  if (group === '' && kind.kind === 'Pod') {
    const eviction = { ...part('eviction', ['create']), kind: 'Eviction', partOf: { group: 'policy', version: 'v1' } };
    parts.push(part('log', ['get']), eviction);
  }
  return [main, ...parts];
}

function rootReply(request: ApiRequest, resources: DiscoveredResource[], core: boolean): Reply {
  if (wantsAggregated(request)) return { code: 200, body: aggregated(resources), contentType: aggregatedType };
  if (core) {
    const serverAddressByClientCIDRs = [{ clientCIDR: '0.0.0.0/0', serverAddress: request.headers.host ?? '' }];
    return { code: 200, body: { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs } };
  }
  return { code: 200, body: { kind: 'APIGroupList', apiVersion: 'v1', groups: groupsOf(resources) } };
}

function wantsAggregated(request: ApiRequest): boolean {
  const ranges = (request.headers.accept ?? '').split(',');
  return ranges.some((range) => range.includes('as=APIGroupDiscoveryList') && /;\s*v=v2(;|$)/.test(range.trim()));
}

function groupsOf(resources: DiscoveredResource[]) {
  return [...new Set(resources.map((one) => one.group))].map((name) => {
    const versions = versionsOf(resources, name).map((version) => ({ groupVersion: `${name}/${version}`, version }));
    return { name, versions, preferredVersion: versions[0] };
  });
}

/** Stable versions first, newer before older, as Kubernetes orders them. */
function versionsOf(resources: DiscoveredResource[], group: string): string[] {
  const versions = new Set(resources.filter((one) => one.group === group).map((one) => one.version));
  return [...versions].toSorted((a, b) => rank(b) - rank(a));
}

function rank(version: string): number {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (match === null) return 0;
  const stability = match[2] === undefined ? 3 : match[2] === 'beta' ? 2 : 1;
  return stability * 1e6 + Number(match[1]) * 1e3 + Number(match[3] ?? 0);
}

function versionReply(resources: DiscoveredResource[], group: string, version: string): Reply {
  const own = resources.filter((one) => one.group === group && one.version === version);
  if (own.length === 0) throw unknownPath();
  const body = {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources: own.map(({ name, kind, namespaced, verbs, singular, shortNames, categories, partOf }) => ({
      name,
      singularName: singular ?? '',
      namespaced,
      ...partOf,
      kind,
      verbs,
      ...(shortNames?.length ? { shortNames } : {}),
      ...(categories?.length ? { categories } : {}),
    })),
  };
  return { code: 200, body };
}

function aggregated(resources: DiscoveredResource[]): unknown {
  const items = [...new Set(resources.map((one) => one.group))].map((name) => ({
    metadata: name === '' ? { creationTimestamp: null } : { name, creationTimestamp: null },
    versions: versionsOf(resources, name).map((version) => ({
      version,
      freshness: 'Current',
      resources: aggregatedResources(resources.filter((one) => one.group === name && one.version === version)),
    })),
  }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
}

function aggregatedResources(resources: DiscoveredResource[]): unknown[] {
  const mains = resources.filter(({ name }) => !name.includes('/'));
  return mains.map((main) => ({
    resource: main.name,
    responseKind: { group: main.group, version: main.version, kind: main.kind },
    scope: main.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: main.singular ?? '',
    verbs: main.verbs,
    ...(main.shortNames?.length ? { shortNames: main.shortNames } : {}),
    ...(main.categories?.length ? { categories: main.categories } : {}),
    subresources: resources
      .filter(({ name }) => name.startsWith(`${main.name}/`))
      .map(({ name, group, version, kind, verbs, partOf }) => ({
        subresource: name.slice(main.name.length + 1),
        responseKind: { ...(partOf ?? { group, version }), kind },
        verbs,
      })),
  }));
}
