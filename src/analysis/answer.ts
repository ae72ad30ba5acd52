/**
 * What became of a question to a metrics store. `query` can be pasted into it to see the same numbers; `message` is a
 * sentence without any secret in it.
 * - `noData`: answered, but with nothing, NaN, or a sample from another time.
 * - `error`: no answer, or one that must not be believed (partial, several series, not from a metrics store).
 *   `invalidQuery`: the query itself is wrong, so asking again is no use.
 * - `nonsense`: answered with something that cannot be a measurement (±Inf, not a number).
 */
export type Answer<T> = { outcome: 'data'; query: string; data: T } | Unanswered;

/** An answer without data. */
export type Unanswered =
  | { outcome: 'noData'; query: string; message: string }
  | {
      outcome: 'error';
      query: string;
      message: string;
      reason: 'Failed' | 'MultipleSeries';
      invalidQuery?: boolean;
    }
  | { outcome: 'nonsense'; query: string; message: string };
