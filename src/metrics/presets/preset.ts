import type { CountsRequest, PresetInfo, SideSelector } from '../../ports/metrics.ts';

/** Which series belong to a version: the label's value must be one of those given (`pattern`: match one, whole). */
export interface LabelRule {
  label: string;
  match: 'exact' | 'pattern';
  /** RE2 and JavaScript read the patterns alike. */
  values: (request: CountsRequest, side: SideSelector) => string[];
}

/** A counter of requests and how to tell good ones: by the status code in the first of the labels present, or all alike. */
export interface CounterMetric {
  name: string;
  good: boolean | { codeLabels: readonly string[] };
}

/** Name of the `_bucket` series of a histogram and the length of its unit in milliseconds. */
export interface DurationMetric {
  name: string;
  unitMs: number;
}

/** Where the numbers of a gateway, mesh or application are found. Data: every preset is read by the same code. */
export interface Preset extends PresetInfo {
  counters: readonly CounterMetric[];
  durations?: DurationMetric;
  /** Label values that every series of interest has. */
  always: Readonly<Record<string, string>>;
  /** All must match. */
  side: readonly LabelRule[];
}
