import type { Sample, Side, SideSeries, Timeline } from '../analysis/timeline.ts';
import type { CountsRequest, SideSelector } from '../ports/metrics.ts';
import { parseNumber, type RawSeries } from './body.ts';
import type { CounterMetric, DurationMetric, LabelRule, Preset } from './presets/preset.ts';
import { lookBackMs } from './query.ts';

/** What one request gets of the series that a shared query returned. */
export type Assigned =
  | { ok: true; timeline: Timeline }
  | { ok: false; outcome: 'noData' | 'nonsense'; message: string };

class Unusable extends Error {
  override readonly name = 'Unusable';
  readonly outcome: 'noData' | 'nonsense';

  constructor(outcome: 'noData' | 'nonsense', message: string) {
    super(message);
    this.outcome = outcome;
  }
}

interface Owner {
  index: number;
  side: Side;
}

/** Gives each request its own series and nothing else, cut to the time it asked about; in the order of the requests. */
export function assign(preset: Preset, requests: readonly CountsRequest[], series: RawSeries[]): Assigned[] {
  const owned: Owned[][] = requests.map(() => []);
  const ownersOf = ownerFinder(preset, requests);
  for (const raw of series) {
    for (const { index, side } of ownersOf(raw.labels)) owned[index]?.push({ side, raw });
  }
  return requests.map((request, index) => timelineOf(preset, request, owned[index] ?? []));
}

interface Owned {
  side: Side;
  raw: RawSeries;
}

function timelineOf(preset: Preset, request: CountsRequest, owned: Owned[]): Assigned {
  const timeline: Timeline = { stable: { requests: [], buckets: [] }, canary: { requests: [], buckets: [] } };
  try {
    for (const { side, raw } of owned) add(preset, request, raw, timeline[side]);
    return { ok: true, timeline };
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    return { ok: false, outcome: error.outcome, message: error.message };
  }
}

/** Finds whose a series is; remembered per combination of the labels that decide it, as those are few. */
function ownerFinder(preset: Preset, requests: readonly CountsRequest[]): (labels: Record<string, string>) => Owner[] {
  const tests = requests.flatMap((request, index) => [
    { index, side: 'stable' as const, isMine: sideTest(preset.side, request, request.stable) },
    { index, side: 'canary' as const, isMine: sideTest(preset.side, request, request.canary) },
  ]);
  const found = new Map<string, Owner[]>();
  return (labels) => {
    const key = JSON.stringify(preset.side.map((rule) => labels[rule.label]));
    const known = found.get(key);
    if (known !== undefined) return known;
    const owners = tests.filter((test) => test.isMine(labels));
    found.set(key, owners);
    return owners;
  };
}

function sideTest(rules: readonly LabelRule[], request: CountsRequest, side: SideSelector) {
  const tests = rules.map((rule) => {
    const values = rule.values(request, side);
    const patterns = rule.match === 'pattern' ? values.map((value) => new RegExp(`^(?:${value})$`, 's')) : [];
    const exact = rule.match === 'exact' ? new Set(values) : undefined;
    return (labels: Record<string, string>) => {
      const value = labels[rule.label] ?? '';
      return exact?.has(value) ?? patterns.some((pattern) => pattern.test(value));
    };
  });
  return (labels: Record<string, string>): boolean => tests.every((test) => test(labels));
}

/** Throws {@link Unusable} when the series cannot be one of the version's. */
function add(preset: Preset, request: CountsRequest, raw: RawSeries, side: SideSeries): void {
  const name = raw.labels['__name__'] ?? '';
  if (raw.nonsense !== undefined) {
    throw new Unusable('nonsense', `The counter ${name} has the value ${raw.nonsense}, which no counter can have.`);
  }
  const samples = cut(raw.samples, request);
  if (samples.length === 0) return;
  const target = `${raw.labels['job'] ?? ''} ${raw.labels['instance'] ?? ''}`;
  const counter = preset.counters.find((candidate) => candidate.name === name);
  if (counter !== undefined) {
    side.requests.push({ target, samples, good: isGood(counter, raw.labels) });
  } else if (request.histogram && name === preset.durations?.name) {
    const leMs = edgeOf(raw.labels, preset.durations);
    side.buckets.push({ target, samples, leMs, histogram: withoutEdge(raw.labels) });
  }
}

/** A sample from the future is one of a clock that is wrong, so nothing is known about when it was. */
function cut(samples: Sample[], { fromMs, atMs }: CountsRequest): Sample[] {
  return samples.filter((sample) => sample.atMs > fromMs - lookBackMs && sample.atMs <= atMs);
}

function edgeOf(labels: Record<string, string>, { name, unitMs }: DurationMetric): number {
  const edge = parseNumber(labels['le']);
  if (edge === undefined || Number.isNaN(edge)) {
    throw new Unusable('nonsense', `A bucket of ${name} has no edge in its label le.`);
  }
  return edge === Infinity ? edge : Number((edge * unitMs).toPrecision(12));
}

function withoutEdge(labels: Record<string, string>): string {
  const others = Object.entries(labels).filter(([label]) => label !== 'le');
  return JSON.stringify(others.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function isGood({ name, good }: CounterMetric, labels: Record<string, string>): boolean {
  if (typeof good === 'boolean') return good;
  const code = good.codeLabels.map((label) => labels[label]).find((value) => value !== undefined);
  if (code !== undefined && /^\d/.test(code)) return !code.startsWith('5');
  throw new Unusable('noData', `${name} has no status code in a label ${good.codeLabels.join(' or ')}.`);
}
