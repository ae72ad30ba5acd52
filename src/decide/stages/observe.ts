import { observedShare, shareAgrees } from '../../analysis/share.ts';
import type { Timeline } from '../../analysis/timeline.ts';
import { rungs } from '../ladder.ts';
import { type AttemptTurn, cleared, iso, move, ms, nextCheck, stageAge, startRetreat, wait } from '../turn.ts';
import type { Decision } from '../view.ts';
import { goOn } from './climb.ts';

/** Recent windows in which the share is looked for: the shorter one lets a share count that has just arrived. */
const shareWindowsMs = [10_000, 30_000];

/** Waits until the requests themselves show the share, or for as long as traffic takes to follow where it cannot be seen. */
export function observing(turn: AttemptTurn): Decision {
  const asked = turn.status.intent?.weight ?? 0;
  const seen = seenShare(turn, asked);
  const age = stageAge(turn);
  if (seen.verdict === 'agrees')
    return agree(turn, { rung: 'observed', observed: seen.share, requests: seen.requests });
  if (seen.verdict === 'differs' && (seen.late || age < 2 * turn.settings.trafficMissingMs)) {
    if (!seen.late || age < turn.settings.trafficMissingMs) return wait(nextCheck(turn));
    const message = `${asked} % were asked for and accepted, but ${seen.share.toFixed(1)} % of ${seen.requests} requests went to the canary for ${Math.round(age / 1000)} s.`;
    return startRetreat(turn, { outcome: 'Failed', reason: 'TrafficMissing', message });
  }
  const patience = showsSoon(turn, asked) ? 2 * turn.settings.trafficMissingMs : turn.settings.settleMs;
  const settled = ms(turn.status.stageSince, turn.nowMs) + patience;
  return turn.nowMs < settled ? wait(Math.min(settled, nextCheck(turn))) : agree(turn, { rung: 'settled' });
}

/** Whether the traffic of the last minute is enough for the share to show within the next one. */
function showsSoon({ view: { measured }, nowMs }: AttemptTurn, asked: number): boolean {
  if (measured?.atSplit !== true || measured.counts?.outcome !== 'data') return false;
  const { requests } = observedShare(measured.counts.data, nowMs - 60_000);
  return shareAgrees({ share: asked, asked, requests }) !== 'tooFew';
}

interface Seen {
  share: number;
  requests: number;
}

/** `late`: it differs in requests from after the time that a gateway may take to follow, so that its being slow is no explanation. */
type SeenShare =
  | ({ verdict: 'agrees' } & Seen)
  | ({ verdict: 'differs'; late: boolean } & Seen)
  | { verdict: 'unseen' };

/** Any window may show that the share agrees; that it is missing is said of one without the requests from before the gateway followed. */
function seenShare({ view: { measured }, release, nowMs, settings }: AttemptTurn, asked: number): SeenShare {
  if (measured?.atSplit !== true || measured.counts?.outcome !== 'data') return { verdict: 'unseen' };
  const { data } = measured.counts;
  const since = ms(release.acceptedAt, nowMs);
  const within = (from: number) =>
    shareWindowsMs.map((windowMs) => splitAfter(data, Math.max(from, nowMs - windowMs), asked));
  const [early, late] = [within(since), within(since + settings.settleMs)];
  const agreeing = [...early, ...late].find(({ verdict }) => verdict === 'agrees');
  if (agreeing !== undefined) return { ...agreeing, verdict: 'agrees' };
  const [lateDiffering, differing] = [late, early].map((all) => all.findLast(({ verdict }) => verdict === 'differs'));
  if (lateDiffering !== undefined) return { ...lateDiffering, verdict: 'differs', late: true };
  return differing === undefined ? { verdict: 'unseen' } : { ...differing, verdict: 'differs', late: false };
}

function splitAfter(data: Timeline, fromMs: number, asked: number): { verdict: ReturnType<typeof shareAgrees> } & Seen {
  const { share, requests } = observedShare(data, fromMs);
  if (share === undefined) return { verdict: 'tooFew', share: 0, requests };
  // A side that gets nothing is told by the other one getting everything.
  const verdict =
    asked > 0 ? shareAgrees({ share, requests, asked }) : shareAgrees({ share: 100 - share, requests, asked: 100 });
  return { verdict, share, requests };
}

/** The weight has arrived: from here on requests count for passing. */
function agree(
  turn: AttemptTurn,
  seen: { rung: 'observed' | 'settled'; observed?: number; requests?: number },
): Decision {
  const accepted = turn.status.canaryWeight;
  const observed = seen.observed === undefined ? {} : { observed: Math.round(seen.observed * 100) / 100 };
  const shares = {
    asked: accepted,
    accepted,
    rung: seen.rung,
    ...observed,
    ...(seen.requests === undefined ? {} : { requests: Math.round(seen.requests) }),
  };
  const passFrom = iso(turn.nowMs);
  const rung = rungs(turn.release, turn.settings.settleMs)[turn.step];
  const over = rung !== undefined && turn.nowMs >= ms(turn.release.acceptedAt, turn.nowMs) + rung.intervalMs;
  if (over && !rung.needsEvidence)
    return goOn({ ...cleared(turn), release: { ...turn.release, passFrom } }, { shares });
  return move(cleared(turn), 'Watching', { shares }, { passFrom });
}
