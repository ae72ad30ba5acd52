import { startSandbox } from '../sandbox/sandbox.ts';
import { systemClock, systemRandom } from '../system.ts';
import { applyCrds, applyManifests, gatewayAddress, gatewayManifests, writeKubeconfig } from './cluster.ts';
import { failed } from './failure.ts';
import { endOnSurprise, untilToldToStop } from './lifetime.ts';
import type { SandboxFlags } from './sandbox.ts';

const gateway = { namespace: 'default', name: 'web' };

/** Runs a sandbox until SIGTERM or SIGINT. Throws Failure when it cannot start. */
export async function runSandbox(flags: SandboxFlags): Promise<void> {
  endOnSurprise((error) => console.error('linnet: a mistake that nobody caught; the sandbox ends:', error));
  const told = untilToldToStop();
  const sandbox = await startSandbox({
    clock: systemClock,
    random: systemRandom,
    apiPort: flags.port,
    prometheusPort: flags.prometheusPort,
    gatewayPort: flags.gatewayPort,
  }).catch((error: unknown) => Promise.reject(failed('the sandbox could not start', error)));
  try {
    applyCrds(sandbox);
    applyManifests(sandbox, gatewayManifests(gateway.namespace, gateway.name));
    const address = await gatewayAddress(sandbox, gateway, systemClock);
    const kubeconfig = writeKubeconfig(sandbox.kubeconfig, flags.kubeconfig);
    try {
      const gateways = { [`${gateway.namespace}/${gateway.name}`]: `http://${address}` };
      console.log(JSON.stringify({ kubeconfig: kubeconfig.path, prometheus: sandbox.prometheusUrl, gateways }));
      await told;
    } finally {
      kubeconfig.remove();
    }
  } finally {
    await sandbox.close();
  }
}
