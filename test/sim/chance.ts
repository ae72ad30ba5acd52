import type { Random } from '../../src/ports/random.ts';

/** Chance from a seed: the same seed gives the same numbers in the same order. */
export interface Chance extends Random {
  /** Whether something of this probability happens. */
  happens(probability: number): boolean;
  /** A whole number from `from` up to and with `to`. */
  between(from: number, to: number): number;
  pick<T>(values: readonly T[]): T;
  /** A new source that does not depend on how much this one is used from now on. */
  fork(): Chance;
}

/** Mulberry32: small, fast, and good enough to order events. */
export function createChance(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const hex = (digits: number) => {
    let text = '';
    while (text.length < digits) text += Math.floor(next() * 16).toString(16);
    return text;
  };
  const between = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
  return {
    next,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    happens: (probability) => next() < probability,
    between,
    pick(values) {
      const value = values[between(0, values.length - 1)];
      if (value === undefined) throw new Error('nothing to pick from');
      return value;
    },
    fork: () => createChance(Math.floor(next() * 4_294_967_296)),
  };
}
