import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { type Logger, pino, stdTimeFunctions } from 'pino';
import { type Controller, startController } from '../controller.ts';
import { defaultSettings } from '../decide/view.ts';
import type { Clock } from '../ports/clock.ts';
import { sleep } from '../ports/clock.ts';
import { buildServer } from '../server/health.ts';
import { createLeasePulse } from '../server/lease-pulse.ts';
import { createMeters } from '../server/meters.ts';
import { systemClock, systemRandom } from '../system.ts';
import { Failure, failed } from './failure.ts';
import { collectNames, flag, httpUrl, namespaceName, portNumber, positiveDurationMs } from './flags.ts';
import { endOnSurprise, untilToldToStop } from './lifetime.ts';

interface ControllerFlags {
  kubeconfig?: string;
  prometheus: string;
  address: string;
  port: number;
  namespace: string[];
  leaseName: string;
  leaseNamespace?: string;
  checkPeriod: number;
  logLevel: string;
}

/** What is not stopped by then is left to the operating system. */
const stopLimitMs = 10_000;

const ownNamespaceFile = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** `linnet controller`: the engine, until SIGTERM or SIGINT. */
export function controllerCommand(): Command {
  const { checkPeriodMs } = defaultSettings;
  return new Command('controller')
    .description('Run the engine. Each flag can be given as LINNET_<FLAG> in the environment too.')
    .addOption(flag('--kubeconfig <file>', 'default: KUBECONFIG, then the pod it runs in, then ~/.kube/config'))
    .addOption(flag('--prometheus <url>', 'base URL of the metrics store').argParser(httpUrl).makeOptionMandatory())
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
    .action(runController);
}

async function runController(flags: ControllerFlags): Promise<void> {
  const log = createLog(flags.logLevel);
  endOnSurprise((error) => log.fatal({ err: error }, 'a mistake that nobody caught; the process ends'));
  const told = untilToldToStop();
  let controller: Controller | undefined;
  const meters = createMeters({ isLeader: () => controller?.isLeader() === true });
  const pulse = createLeasePulse(systemClock);
  const server = buildServer({
    dead: pulse.dead,
    problems: () => [
      ...(controller?.problems() ?? ['the engine has not been started yet']),
      ...listed(pulse.problem()),
    ],
    registry: meters.registry,
  });
  // First the port: whoever cannot have it must not begin to work.
  const address = await server
    .listen({ host: flags.address, port: flags.port })
    .catch((error: unknown) => Promise.reject(failed(`--port ${flags.port} on ${flags.address}`, error)));
  try {
    controller = startController({
      kubeconfig: flags.kubeconfig,
      prometheus: flags.prometheus,
      namespaces: flags.namespace,
      lease: { namespace: flags.leaseNamespace ?? ownNamespace(), name: flags.leaseName },
      settings: { ...defaultSettings, checkPeriodMs: flags.checkPeriod },
      clock: systemClock,
      random: systemRandom,
      log,
      ...meters,
      onKubeRequest(seen) {
        meters.onKubeRequest(seen);
        pulse.onKubeRequest(seen);
      },
    });
  } catch (error) {
    await server.close();
    throw failed('the engine could not start', error);
  }
  log.info({ address, namespaces: flags.namespace, prometheus: flags.prometheus }, 'started');
  log.info({ signal: await told }, 'stopping');
  await inTime(systemClock, Promise.all([controller.stop(), server.close()]));
  log.info({}, 'stopped');
}

function createLog(level: string): Logger {
  return pino({
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}

function ownNamespace(): string {
  try {
    return readFileSync(ownNamespaceFile, 'utf8').trim();
  } catch {
    return 'default';
  }
}

async function inTime(clock: Clock, stopping: Promise<unknown>): Promise<void> {
  const limit = new AbortController();
  const tooLate = sleep(clock, stopLimitMs, limit.signal).then(() => {
    if (!limit.signal.aborted)
      throw new Failure(`not stopped within ${stopLimitMs / 1000} s; what is under way is given up`);
  });
  await Promise.race([stopping, tooLate]);
  limit.abort();
}

function listed(problem: string | undefined): string[] {
  return problem === undefined ? [] : [problem];
}
