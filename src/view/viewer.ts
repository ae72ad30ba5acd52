import type { Stage } from '../api/canary-status.ts';
import { kinds } from '../api/kinds.ts';
import type { Problem, Reading, Surroundings, View } from '../decide/view.ts';
import type { Clock } from '../ports/clock.ts';
import type { Kube, KubeCache } from '../ports/kube.ts';
import type { Metrics } from '../ports/metrics.ts';
import { parentsOf } from '../routes/acceptance.ts';
import { createAddressBook } from './addresses.ts';
import { viewOf } from './compose.ts';
import { type Gathered, gather } from './gather.ts';
import { createMeasure } from './measure.ts';
import type { Objects } from './objects.ts';
import { createServers } from './servers.ts';
import { createSurroundings } from './surroundings.ts';
import { lasting, queryProblems } from './templates.ts';

export interface ViewerOptions {
  kube: Kube;
  cache: KubeCache;
  metrics: Metrics;
  clock: Clock;
  checkPeriodMs: number;
  /** Base URLs of the metrics servers that Canaries and MetricTemplates may name; absent: all. */
  metricsServers?: readonly string[];
}

/** What one look shows. */
export interface Look {
  view: View;
  objects: Objects;
}

/** Looks at everything that a decision about one Canary rests on. */
export interface Viewer {
  /**
   * @param reading what to read from the server instead of the cache
   * @returns undefined when there is no such Canary
   */
  look(namespace: string, name: string, reading: Reading): Promise<Look | undefined>;
  /** Drops what is remembered of a Canary that is gone. */
  forget(namespace: string, name: string): void;
}

export function createViewer(options: ViewerOptions): Viewer {
  const { cache, kube, clock } = options;
  const serverOf = createServers(kube, clock, options.metricsServers);
  const measuring = createMeasure({ ...options, serverOf });
  const addresses = createAddressBook();
  const surroundings = createSurroundings(kube, clock);

  async function look(namespace: string, name: string, reading: Reading): Promise<Look | undefined> {
    const stored = cache.get({ kind: kinds.canary, namespace, name });
    if (stored === undefined) return undefined;
    const key = `${namespace}/${name}`;
    const gathered = await gather(options, stored, reading === 'surroundings' ? 'none' : reading);
    const view = viewOf(gathered);
    if (reading === 'surroundings') view.surroundings = await surroundingsOf(gathered, view);
    const { release } = view.status ?? {};
    if (release === undefined) forget(namespace, name);
    else if (wantsNumbers(view) && !isUrgent(view)) {
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

  async function surroundingsOf(gathered: Gathered, view: View): Promise<Surroundings> {
    const [around, queries] = await Promise.all([aroundTarget(gathered), queriesOf(gathered, view)]);
    return { ...around, problems: [...around.problems, ...queries] };
  }

  /** In `targetRef` mode, where it can be told which labels the canary's pods would have. */
  async function aroundTarget({ canary, target, stableService, canaryLabels }: Gathered): Promise<Surroundings> {
    if (target === undefined || stableService === undefined || canaryLabels === undefined) return { problems: [] };
    return surroundings({ canary, target, stableService: stableService.metadata.name, canaryLabels });
  }

  async function queriesOf({ wanted: frozen, namespace }: Gathered, view: View): Promise<Problem[]> {
    if (frozen === undefined) return [];
    const resolved = await serverOf(namespace, frozen.metricsServer);
    const problem = resolved.ok ? undefined : lasting(resolved.problem);
    if (problem !== undefined) return [problem];
    return queryProblems({ ...options, serverOf }, { view, frozen, atMs: clock.now() });
  }

  function forget(namespace: string, name: string): void {
    measuring.forget(`${namespace}/${name}`);
    addresses.forget(`${namespace}/${name}`);
  }

  return { look, forget };
}

/** Stages in which nothing is judged and nothing drained. */
const unmeasured: Stage[] = ['Cleaning', 'RollingOut', 'Committing', 'Carrying'];

/** Numbers are asked only while a side that is judged or drained has, or has just had, traffic. */
function wantsNumbers({ status }: View): boolean {
  if (status?.release === undefined || unmeasured.includes(status.stage)) return false;
  if (status.release.retreat !== undefined) return status.stage === 'Draining';
  return status.canaryWeight > 0 || status.stage === 'Observing' || status.stage === 'Draining';
}

/** Whether something is to be done whatever the numbers say: an abort must not wait for a metrics store that does not answer. */
function isUrgent({ status, commands, deleting, stable, canary }: View): boolean {
  const weight = status?.intent?.weight ?? 0;
  const split = weight > 0 && weight < 100;
  const leaving = deleting && status?.release?.retreat === undefined;
  return leaving || commands.length > 0 || (split && (stable.ready === 0 || canary.ready === 0));
}
