import type { CanaryStatus } from '../../src/api/canary-status.ts';
import type { JsonPatchOp } from '../../src/api/json-patch.ts';
import { kinds } from '../../src/api/kinds.ts';
import type { Route } from '../../src/api/objects.ts';
import { type Kube, KubeError } from '../../src/ports/kube.ts';
import type { RoutePlan } from '../../src/routes/plan.ts';
import { routeWrite } from '../../src/routes/share.ts';
import type { Look, Viewer } from '../../src/view/viewer.ts';
import type { Bug } from './replica.ts';

/** Bugs that the simulation must find, each of the kind that such engines really have had. */
export const bugs: Record<string, () => Bug> = {
  'route before intent': () => ({ kube: routeBeforeIntent }),
  'old decision re-applied after a conflict': () => ({ kube: writeAnyway }),
  'interval kept in memory': () => ({ viewer: intervalInMemory }),
  'zero pods count as ready': () => ({ viewer: zeroPodsReady }),
  'NaN passes': () => ({
    metrics: (metrics) => ({
      ...metrics,
      async value(request) {
        const answer = await metrics.value(request);
        if (answer.outcome !== 'data' || !Number.isNaN(answer.data.value)) return answer;
        // No comparison with NaN is true, so code that asks "above the limit?" takes it for a good value.
        return { ...answer, data: { ...answer.data, value: 0 } };
      },
    }),
  }),
};

/** The route is driven first, and what was done is recorded afterwards. */
function routeBeforeIntent(kube: Kube): Kube {
  return {
    ...kube,
    async patch(ref, patch, subresource) {
      const status = patch.type === 'json' ? statusIn(patch.ops) : undefined;
      for (const { name, plan } of status?.release?.routes ?? []) {
        const route = await kube.get<Route>({ ...ref, kind: kinds.httpRoute, name });
        const uid = (await kube.get(ref))?.metadata.uid ?? '';
        if (route === undefined || status?.intent === undefined) continue;
        const { weight: share, fence } = status.intent;
        const edit = routeWrite(route, plan as unknown as RoutePlan, { share, fence, canaryUid: uid });
        if ('patch' in edit)
          await kube.patch({ ...ref, kind: kinds.httpRoute, name }, { type: 'json', ops: edit.patch });
      }
      return kube.patch(ref, patch, subresource);
    },
  };
}

function statusIn(ops: JsonPatchOp[]): CanaryStatus | undefined {
  const op = ops.find(({ path }) => path === '/status');
  return op !== undefined && 'value' in op ? (op.value as CanaryStatus) : undefined;
}

/** On a conflict the object is read again and the same change is written with its new version. */
function writeAnyway(kube: Kube): Kube {
  return {
    ...kube,
    async patch(ref, patch, subresource) {
      try {
        return await kube.patch(ref, patch, subresource);
      } catch (error) {
        if (!(error instanceof KubeError) || error.reason !== 'conflict' || patch.type !== 'json') throw error;
        const resourceVersion = (await kube.get(ref))?.metadata.resourceVersion;
        const isVersion = ({ path }: JsonPatchOp) => path === '/metadata/resourceVersion';
        const ops = patch.ops
          .filter((op) => op.op !== 'test')
          .map((op) => (isVersion(op) ? ({ ...op, value: resourceVersion } as JsonPatchOp) : op));
        return kube.patch(ref, { type: 'json', ops }, subresource);
      }
    },
  };
}

/** When a step began is remembered by the process that saw it begin; to one that was started later it began long ago. */
function intervalInMemory(viewer: Viewer): Viewer {
  const begun = new Set<string>();
  let last: { fence: string | undefined } | undefined;
  const remember = (status: CanaryStatus): CanaryStatus => {
    const { release, intent } = status;
    const fence = intent?.fence;
    if (last !== undefined && last.fence !== fence && fence !== undefined) begun.add(fence);
    last = { fence };
    if (fence === undefined || begun.has(fence) || release?.acceptedAt === undefined) return status;
    return { ...status, release: { ...release, acceptedAt: longAgo, failFrom: longAgo } };
  };
  return { ...viewer, look: (namespace, name, reading) => changed(viewer.look(namespace, name, reading), remember) };
}

const longAgo = '2025-01-01T00:00:00.000Z';

async function changed(look: Promise<Look | undefined>, change: (status: CanaryStatus) => CanaryStatus) {
  const found = await look;
  if (found?.view.status === undefined) return found;
  return { ...found, view: { ...found.view, status: change(found.view.status) } };
}

/** What cannot be counted is taken for what was asked for. */
function zeroPodsReady(viewer: Viewer): Viewer {
  return {
    ...viewer,
    async look(namespace, name, reading) {
      const found = await viewer.look(namespace, name, reading);
      if (found === undefined || found.view.canary.ready > 0) return found;
      const full = found.view.status?.release?.full ?? 1;
      return { ...found, view: { ...found.view, canary: { ...found.view.canary, ready: full } } };
    },
  };
}
