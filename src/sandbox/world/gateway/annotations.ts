import { durationMs } from '../../../api/duration.ts';
import type { KubeObject } from '../../../api/objects.ts';

/** On a Gateway, or on a Service that is a parent: how long its data plane lags behind what status says, such as `10s`. */
const lagAnnotation = 'sandbox.linnet.dev/lag';
/** On the same: `never`, or how long after a route's change its acceptance is withheld. */
const acceptAnnotation = 'sandbox.linnet.dev/accept';
/** On a Gateway: whose metrics its data plane has. */
const metricsAnnotation = 'sandbox.linnet.dev/metrics';
/** Written on a Gateway: the address of its first listener; of the others under `<this>-<listener>`. */
export const addressAnnotation = 'sandbox.linnet.dev/address';

/** `envoy-gateway-default` is Envoy Gateway without `enablePerEndpointStats`: it cannot tell the backends of a rule apart. */
export const metricsPresets = ['istio', 'traefik', 'envoy-gateway', 'envoy-gateway-default'] as const;
export type MetricsPreset = (typeof metricsPresets)[number];

/** What the annotations of a parent ask of its data plane; what cannot be read counts as absent. */
export interface ParentBehaviour {
  lagMs: number;
  /** Infinity: never. */
  acceptAfterMs: number;
  preset: MetricsPreset;
}

export function behaviourOfParent(parent: KubeObject | undefined): ParentBehaviour {
  const annotations = parent?.metadata.annotations ?? {};
  const accept = annotations[acceptAnnotation];
  return {
    lagMs: duration(annotations[lagAnnotation]) ?? 0,
    acceptAfterMs: accept === 'never' ? Number.POSITIVE_INFINITY : (duration(accept) ?? 0),
    preset: metricsPresets.find((preset) => preset === annotations[metricsAnnotation]) ?? 'istio',
  };
}

/** Milliseconds of a duration, undefined when the text is none. */
export function duration(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  try {
    return durationMs(text);
  } catch {
    return undefined;
  }
}
