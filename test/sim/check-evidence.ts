import type { CanaryStatus } from '../../src/api/canary-status.ts';
import type { Scene } from './checks.ts';
import type { Stored } from './history.ts';
import { servicesOf } from './manifests.ts';
import { type Step, moment } from './step.ts';
import { behaviourOf } from '../../src/sandbox/world/workloads/behaviour.ts';

/** Requests that a built-in check needs in these simulations. */
const minSamples = 5;

/**
 * S4: a step is left only on passing measurements, all of them from after its acceptance, and each backed by numbers that the metrics store
 * really gave and answers that users really got.
 */
export function checkEvidence(
  scene: Scene,
  { status, stored, step }: { status: CanaryStatus; stored: Stored; step: Step },
): void {
  const { report, metrics } = scene;
  const given = metrics.given.filter(({ atMs }) => atMs >= step.acceptedMs && atMs <= stored.atMs);
  for (const { name } of status.release?.frozen.analysis.metrics ?? []) {
    const record = status.checks?.find((one) => one.name === name);
    if (record?.verdict !== 'pass' || moment(record.at) < step.acceptedMs - 1) {
      report(`S4 step ${step.weight} was left with ${name}: ${record?.verdict} at ${record?.at}`);
      continue;
    }
    const wanted = name === 'quality' ? 'quality' : 'counts';
    const backed = given.filter(({ metric, value }) => metric === wanted && (wanted === 'counts' || value <= 10));
    if (backed.length === 0) report(`S4 step ${step.weight} passed ${name} without a number from the metrics store`);
    if (wanted === 'counts') checkCounts(scene, { step, stored, requests: record.requests ?? 0 });
  }
  checkWorth(scene, step);
}

function checkCounts(
  { report, traffic, options }: Scene,
  { step, stored, requests }: { step: Step; stored: Stored; requests: number },
): void {
  const real = traffic.between(servicesOf(options).canary, step.acceptedMs, stored.atMs).length;
  if (requests < minSamples) report(`S4 step ${step.weight} passed on ${requests} requests`);
  if (requests > real) report(`S4 step ${step.weight} passed on ${requests} requests, and there were ${real}`);
}

/** A version of which every other answer is an error never leaves a step by itself. */
function checkWorth({ report, users, options, traffic }: Scene, step: Step): void {
  const { errorPercent } = behaviourOf(`app:${users.tag}`);
  const answers = traffic.between(servicesOf(options).canary, step.acceptedMs, Number.POSITIVE_INFINITY);
  const bad = answers.filter(({ code }) => code >= 500).length;
  if (errorPercent >= 50 && bad > answers.length / 3) {
    report(`S4 step ${step.weight} was left with ${bad} errors in ${answers.length} answers`);
  }
}
