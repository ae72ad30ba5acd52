/** Chooses among weighted backends: over any stretch of requests each gets its share, to within one request. */
export interface Balancer {
  readonly weights: readonly number[];
  /** Index of the next backend; undefined when no weight is above 0. */
  next(): number | undefined;
}

/** Smooth weighted round robin, as nginx does it: the turns of a heavy backend are spread, not bunched. */
export function createBalancer(weights: readonly number[]): Balancer {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const credit = weights.map(() => 0);
  const next = () => {
    if (total <= 0) return undefined;
    let best = 0;
    for (let i = 0; i < credit.length; i++) {
      credit[i] = (credit[i] ?? 0) + (weights[i] ?? 0);
      if ((credit[i] ?? 0) > (credit[best] ?? 0)) best = i;
    }
    credit[best] = (credit[best] ?? 0) - total;
    return best;
  };
  return { weights, next };
}
