import type { KubeObject, PodTemplate, Route } from '../../src/api/objects.ts';
import type { Options } from './options.ts';
import { gatewayName, namespace } from './world.ts';

export const canaryName = 'app';

/** A pod template of the sandbox's image; the tag is the pods' behaviour. */
export function template(name: string, tag: string): PodTemplate {
  return {
    metadata: { labels: { app: name } },
    spec: { containers: [{ name: 'app', image: `app:${tag}`, ports: [{ name: 'http', containerPort: 8080 }] }] },
  };
}

function deployment(name: string, tag: string, replicas: number): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name, tag) },
  };
}

function service(name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  };
}

/** The names of the two sides' Services, and of the third backend where there is one. */
export function servicesOf({ mode }: Pick<Options, 'mode'>): { stable: string; canary: string; third: string } {
  return mode === 'targetRef'
    ? { stable: 'app', canary: 'app-canary', third: 'other' }
    : { stable: 'app-v1', canary: 'app-v2', third: 'other' };
}

/** The user's own route. */
export function routeManifest(options: Options): Route {
  const { stable, third } = servicesOf(options);
  const others = options.third ? [{ name: third, port: 80, weight: 1 }] : [];
  const first = options.third ? { name: stable, port: 80, weight: 3 } : { name: stable, port: 80 };
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'app', namespace },
    spec: { parentRefs: [{ name: gatewayName }], rules: [{ backendRefs: [first, ...others] }] },
  };
}

/** Everything that is there before Linnet is. */
export function applicationManifests(options: Options): KubeObject[] {
  const { pods, third, mode, version } = options;
  const own =
    mode === 'targetRef'
      ? [deployment('app', 'v1', pods), service('app')]
      : [deployment('app-v1', 'v1', pods), deployment('app-v2', version, pods), service('app-v1'), service('app-v2')];
  const other = third ? [deployment('other', 'v1', 1), service('other')] : [];
  return [...own, ...other, routeManifest(options)];
}

export function canaryManifest(options: Options): KubeObject {
  const { mode, steps, threshold, checks, onDelete } = options;
  const subject =
    mode === 'targetRef'
      ? { targetRef: { name: 'app' }, onDelete }
      : { backends: { stable: { name: 'app-v1', port: 80 }, canary: { name: 'app-v2', port: 80 } } };
  const limits = {
    'request-success-rate': { thresholdRange: { min: 90 } },
    'request-duration': { thresholdRange: { max: 500 } },
    quality: { thresholdRange: { max: 10 }, templateRef: { name: 'quality' } },
  };
  return {
    apiVersion: 'linnet.dev/v1beta1',
    kind: 'Canary',
    metadata: { name: canaryName, namespace },
    spec: {
      ...subject,
      routes: [{ name: 'app' }],
      progressDeadlineSeconds: 15,
      retreatTimeout: '10s',
      analysis: {
        interval: '5s',
        threshold,
        stepWeights: steps,
        metrics: checks.map((name) => ({
          name,
          ...limits[name],
          ...(name === 'quality' ? {} : { minSamples: 5 }),
        })),
      },
    },
  };
}

/** The user's own measure of quality: percent of bad answers of the canary. */
export const qualityTemplate: KubeObject = {
  apiVersion: 'linnet.dev/v1beta1',
  kind: 'MetricTemplate',
  metadata: { name: 'quality', namespace },
  spec: { provider: { type: 'prometheus' }, query: 'bad_percent{service="{{ canary }}"}' },
};
