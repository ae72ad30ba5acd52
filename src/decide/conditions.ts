import type { CanaryStatus } from '../api/canary-status.ts';

type Conditions = NonNullable<CanaryStatus['conditions']>;
type News = Pick<Conditions[number], 'type' | 'status' | 'reason' | 'message'>;

/** Sets one condition; its transition time changes only with its status. */
export function setCondition(
  conditions: Conditions | undefined,
  news: News,
  at: { nowMs: number; generation: number },
): Conditions {
  const present = conditions?.find((condition) => condition.type === news.type);
  const lastTransitionTime =
    present !== undefined && present.status === news.status
      ? present.lastTransitionTime
      : new Date(at.nowMs).toISOString();
  const condition = {
    ...news,
    message: news.message.slice(0, 2048),
    observedGeneration: at.generation,
    lastTransitionTime,
  };
  return [...(conditions ?? []).filter((other) => other.type !== news.type), condition];
}

/** Whether the condition says the same already. */
export function saysAlready(conditions: Conditions | undefined, news: News, generation: number): boolean {
  const present = conditions?.find((condition) => condition.type === news.type);
  return (
    present !== undefined &&
    present.status === news.status &&
    present.reason === news.reason &&
    present.message === news.message.slice(0, 2048) &&
    present.observedGeneration === generation
  );
}
