import type { MetricSpec } from '../api/canary-spec.ts';
import { durationMs } from '../api/duration.ts';
import type { Frozen, Release } from '../api/canary-status.ts';
import type { Measured, View } from '../decide/view.ts';
import type { Clock } from '../ports/clock.ts';
import type { KubeCache } from '../ports/kube.ts';
import type { Metrics, MetricsServer, PresetName, SideSelector } from '../ports/metrics.ts';
import type { ServerOf } from './servers.ts';
import { askTemplate, missingTemplate, notAsked, templatedChecks } from './templates.ts';

/** How far back requests are looked at where no window of an attempt reaches further. */
const lookBackMs = 120_000;

export interface MeasureOptions {
  metrics: Metrics;
  cache: KubeCache;
  clock: Clock;
  checkPeriodMs: number;
  /** Resolves a Canary's own metrics server, Secret included. */
  serverOf: ServerOf;
}

/** What is to be measured for one Canary. */
export interface MeasureQuestion {
  key: string;
  view: Pick<View, 'namespace' | 'name' | 'status'>;
  release: Release;
  controllerNames: string[];
  addresses: { stable: string[]; canary: string[] };
}

/** A counter tells nothing of the time before its next scrape; asking sooner is in vain. */
const soonestMs = 5_000;

/**
 * Asks the metrics store, at most once in a check period for each Canary: a look that a watch event caused in between is given the last
 * answer. A stage that has just begun waits for the next period, in which all are asked together: no sample can tell of it yet. What is
 * remembered here only saves questions; a restart loses nothing by it.
 */
export function createMeasure(options: MeasureOptions) {
  const last = new Map<string, { period: number; attempt: number; measured: Measured }>();
  const periodOf = (moment: number) => Math.floor(moment / options.checkPeriodMs);

  async function measure(question: MeasureQuestion): Promise<Measured | undefined> {
    const { key, view } = question;
    const { attempt = 0, stageSince = '' } = view.status ?? {};
    const atMs = options.clock.now();
    const period = periodOf(atMs);
    const beganMs = Date.parse(stageSince);
    const known = last.get(key)?.attempt === attempt ? last.get(key) : undefined;
    const tooSoon = periodOf(beganMs) === period && atMs - beganMs < soonestMs;
    if (known?.period === period || tooSoon) return known?.measured;
    const measured = await ask(options, question, atMs);
    if (measured !== undefined) last.set(key, { period, attempt, measured });
    return measured;
  }

  return { measure, forget: (key: string) => void last.delete(key) };
}

async function ask(options: MeasureOptions, question: MeasureQuestion, atMs: number): Promise<Measured | undefined> {
  const { frozen } = question.release;
  const { metrics } = options;
  const preset = metrics.preset(question.controllerNames, frozen.provider);
  const checks = builtInChecks(frozen);
  const resolved = await options.serverOf(question.view.namespace, frozen.metricsServer);
  const templated = templatedChecks(frozen);
  const builtIn = checks.length > 0;
  const asked = preset !== undefined && (builtIn || preset.atSplit) ? preset : undefined;
  const [counts, ...values] = await Promise.all([
    asked &&
      (resolved.ok
        ? askCounts(options.metrics, question, { preset: asked.name, ...resolved, atMs })
        : notAsked(resolved.problem)),
    ...templated.map((check) => askTemplate(options, { view: question.view, frozen, check, atMs })),
  ]);
  return {
    atMs,
    atSplit: preset?.atSplit === true,
    hint: preset?.hint ?? 'Linnet does not know the metrics of the controllers of this route: set spec.provider.',
    counts:
      counts ?? (builtIn ? { outcome: 'noData', query: '', message: 'There is no preset for this route.' } : undefined),
    values: Object.fromEntries(templated.map((check, at) => [check.name, values[at] ?? missingTemplate(check.name)])),
  };
}

async function askCounts(
  metrics: Metrics,
  question: MeasureQuestion,
  { preset, server, atMs }: { preset: PresetName; server: MetricsServer | undefined; atMs: number },
): Promise<NonNullable<Measured['counts']>> {
  const { frozen } = question.release;
  return metrics.counts({
    key: question.key,
    ...(server === undefined ? {} : { server }),
    preset,
    namespace: question.view.namespace,
    routes: frozen.subject.routes.map(({ name }) => name),
    stable: sideOf(question, 'stable'),
    canary: sideOf(question, 'canary'),
    histogram: builtInChecks(frozen).some(({ name }) => name === 'request-duration'),
    fromMs: oldestMoment(question.release, atMs),
    atMs,
  });
}

function builtInChecks({ analysis, skipAnalysis }: Frozen): MetricSpec[] {
  if (skipAnalysis === true) return [];
  return (analysis.metrics ?? []).filter(({ templateRef }) => templateRef === undefined);
}

function sideOf({ release, addresses }: MeasureQuestion, side: 'stable' | 'canary'): SideSelector {
  const { target, [side]: service } = release.frozen.subject;
  const workload = target === undefined ? undefined : side === 'stable' ? target : service.name;
  return {
    service: service.name,
    ...(service.port === undefined ? {} : { port: service.port }),
    ...(workload === undefined ? {} : { workload }),
    addresses: addresses[side],
  };
}

/** The oldest moment from which a decision may count. */
function oldestMoment({ failFrom, passFrom, frozen }: Release, atMs: number): number {
  const moments = [failFrom, passFrom].flatMap((moment) => (moment === undefined ? [] : [Date.parse(moment)]));
  const longest = Math.max(
    ...frozen.steps.map((step) => durationMs(step.interval)),
    durationMs(frozen.analysis.interval),
  );
  // A step that is held for long is judged on its last intervals: enough for any window, and the answer stays bounded.
  const bound = atMs - Math.max(lookBackMs, 2 * longest);
  return Math.max(bound, Math.min(atMs - lookBackMs, ...moments));
}
