import { Command, Option } from 'commander';
import { startSandbox } from '../sandbox/sandbox.ts';
import { systemClock, systemRandom } from '../system.ts';
import { applyCrds, applyManifests, gatewayAddress, gatewayManifests, writeKubeconfig } from './cluster.ts';
import { failed } from './failure.ts';
import { portNumber } from './flags.ts';
import { endOnSurprise, untilToldToStop } from './lifetime.ts';

interface SandboxFlags {
  kubeconfig?: string;
  port: number;
  prometheusPort: number;
  gatewayPort: number;
}

const gateway = { namespace: 'default', name: 'web' };

/** `linnet sandbox`: a small cluster on loopback, until SIGTERM or SIGINT. */
export function sandboxCommand(): Command {
  const port = (flags: string, description: string) =>
    new Option(flags, description).argParser(portNumber).default(0, 'a free one');
  return new Command('sandbox')
    .description('Run a small cluster on loopback; prints one line of JSON when it is ready')
    .addOption(
      new Option('--kubeconfig <file>', 'where to write its kubeconfig; default: a temporary file, removed at the end'),
    )
    .addOption(port('--port <number>', 'port of the API server'))
    .addOption(port('--prometheus-port <number>', 'port of the metrics store'))
    .addOption(port('--gateway-port <number>', 'port of the Gateway default/web'))
    .action(runSandbox);
}

async function runSandbox(flags: SandboxFlags): Promise<void> {
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
