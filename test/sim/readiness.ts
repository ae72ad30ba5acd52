import { kinds } from '../../src/api/kinds.ts';
import type { EndpointSlice } from '../../src/api/objects.ts';
import { endpointsOf } from '../../src/view/pods.ts';
import type { History } from './history.ts';

/** How many ready endpoints each Service really had, and since when. */
export class Readiness {
  readonly #slices = new Map<string, EndpointSlice>();
  readonly #changes = new Map<string, { atMs: number; ready: number }[]>();

  constructor(history: History) {
    history.onStored(({ kind, type, object, atMs }) => {
      if (kind !== kinds.endpointSlice) return;
      if (type === 'put') this.#slices.set(object.metadata.name, object as EndpointSlice);
      else this.#slices.delete(object.metadata.name);
      const service = object.metadata.labels?.['kubernetes.io/service-name'] ?? '';
      const { ready } = endpointsOf([...this.#slices.values()], service);
      const known = this.#changes.get(service) ?? [];
      this.#changes.set(service, known);
      known.push({ atMs, ready });
    });
  }

  now(service: string): number {
    return this.#changes.get(service)?.at(-1)?.ready ?? 0;
  }

  /** The most that were ready at any moment since `fromMs`. */
  mostSince(service: string, fromMs: number): number {
    return Math.max(...this.#since(service, fromMs));
  }

  /** The fewest that were ready at any moment since `fromMs`. */
  leastSince(service: string, fromMs: number): number {
    return Math.min(...this.#since(service, fromMs));
  }

  #since(service: string, fromMs: number): number[] {
    const known = this.#changes.get(service) ?? [];
    const before = known.findLast(({ atMs }) => atMs <= fromMs)?.ready ?? 0;
    return [before, ...known.filter(({ atMs }) => atMs > fromMs).map(({ ready }) => ready)];
  }
}
