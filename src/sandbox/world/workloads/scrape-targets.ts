import type { EndpointSlice } from '../../../api/objects.ts';
import { serviceNameLabel } from './endpoint-slice.ts';
import { keyOf } from './object-cache.ts';
import type { RunningPod } from './running-pod.ts';
import type { Workloads } from './workloads.ts';

/** Something to scrape, as a metrics store takes it. @returns a function that takes it away again */
export type AddTarget = (target: { labels: Record<string, string>; scrape: () => string }) => () => void;

/**
 * Has each running pod scraped once for every Service that has it as an endpoint, with the labels that Prometheus' service discovery
 * adds: namespace, pod, container, service, endpoint, job and instance. Pods behind no Service are not scraped.
 * @returns a function that ends it
 */
export function scrapePods(workloads: Workloads, addTarget: AddTarget): () => void {
  /** By slice, then by the pod's uid. */
  const targets = new Map<string, Map<string, () => void>>();
  workloads.slices.onChange((slice, deleted) => {
    const key = keyOf(slice);
    const before = targets.get(key) ?? new Map<string, () => void>();
    const now = new Map<string, () => void>();
    for (const pod of deleted ? [] : podsOf(slice, workloads.running())) {
      now.set(pod.uid, before.get(pod.uid) ?? addTarget({ labels: labelsOf(slice, pod), scrape: () => pod.metrics() }));
    }
    for (const [uid, remove] of before) if (!now.has(uid)) remove();
    if (now.size > 0) targets.set(key, now);
    else targets.delete(key);
  });
  return () => {
    for (const remove of [...targets.values()].flatMap((pods) => [...pods.values()])) remove();
    targets.clear();
  };
}

function podsOf(slice: EndpointSlice, running: ReadonlyMap<string, RunningPod>): RunningPod[] {
  return (slice.endpoints ?? []).flatMap(({ addresses: [address = ''], targetRef }) => {
    const pod = running.get(address);
    return pod && pod.uid === targetRef?.uid ? [pod] : [];
  });
}

function labelsOf(slice: EndpointSlice, pod: RunningPod): Record<string, string> {
  const service = slice.metadata.labels?.[serviceNameLabel] ?? '';
  const [port] = slice.ports ?? [];
  return {
    namespace: pod.namespace,
    pod: pod.name,
    container: pod.container,
    service,
    endpoint: port?.name ?? '',
    job: service,
    instance: `${pod.ip}:${port?.port ?? ''}`,
  };
}
