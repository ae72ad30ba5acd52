import { Command, Option } from 'commander';
import { portNumber } from './flags.ts';

export interface SandboxFlags {
  kubeconfig?: string;
  port: number;
  prometheusPort: number;
  gatewayPort: number;
}

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
    .action(async (flags: SandboxFlags) => (await import('./run-sandbox.ts')).runSandbox(flags));
}
