import type { Canary } from '../api/canary.ts';
import type { Deployment, Route, Service } from '../api/objects.ts';

/** The objects behind a view, for the effects that change them. Never change these in place: the cache shares them. */
export interface Objects {
  canary: Canary;
  target: Deployment | undefined;
  /** Another Deployment that may still be held. */
  former: Deployment | undefined;
  carrier: Deployment | undefined;
  stableService: Service | undefined;
  canaryService: Service | undefined;
  /** By name. */
  routes: Map<string, Route>;
  /** Labels of the canary's pods; undefined when none separate them, or in `backends` mode. */
  canaryLabels: Record<string, string> | undefined;
}
