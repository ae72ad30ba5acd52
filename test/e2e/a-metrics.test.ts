import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answersAfterRetreat, ended, type Mode, openShop, type ShopOptions, shareProblems } from './release.ts';
import { namespace, openStand, type Stand } from './stand.ts';

/** A Gateway whose data plane has the metrics of another product. */
const gateway = (name: string) => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: ${name}, namespace: ${namespace}, annotations: {sandbox.linnet.dev/metrics: ${name}}}
spec:
  gatewayClassName: linnet-sandbox
  listeners: [{name: http, port: 80, protocol: HTTP}]
`;

const template = `
apiVersion: linnet.dev/v1beta1
kind: MetricTemplate
metadata: {name: error-rate, namespace: ${namespace}}
spec:
  provider: {type: prometheus}
  query: |
    100 * sum(rate(istio_requests_total{reporter="source", destination_service_namespace="{{ namespace }}", destination_service_name="{{ canary }}", response_code=~"5.."}[10s]) or vector(0))
    / sum(rate(istio_requests_total{reporter="source", destination_service_namespace="{{ namespace }}", destination_service_name="{{ canary }}"}[10s]))
`;

let stand: Stand;
beforeAll(async () => {
  stand = await openStand();
  stand.apply(gateway('istio'), gateway('traefik'), gateway('envoy-gateway'), template);
  await stand.startEngine();
});
afterAll(async () => stand.close());

const successRate = '    - {name: request-success-rate, thresholdRange: {min: 99}, minSamples: 8}';
const duration = '    - {name: request-duration, thresholdRange: {max: 5000}, minSamples: 8}';
const errorRate = '    - {name: error-rate, templateRef: {name: error-rate}, thresholdRange: {max: 1}}';

const flavours: [string, Omit<ShopOptions, 'mode'>][] = [
  ['istio', { gateway: 'istio', spec: 'provider: istio', analysis: `    metrics:\n${successRate}\n${duration}` }],
  ['traefik', { gateway: 'traefik', spec: 'provider: traefik', analysis: `    metrics:\n${successRate}\n${duration}` }],
  ['envoy', { gateway: 'envoy-gateway', spec: 'provider: envoy-gateway', analysis: `    metrics:\n${successRate}` }],
  ['app', { spec: 'provider: app', analysis: `    metrics:\n${successRate}\n${duration}` }],
  ['template', { analysis: `    metrics:\n${errorRate}` }],
];

describe.concurrent('metrics', () => {
  for (const [at, [flavour, options]] of flavours.entries()) {
    // Both modes in turn: the numbers are the same, what tells the sides apart is not.
    const [goodMode, badMode]: [Mode, Mode] = at % 2 === 0 ? ['targetRef', 'backends'] : ['backends', 'targetRef'];

    test(`a good version is promoted by the numbers of ${flavour}, with ${goodMode}`, async () => {
      const shop = await openShop(stand, `good-${flavour}`, { mode: goodMode, ...options });
      await shop.guard();
      if (goodMode === 'targetRef') shop.push('shop:v2');
      await ended(shop, 'Promoted');
      await shop.close();
      expect(shareProblems(shop)).toEqual([]);
      expect(shop.users.failed()).toEqual([]);
      const checks = shop.trail.statuses.flatMap(({ status }) => status.checks ?? []);
      const names = new Set(checks.map(({ name }) => name));
      const passed = new Set(checks.filter(({ verdict }) => verdict === 'pass').map(({ name }) => name));
      expect(names.size).toBeGreaterThan(0);
      expect(passed).toEqual(names);
      expect(checks.filter(({ verdict }) => verdict === 'fail')).toEqual([]);
    });

    test(`a bad version is rolled back by the numbers of ${flavour}, with ${badMode}`, async () => {
      const image = 'shop:v2-err50';
      const shop = await openShop(stand, `bad-${flavour}`, { mode: badMode, ...options, image });
      await shop.guard();
      if (badMode === 'targetRef') shop.push(image);
      await ended(shop, 'RolledBack');
      await shop.close();
      expect(answersAfterRetreat(shop, 'v2')).toEqual([]);
      expect(shop.trail.statuses.map(({ status }) => status.canaryWeight).every((weight) => weight <= 5)).toBe(true);
    });
  }
});
