/** Why a check can neither pass nor fail. */
export type UnsureReason =
  | 'NotEnoughRequests'
  | 'NoData'
  | 'StaleData'
  | 'MetricsError'
  | 'QueryInvalid'
  | 'Nonsense'
  | 'MultipleSeries';

/** Both limits are inclusive: a value equal to one passes. Percent or milliseconds, as the check has it. */
export interface Limit {
  min?: number;
  max?: number;
}

interface Finding {
  limit: Limit;
  /** One sentence for people, with the numbers in it. */
  message: string;
  /** Requests of the canary that the finding rests on; absent for a single value. */
  requests?: number;
}

/** What a check says, and on what it rests. Only `pass` may advance a release, only `fail` may roll it back. */
export type Verdict =
  | (Finding & { verdict: 'pass' | 'fail'; value: number })
  | (Finding & { verdict: 'unsure'; reason: UnsureReason; value?: number });
