import { kinds } from '../api/kinds.ts';
import type { Freshness, View } from '../decide/view.ts';
import type { Clock } from '../ports/clock.ts';
import type { Kube, KubeCache } from '../ports/kube.ts';
import type { Metrics } from '../ports/metrics.ts';
import { parentsOf } from '../routes/acceptance.ts';
import { createAddressBook } from './addresses.ts';
import { viewOf } from './compose.ts';
import { gather } from './gather.ts';
import { createMeasure } from './measure.ts';
import type { Objects } from './objects.ts';
import { createServers } from './servers.ts';

export interface ViewerOptions {
  kube: Kube;
  cache: KubeCache;
  metrics: Metrics;
  clock: Clock;
  checkPeriodMs: number;
}

/** What one look shows. */
export interface Look {
  view: View;
  objects: Objects;
}

/** Looks at everything that a decision about one Canary rests on. */
export interface Viewer {
  /**
   * @param fresh what to read from the server instead of the cache
   * @returns undefined when there is no such Canary
   */
  look(namespace: string, name: string, fresh: Freshness): Promise<Look | undefined>;
  /** Drops what is remembered of a Canary that is gone. */
  forget(namespace: string, name: string): void;
}

export function createViewer(options: ViewerOptions): Viewer {
  const { cache, kube, clock } = options;
  const measuring = createMeasure({ ...options, serverOf: createServers(kube, clock) });
  const addresses = createAddressBook();

  async function look(namespace: string, name: string, fresh: Freshness): Promise<Look | undefined> {
    const stored = cache.get({ kind: kinds.canary, namespace, name });
    if (stored === undefined) return undefined;
    const key = `${namespace}/${name}`;
    const gathered = await gather(options, stored, fresh);
    const view = viewOf(gathered);
    const { release } = view.status ?? {};
    if (release === undefined) forget(namespace, name);
    else if (wantsNumbers(view)) {
      const parents = [...gathered.routes.values()].flatMap((route) => parentsOf(route));
      view.measured = await measuring.measure({
        key,
        view,
        release,
        controllerNames: [...new Set(parents.flatMap((parent) => parent.controllerName ?? []))],
        addresses: addresses.remember(key, view.status?.attempt ?? 0, {
          stable: gathered.stable,
          canary: gathered.canaryPods,
        }),
      });
    }
    return { view, objects: gathered };
  }

  function forget(namespace: string, name: string): void {
    measuring.forget(`${namespace}/${name}`);
    addresses.forget(`${namespace}/${name}`);
  }

  return { look, forget };
}

/**
 * Numbers are asked only while a side that is judged or drained has, or has just had, traffic, and not when something is to be done whatever
 * they say: an abort must not wait for a metrics store that does not answer.
 */
function wantsNumbers({ status, commands, deleting, stable, canary }: View): boolean {
  if (status?.release === undefined || commands.length > 0) return false;
  const { stage, release, intent } = status;
  if (stage === 'Cleaning' || stage === 'RollingOut' || stage === 'Committing' || stage === 'Carrying') return false;
  if (release.retreat !== undefined) return stage === 'Draining';
  const split = intent !== undefined && intent.weight > 0 && intent.weight < 100;
  if (deleting || (split && (stable.ready === 0 || canary.ready === 0))) return false;
  return status.canaryWeight > 0 || stage === 'Observing' || stage === 'Draining';
}
