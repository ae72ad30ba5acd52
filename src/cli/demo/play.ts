import { Failure } from '../failure.ts';
import { type ReleaseReport, Score } from './score.ts';
import type { Screen } from './screen.ts';
import type { Release, Shop } from './shop.ts';
import { isReady, until, type World } from './world.ts';

const prepareLimitMs = 60_000;
const releaseLimitMs = 110_000;

export interface PlayOptions {
  world: World;
  shop: Shop;
  screen: Screen;
  stop: AbortSignal;
  /** Told of the score when the release begins, so that answers and statuses go there. */
  onBegin: (score: Score) => void;
}

/** Plays one release to its end, or until its time is up: then its outcome is null. */
export async function playRelease(release: Release, options: PlayOptions): Promise<ReleaseReport> {
  const { world, screen, stop, onBegin } = options;
  const { clock } = world;
  const { name, versions, prepare, change } = release;
  if (prepare !== undefined) {
    screen.say(prepare.says);
    world.apply(prepare.manifests);
    const isUp = () => isReady(world.deployment(prepare.deployment));
    await until(`${prepare.deployment} is ready`, { clock, stop, limitMs: prepareLimitMs, state: () => '' }, isUp);
  }
  const attempt = (world.status()?.attempt ?? 0) + 1;
  const score = new Score({ name, versions, attempt, startMs: clock.monotonic() });
  onBegin(score);
  screen.say(change.says);
  world.apply(change.manifests);
  try {
    await until('the release is over', { clock, stop, limitMs: releaseLimitMs, state: () => '' }, () =>
      isOver(options, attempt),
    );
  } catch (error) {
    // Its time is up: the report says so, with everything else that was seen.
    if (!(error instanceof Failure)) throw error;
  }
  score.end(clock.monotonic());
  await world.users.settled();
  return score.report();
}

/** An outcome is written, and nothing that only the release needed is left. */
function isOver({ world, shop }: PlayOptions, attempt: number): boolean {
  const status = world.status();
  const hasEnded = status?.history?.some((entry) => entry.attempt === attempt) === true;
  return hasEnded && status?.stage === 'Resting' && shop.passing.every((name) => world.deployment(name) === undefined);
}
