import type { RequestSeen } from '../kube/exchange.ts';
import type { Clock } from '../ports/clock.ts';

/** The elector asks for its Lease every two seconds, and gives up on an answer after two: this long a silence is its end. */
const longestSilenceMs = 30_000;

/** What the requests for the Lease tell of the elector. */
export interface LeasePulse {
  onKubeRequest(seen: RequestSeen): void;
  /** Why the elector is thought dead: it has sent nothing for half a minute. Undefined while it lives. */
  dead(): string | undefined;
  /** Why this process cannot lead even if it is its turn: the Lease has been out of reach for half a minute. */
  problem(): string | undefined;
}

export function createLeasePulse(clock: Clock): LeasePulse {
  let askedAt = clock.monotonic();
  let answeredAt = askedAt;
  let lastCode = 0;
  return {
    onKubeRequest({ kind, code }) {
      if (kind !== 'Lease') return;
      askedAt = clock.monotonic();
      lastCode = code;
      if (isAnswer(code)) answeredAt = askedAt;
    },
    dead() {
      const silentMs = clock.monotonic() - askedAt;
      if (silentMs <= longestSilenceMs) return undefined;
      return `Lease: nobody has asked for it for ${Math.round(silentMs / 1000)} s; the elector has stopped`;
    },
    problem() {
      const lostMs = clock.monotonic() - answeredAt;
      if (lostMs <= longestSilenceMs) return undefined;
      const why = lastCode === 0 ? 'no answer' : `the last answer was ${lastCode}`;
      return `Lease: out of reach for ${Math.round(lostMs / 1000)} s (${why})`;
    },
  };
}

/** A lost race (409) or a Lease that is not there yet (404) is an answer; a refusal and a broken server are not. */
function isAnswer(code: number): boolean {
  return (code >= 200 && code < 300) || code === 404 || code === 409 || code === 422;
}
