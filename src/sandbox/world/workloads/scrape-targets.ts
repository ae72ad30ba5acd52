import { serviceNameLabel } from './endpoint-slice.ts';
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
  const targets = new Map<string, { slice: string; pod: RunningPod; remove: () => void }>();
  workloads.slices.onChange((slice, deleted) => {
    const { namespace = '', name: sliceName } = slice.metadata;
    const service = slice.metadata.labels?.[serviceNameLabel] ?? '';
    const sliceKey = `${namespace}/${sliceName}`;
    const present = new Set<string>();
    for (const { addresses, targetRef } of deleted ? [] : (slice.endpoints ?? [])) {
      const pod = workloads.running().get(addresses[0] ?? '');
      if (!pod || pod.uid !== targetRef?.uid) continue;
      const key = `${sliceKey} ${pod.uid}`;
      present.add(key);
      if (targets.has(key)) continue;
      const port = slice.ports?.[0];
      const labels = {
        namespace,
        pod: pod.name,
        container: pod.container,
        service,
        endpoint: port?.name ?? '',
        job: service,
        instance: `${pod.ip}:${port?.port ?? ''}`,
      };
      targets.set(key, { slice: sliceKey, pod, remove: addTarget({ labels, scrape: () => pod.metrics() }) });
    }
    for (const [key, target] of targets) {
      if (target.slice !== sliceKey || present.has(key)) continue;
      target.remove();
      targets.delete(key);
    }
  });
  return () => {
    for (const { remove } of targets.values()) remove();
    targets.clear();
  };
}
