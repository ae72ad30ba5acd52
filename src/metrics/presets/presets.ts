import type { PresetName } from '../../ports/metrics.ts';
import { app } from './app.ts';
import { envoyGateway } from './envoy-gateway.ts';
import { istio } from './istio.ts';
import type { Preset } from './preset.ts';
import { traefik } from './traefik.ts';

export const presets: Readonly<Record<PresetName, Preset>> = {
  istio,
  'envoy-gateway': envoyGateway,
  traefik,
  app,
};

/** Which numbers a gateway or mesh has, by the controller name that it writes into a route's status. */
const presetOfController: Readonly<Record<string, PresetName>> = {
  'istio.io/gateway-controller': 'istio',
  'istio.io/mesh-controller': 'istio',
  'sandbox.linnet.dev/gateway-controller': 'istio',
  'gateway.envoyproxy.io/gatewayclass-controller': 'envoy-gateway',
  'traefik.io/gateway-controller': 'traefik',
};

/** @returns undefined when no controller is known, or when two of them need different presets and `provider` is absent */
export function presetFor(controllerNames: readonly string[], provider?: PresetName): Preset | undefined {
  if (provider !== undefined) return Object.hasOwn(presets, provider) ? presets[provider] : undefined;
  const known = controllerNames.filter((name) => Object.hasOwn(presetOfController, name));
  const names = new Set(known.map((name) => presetOfController[name]));
  const [only] = names;
  return names.size === 1 && only !== undefined ? presets[only] : undefined;
}
