import type { CanarySpec } from './canary-spec.ts';
import type { CanaryStatus } from './canary-status.ts';
import type { KubeObject } from './objects.ts';

/** A Canary as the API server stores it: defaults are filled in. `status` is absent until Linnet has seen it. */
export interface Canary extends KubeObject {
  spec: CanarySpec;
  status?: CanaryStatus;
}
