import type { Condition } from '../../../api/objects.ts';
import { kubeTime } from './canonical.ts';

/** Conditions with one of them replaced; its transition time stays unless the status changed. The same list when nothing did. */
export function withCondition<T extends Condition>(
  conditions: readonly T[] | undefined,
  next: Omit<T, 'lastTransitionTime'>,
  nowMs: number,
): T[] {
  const list = conditions ?? [];
  const old = list.find((condition) => condition.type === next.type);
  const lastTransitionTime = old && old.status === next.status ? old.lastTransitionTime : kubeTime(nowMs);
  const merged = { ...next, lastTransitionTime } as T;
  return old ? list.map((condition) => (condition === old ? merged : condition)) : [...list, merged];
}
