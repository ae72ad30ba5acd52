import { kinds } from '../../src/api/kinds.ts';
import type { Route } from '../../src/api/objects.ts';
import type { Scene } from './checks.ts';
import { servicesOf } from './manifests.ts';

/** How long a side without a ready pod may keep its weight while the other one has pods. */
const limitMs = 5_000;

/** The other half of S2, in simulations in which nothing else goes wrong: a canary that has lost its pods loses its traffic. */
export function checkPods({ options, history, readiness, traffic, users, report, nowMs }: Scene): void {
  if (!options.calm) return;
  const { stable, canary } = servicesOf(options);
  let weight = 0;
  let sinceMs: number | undefined;
  history.onStored(({ kind, type, object }) => {
    if (kind !== kinds.httpRoute || type !== 'put') return;
    const refs = (object as Route).spec.rules?.[0]?.backendRefs ?? [];
    const found = refs.find(({ name }) => name === canary);
    weight = found === undefined ? 0 : (found.weight ?? 1);
  });
  traffic.onTick = () => {
    const { release } = users.canary()?.status ?? {};
    const atRisk = release?.leg === 'out' && release.committedAt === undefined && weight > 0;
    const lost = atRisk && readiness.now(canary) === 0 && readiness.now(stable) > 0;
    sinceMs = lost ? (sinceMs ?? nowMs()) : undefined;
    if (sinceMs === undefined || nowMs() - sinceMs < limitMs) return;
    report(`S2 ${canary} has had no ready pod for ${limitMs} ms, and still its weight of ${weight}`);
    sinceMs = undefined;
  };
}
