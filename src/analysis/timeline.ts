/** One scraped value of a cumulative counter. */
export interface Sample {
  /** When it was scraped, epoch ms. */
  atMs: number;
  /** Finite and never negative. */
  value: number;
}

interface Series {
  /** The scrape target it came from. All series of one target are scraped in the same moments and reset together. */
  target: string;
  /** Rising times. */
  samples: Sample[];
}

/** A counter of requests, all of them good or all of them bad. */
export interface RequestSeries extends Series {
  good: boolean;
}

/** One bucket of a histogram of durations, cumulative in both senses: over time, and over the buckets below it. */
export interface BucketSeries extends Series {
  /** The bucket's upper edge in milliseconds; `Infinity` for the last one. */
  leMs: number;
  /** The histogram it belongs to: equal for all buckets of one histogram, different for every two histograms. */
  histogram: string;
}

/** What was scraped about one of the two versions. */
export interface SideSeries {
  requests: RequestSeries[];
  /** Empty where no histogram was asked for or there is none. */
  buckets: BucketSeries[];
}

/** The raw counters of both versions over some minutes, from which any window inside can be counted. */
export interface Timeline {
  stable: SideSeries;
  canary: SideSeries;
}

export type Side = 'stable' | 'canary';
