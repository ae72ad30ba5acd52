import type { Users } from './actions.ts';
import { checkPods } from './check-pods.ts';
import { checkRoute } from './check-route.ts';
import { checkStatus } from './check-status.ts';
import { checkTarget } from './check-target.ts';
import { checkTraffic } from './check-traffic.ts';
import type { History } from './history.ts';
import type { MetricsWorld } from './metrics-port.ts';
import type { Options } from './options.ts';
import type { Readiness } from './readiness.ts';
import type { Traffic } from './traffic.ts';

/** An intent as it was first stored in a status. */
export interface Intent {
  weight: number;
  fence: string;
  /** When it was stored. */
  atMs: number;
  attempt: number;
  /** It belongs to a retreat. */
  retreat: boolean;
  /** Pods that carry everything, as that status said. */
  full: number;
  leg: 'out' | 'return';
}

/** What the checks see of a simulation, and what they tell each other. */
export interface Scene {
  options: Options;
  history: History;
  readiness: Readiness;
  traffic: Traffic;
  metrics: MetricsWorld;
  users: Users;
  /** Milliseconds since the beginning. */
  nowMs: () => number;
  /** Tells of a violation. */
  report: (message: string) => void;
  say: (line: string) => void;
}

/** What was learnt from the versions stored so far. */
export interface Known {
  /** By fence. */
  intents: Map<string, Intent>;
  /** When the gateway first said that it had accepted the write of a fence. */
  acceptedMs: Map<string, number>;
  /** Tags that an attempt has carried to 100 %, or that were there from the start. */
  proven: Set<string>;
}

/** Looks at every stored version and every answer to a user, and reports what must not be. */
export function createChecks(scene: Scene): void {
  const known: Known = { intents: new Map(), acceptedMs: new Map(), proven: new Set(['v1']) };
  checkStatus(scene, known);
  checkRoute(scene, known);
  checkTarget(scene);
  checkPods(scene);
  checkTraffic(scene, known);
}
