import type { CanaryStatus } from '../api/canary-status.ts';
import { decide } from '../decide/decide.ts';
import { refused } from '../decide/refused.ts';
import { type Effect, type Reading, type Settings, type View, defaultSettings } from '../decide/view.ts';
import { carryOut } from '../effects/carry-out.ts';
import { tellOfEnd } from '../effects/events.ts';
import type { Clock } from '../ports/clock.ts';
import { type Kube, KubeError } from '../ports/kube.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import type { Look, Viewer } from '../view/viewer.ts';

/** Turns after which one run gives others a chance; a release needs about ten in a row at most. */
const maxTurns = 25;

/** How soon to look again when the effect of a write comes by a watch event only, in case the event is lost. */
const eventLimitMs = 5_000;

export interface ReconcileOptions {
  viewer: Viewer;
  kube: Kube;
  clock: Clock;
  random: Random;
  log: Log;
  settings?: Settings;
  /** Told of every effect that was carried out. */
  onEffect?: (effect: Effect, view: View) => void;
}

/** After a turn: look again with this freshness, or the run is over until then. */
type After = { again: Reading } | { wakeAt: number | undefined };

/**
 * The loop for one Canary: look, decide, carry out one effect, look again, until there is nothing to do. It is given a name, never an
 * event, and keeps nothing between two runs.
 */
export function createReconcile(options: ReconcileOptions): (key: string) => Promise<{ wakeAt?: number | undefined }> {
  const { clock, random } = options;
  return async (key) => {
    const log = options.log.child({ canary: key, reconcile: random.uuid().slice(0, 8) });
    let fresh: Reading = 'none';
    for (let turn = 0; turn < maxTurns; turn++) {
      const after: After = await takeTurn({ ...options, log }, key, fresh);
      if ('wakeAt' in after) return after;
      fresh = after.again;
    }
    return { wakeAt: clock.now() };
  };
}

async function takeTurn(options: ReconcileOptions, key: string, fresh: Reading): Promise<After> {
  const { viewer, kube, clock, settings = defaultSettings } = options;
  const [namespace = '', name = ''] = key.split('/');
  const look = await viewer.look(namespace, name, fresh);
  if (look === undefined) {
    viewer.forget(namespace, name);
    return { wakeAt: undefined };
  }
  const { effect, wakeAt } = decide(look.view, clock.now(), settings);
  if (effect.do === 'nothing') return { wakeAt };
  if (effect.do === 'lookFresh') {
    const seen = fresh === 'all' || fresh === effect.at;
    return seen ? { wakeAt: wakeAt ?? clock.now() + eventLimitMs } : { again: effect.at };
  }
  await carryOut(kube, effect, look).catch((error: unknown) =>
    sayRefusal({ ...options, settings }, effect, look, error),
  );
  await tell(options, effect, look);
  return comesByEvent(effect) ? { wakeAt: clock.now() + eventLimitMs } : { again: 'none' };
}

async function tell({ kube, log, onEffect }: ReconcileOptions, effect: Effect, look: Look): Promise<void> {
  onEffect?.(effect, look.view);
  report(log, effect, look);
  if (effect.do === 'writeStatus') await tellOfEnd({ kube, log }, look.objects, effect.status);
}

/** A write that the server does not let through is shown in the status; other failures pass by themselves. Always throws the error on. */
async function sayRefusal(
  { kube, clock, log, settings }: ReconcileOptions & { settings: Settings },
  effect: Effect,
  look: Look,
  error: unknown,
): Promise<never> {
  if (!(error instanceof KubeError) || (error.reason !== 'forbidden' && error.reason !== 'invalid')) throw error;
  const { reason, message } = error;
  log.warn({ effect: effect.do, reason }, message);
  const decision = refused(look.view, clock.now(), settings, { reason, message });
  // A status that is refused cannot say so of itself.
  if (effect.do !== 'writeStatus' && decision?.effect.do === 'writeStatus') await carryOut(kube, decision.effect, look);
  throw error;
}

/** The answer to a deletion does not show the object as it will be: its event does. */
function comesByEvent(effect: Effect): boolean {
  return (
    effect.do === 'deleteCanaryDeployment' || effect.do === 'deleteCanaryService' || effect.do === 'removeFinalizer'
  );
}

function report(log: Log, effect: Effect, { view }: Look): void {
  if (effect.do === 'disownTarget') return log.warn({ effect: effect.do }, effect.message);
  if (effect.do !== 'writeStatus') return log.info({ effect }, `carried out ${effect.do}`);
  const { stage, phase, attempt, revision, intent, hold } = effect.status;
  if (view.status !== undefined && landmark(view.status) === landmark(effect.status)) {
    return log.debug({ stage }, 'wrote status');
  }
  const fields = { stage, phase, attempt, revision, weight: intent?.weight, hold: hold?.message };
  log.info(fields, hold === undefined ? `now ${stage}` : `${stage} holds: ${hold.reason}`);
}

/** What of a status is worth a line in the log when it changes. */
function landmark({ stage, intent, hold }: CanaryStatus): string {
  return [stage, intent?.fence, hold?.reason].join(' ');
}
