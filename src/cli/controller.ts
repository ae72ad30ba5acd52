import { Command } from 'commander';
import { defaultSettings } from '../decide/view.ts';
import { collectNames, collectUrls, flag, httpUrl, namespaceName, portNumber, positiveDurationMs } from './flags.ts';

export interface ControllerFlags {
  kubeconfig?: string;
  prometheus: string;
  metricsServer: string[];
  address: string;
  port: number;
  namespace: string[];
  leaseName: string;
  leaseNamespace?: string;
  checkPeriod: number;
  logLevel: string;
}

/** `linnet controller`: the engine, until SIGTERM or SIGINT. */
export function controllerCommand(): Command {
  const { checkPeriodMs } = defaultSettings;
  return new Command('controller')
    .description('Run the engine. Each flag can be given as LINNET_<FLAG> in the environment too.')
    .addOption(flag('--kubeconfig <file>', 'default: KUBECONFIG, then the pod it runs in, then ~/.kube/config'))
    .addOption(flag('--prometheus <url>', 'base URL of the metrics store').argParser(httpUrl).makeOptionMandatory())
    .addOption(
      flag(
        '--metrics-server <url>',
        'another metrics store that Canaries may name; without a port, every port; may be repeated',
      )
        .argParser(collectUrls)
        .default([], 'none'),
    )
    .addOption(
      flag('--address <host>', 'where /healthz, /readyz and /metrics listen: the kubelet must get there').default(
        '0.0.0.0',
      ),
    )
    .addOption(flag('--port <number>', 'port of /healthz, /readyz and /metrics').argParser(portNumber).default(8080))
    .addOption(
      flag('--namespace <name>', 'watch only this namespace; may be repeated')
        .argParser(collectNames)
        .default([], 'all'),
    )
    .addOption(flag('--lease-name <name>', 'the Lease that decides who leads').default('linnet'))
    .addOption(flag('--lease-namespace <name>', "default: the pod's own, else default").argParser(namespaceName))
    .addOption(
      flag('--check-period <duration>', 'how often checks are looked at')
        .argParser(positiveDurationMs)
        .default(checkPeriodMs, `${checkPeriodMs / 1000}s`),
    )
    .addOption(
      flag('--log-level <level>', 'least level that is logged')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .action(async (flags: ControllerFlags) => (await import('./run-controller.ts')).runController(flags));
}
