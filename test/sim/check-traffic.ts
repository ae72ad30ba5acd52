import { kinds } from '../../src/api/kinds.ts';
import type { Canary } from '../../src/api/canary.ts';
import type { Deployment, PodTemplate } from '../../src/api/objects.ts';
import { behaviourOf } from '../../src/sandbox/world/workloads/behaviour.ts';
import type { Known, Scene } from './checks.ts';
import { servicesOf } from './manifests.ts';

/** Promise 7 and S9: which versions users meet, and that nobody is failed by a promotion or a rollback. */
export function checkTraffic(scene: Scene, known: Known): void {
  const { traffic, options, users, history, report } = scene;
  const { stable, canary } = servicesOf(options);
  history.onStored(({ kind, object, writer }) => {
    // What is pushed while nobody holds the target is rolled out by Kubernetes.
    if (kind === kinds.deployment && object.metadata.name === stable && !writer.engine) {
      const { paused, template } = (object as Deployment).spec;
      if (paused !== true) known.proven.add(versionOf(template));
    }
    if (kind !== kinds.canary) return;
    const { status } = object as Canary;
    // What has had all of the traffic for its time, or what a person sent there, may run anywhere.
    if (status?.release?.leg === 'out' && (status.canaryWeight === 100 || status.stage === 'Committing')) {
      known.proven.add(behaviourOf(`app:${users.tag}`).version);
    }
    const promoted = status?.history?.some(({ outcome }) => outcome === 'Promoted' || outcome === 'Bypassed');
    if (promoted === true) known.proven.add(behaviourOf(`app:${users.tag}`).version);
  });
  traffic.onAnswer = ({ service, version, code }) => {
    if (options.mode === 'targetRef' && !users.meddled && service === stable && version !== '') {
      const returning = users.canary()?.status?.release?.leg === 'return';
      if (!known.proven.has(version) && !returning && !users.released) {
        report(`P7 a user met ${version} behind ${stable}, and no attempt has carried it to 100 %`);
      }
    }
    if (users.disturbed || options.gatewayLagMs > 0) return;
    // 500 is the application's own; everything else above is nobody there to answer.
    if (code >= 501 || code === 404 || code === 0) {
      report(
        `S9 a user got ${code} from ${service === '' ? 'the gateway' : service}${service === canary ? ' (canary)' : ''}`,
      );
    }
  };
}

function versionOf({ spec }: PodTemplate): string {
  const [container] = (spec?.['containers'] ?? []) as { image?: string }[];
  return behaviourOf(container?.image ?? '').version;
}
