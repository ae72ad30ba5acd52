import type { KubeObject } from '../../../../api/objects.ts';
import { age } from './human-duration.ts';
import { type Printer, at, type Fields, labels, list, printer, selector, text } from './printer.ts';

const created = (object: KubeObject, nowMs: number) => age(object.metadata.creationTimestamp, nowMs);

/** Tables of Services and of what stands behind them. */
export const networkPrinters: Record<string, Printer> = {
  '/Service': printer(
    ['Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age', '+Selector'],
    (service, nowMs) => [
      service.metadata.name,
      text(at(service, 'spec').type),
      text(at(service, 'spec').clusterIP, '<none>'),
      externalAddress(service),
      list(service, 'spec', 'ports').map(servicePort).join(',') || '<none>',
      created(service, nowMs),
      labels(at(service, 'spec', 'selector')),
    ],
  ),
  '/Endpoints': printer(['Name', 'Endpoints', 'Age'], (endpoints, nowMs) => [
    endpoints.metadata.name,
    shortened(
      list(endpoints, 'subsets').flatMap((subset) =>
        list(subset, 'addresses').flatMap(({ ip }) =>
          list(subset, 'ports').map(({ port }) => `${text(ip)}:${text(port)}`),
        ),
      ),
      '<none>',
    ),
    created(endpoints, nowMs),
  ]),
  'discovery.k8s.io/EndpointSlice': printer(['Name', 'AddressType', 'Ports', 'Endpoints', 'Age'], (slice, nowMs) => [
    slice.metadata.name,
    text(slice.addressType),
    shortened(
      list(slice, 'ports').map(({ port }) => text(port, '*')),
      '<unset>',
    ),
    shortened(
      list(slice, 'endpoints').flatMap(({ addresses }) => (Array.isArray(addresses) ? addresses.map(String) : [])),
      '<unset>',
    ),
    created(slice, nowMs),
  ]),
  'networking.k8s.io/NetworkPolicy': printer(['Name', 'Pod-Selector', 'Age'], (policy, nowMs) => [
    policy.metadata.name,
    selector(at(policy, 'spec', 'podSelector')),
    created(policy, nowMs),
  ]),
};

function externalAddress(service: KubeObject): string {
  const spec = at(service, 'spec');
  if (spec.type === 'ExternalName') return text(spec.externalName, '<none>');
  const given = list(service, 'status', 'loadBalancer', 'ingress').map(({ ip, hostname }) => text(ip, text(hostname)));
  if (given.length > 0) return given.join(',');
  return spec.type === 'LoadBalancer' ? '<pending>' : '<none>';
}

function servicePort(port: Fields): string {
  const node = port.nodePort === undefined ? '' : `:${text(port.nodePort)}`;
  return `${text(port.port)}${node}/${text(port.protocol, 'TCP')}`;
}

function shortened(values: string[], none: string): string {
  if (values.length === 0) return none;
  const shown = values.slice(0, 3).join(',');
  return values.length > 3 ? `${shown} + ${values.length - 3} more...` : shown;
}
