import { readFileSync } from 'node:fs';
import { type Logger, pino, stdTimeFunctions } from 'pino';
import { type Controller, startController } from '../controller.ts';
import { defaultSettings } from '../decide/view.ts';
import { type Clock, sleep } from '../ports/clock.ts';
import { buildServer } from '../server/health.ts';
import { createLeasePulse } from '../server/lease-pulse.ts';
import { createMeters } from '../server/meters.ts';
import { systemClock, systemRandom } from '../system.ts';
import type { ControllerFlags } from './controller.ts';
import { Failure, failed } from './failure.ts';
import { endOnSurprise, untilToldToStop } from './lifetime.ts';

/** What is not stopped by then is left to the operating system. */
const stopLimitMs = 10_000;

const ownNamespaceFile = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** Runs the engine until SIGTERM or SIGINT. Throws Failure when it cannot start, or does not stop in time. */
export async function runController(flags: ControllerFlags): Promise<void> {
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
      metricsServers: flags.metricsServer,
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
