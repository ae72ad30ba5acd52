import { gatewayManifests } from '../cluster.ts';

export type Mode = 'targetRef' | 'backends';

/** What the shop's owner does for one release, and what must come of it. */
export interface Release {
  name: 'good' | 'bad';
  /** What it is, in one sentence. */
  says: string;
  versions: { old: string; new: string };
  expected: 'Promoted' | 'RolledBack';
  /** Written before the release begins: nothing of it has traffic. */
  prepare: { manifests: string; deployment: string; says: string } | undefined;
  /** The change that begins it. */
  change: { manifests: string; says: string };
}

/** The shop of one mode. */
export interface Shop {
  /** All that is there before the first release, without the Canary where that begins a release. */
  manifests: string;
  /** Deployments whose pods must be ready before users come. */
  deployments: string[];
  /** Whether the Canary is there, and at rest, before the first release. */
  hasCanaryAtStart: boolean;
  /** Deployments that exist only while a release runs. */
  passing: string[];
  releases: [Release, Release];
}

export const namespace = 'shop';
export const canaryName = 'shop';
export const gatewayName = 'web';
const replicas = 3;

const good = {
  name: 'good',
  says: 'v2, which is fine.',
  versions: { old: 'v1', new: 'v2' },
  image: 'shop:v2',
  expected: 'Promoted',
} as const;
const bad = {
  name: 'bad',
  says: 'v3, half of whose answers are errors.',
  versions: { old: 'v2', new: 'v3' },
  image: 'shop:v3-err50',
  expected: 'RolledBack',
} as const;

export const shops: Record<Mode, Shop> = {
  targetRef: {
    manifests: [
      base(),
      deployment('shop', 'shop:v1'),
      service('shop'),
      route('shop'),
      canary('targetRef: {name: shop}'),
    ].join('---'),
    deployments: ['shop'],
    hasCanaryAtStart: true,
    passing: ['shop-canary'],
    releases: [
      { ...good, prepare: undefined, change: newImage(good.image) },
      { ...bad, prepare: undefined, change: newImage(bad.image) },
    ],
  },
  backends: {
    manifests: [base(), deployment('shop-blue', 'shop:v1'), service('shop-blue'), route('shop-blue')].join('---'),
    deployments: ['shop-blue'],
    hasCanaryAtStart: false,
    passing: [],
    releases: [
      {
        ...good,
        prepare: {
          manifests: [deployment('shop-green', good.image), service('shop-green')].join('---'),
          deployment: 'shop-green',
          says: `The owner of the shop starts ${good.image} as Deployment and Service "shop-green", beside "shop-blue".`,
        },
        change: {
          manifests: canary(pair('shop-blue', 'shop-green')),
          says: 'The owner of the shop applies a Canary from "shop-blue" to "shop-green".',
        },
      },
      {
        ...bad,
        prepare: {
          manifests: deployment('shop-blue', bad.image),
          deployment: 'shop-blue',
          says: `"shop-blue" has no traffic any more: the owner of the shop rolls ${bad.image} out there.`,
        },
        change: {
          manifests: canary(pair('shop-green', 'shop-blue')),
          says: 'The owner of the shop turns the Canary round: from "shop-green" to "shop-blue".',
        },
      },
    ],
  },
};

function newImage(image: string): Release['change'] {
  return {
    manifests: deployment('shop', image),
    says: `The owner of the shop applies the Deployment "shop" with image ${image}, and nothing else.`,
  };
}

function base(): string {
  return `
apiVersion: v1
kind: Namespace
metadata: {name: ${namespace}}
---${gatewayManifests(namespace, gatewayName)}`;
}

function deployment(name: string, image: string): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      containers: [{name: shop, image: "${image}", ports: [{name: http, containerPort: 8080}]}]
`;
}

function service(name: string): string {
  return `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  selector: {app: ${name}}
  ports: [{name: http, port: 80, targetPort: http}]
`;
}

function route(backend: string): string {
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: ${namespace}}
spec:
  parentRefs: [{name: ${gatewayName}}]
  rules:
  - backendRefs: [{name: ${backend}, port: 80}]
`;
}

function pair(stable: string, canary: string): string {
  return `backends: {stable: {name: ${stable}, port: 80}, canary: {name: ${canary}, port: 80}}`;
}

function canary(subject: string): string {
  return `
apiVersion: linnet.dev/v1beta1
kind: Canary
metadata: {name: ${canaryName}, namespace: ${namespace}}
spec:
  ${subject}
  routes: [{name: shop}]
  analysis:
    interval: 10s
    stepWeights: [5, 50, 100]
    metrics:
    - {name: request-success-rate, thresholdRange: {min: 99}}
    - {name: request-duration, thresholdRange: {max: 500}}
`;
}
