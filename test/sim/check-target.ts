import { templateDigest } from '../../src/api/digest.ts';
import { kinds } from '../../src/api/kinds.ts';
import { canaryUidLabel } from '../../src/api/names.ts';
import type { Deployment } from '../../src/api/objects.ts';
import type { Scene } from './checks.ts';

/** S5 and S12: what the engine does to the user's Deployments. */
export function checkTarget({ history, report, users }: Scene): void {
  const last = new Map<string, Deployment>();
  const unpaused = new Map<number, string>();
  history.onStored(({ kind, type, object, writer }) => {
    if (kind !== kinds.deployment) return;
    const deployment = object as Deployment;
    const { name, labels } = deployment.metadata;
    const before = last.get(name);
    if (type === 'put') last.set(name, deployment);
    else last.delete(name);
    if (!writer.engine || labels?.[canaryUidLabel] !== undefined) return;
    if (type === 'removed') return report(`S12 the engine deleted Deployment ${name}`);
    if (before === undefined) return;
    const { paused: was, ...old } = before.spec;
    const { paused, ...spec } = deployment.spec;
    if (JSON.stringify(old) !== JSON.stringify(spec)) report(`S12 the engine changed spec of Deployment ${name}`);
    if (was !== true || paused === true) return;
    const { status, metadata } = users.canary() ?? {};
    if (metadata?.deletionTimestamp !== undefined) return;
    const digest = templateDigest(deployment.spec.template);
    const attempt = status?.attempt ?? 0;
    if (status?.stage !== 'Committing') report(`S5 the target was unpaused in stage ${status?.stage}`);
    if (digest !== status?.release?.digest) report(`S5 the target was unpaused with a template that was not analysed`);
    if (unpaused.has(attempt)) report(`S5 the target was unpaused twice in attempt ${attempt}`);
    unpaused.set(attempt, digest);
  });
}
