/** One value and when it was sampled (for an expression: evaluated), epoch ms. */
export interface MeasuredValue {
  value: number;
  sampleMs: number;
}

/**
 * What became of a question to a metrics store. `query` can be pasted into Prometheus to see the same numbers; `message` is a
 * sentence without any secret in it.
 * - `noData`: answered, but with nothing, NaN, or a sample from another time.
 * - `error`: no answer, or one that must not be believed (partial, several series, not Prometheus). `invalidQuery`: the
 *   server says that the query itself is wrong, so asking again is no use.
 * - `nonsense`: answered with something that cannot be a measurement (±Inf, not a number).
 */
export type Answer<T> = { outcome: 'data'; query: string; data: T } | Unanswered;

/** An answer without data. */
export type Unanswered =
  | { outcome: 'noData'; query: string; message: string }
  | { outcome: 'error'; query: string; message: string; reason: 'Failed' | 'MultipleSeries'; invalidQuery?: boolean }
  | { outcome: 'nonsense'; query: string; message: string };
