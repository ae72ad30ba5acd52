import type { CanaryStatus, Outcome } from '../../src/api/canary-status.ts';
import { type Kind, kinds } from '../../src/api/kinds.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import { systemClock } from '../../src/system.ts';
import { deployment, service } from './manifests.ts';
import { type Answer, namespace, type Stand, startUsers, until, type Users } from './stand.ts';

export type Mode = 'targetRef' | 'backends';

/** Every status that was written, with the time. */
export interface Trail {
  statuses: { atMs: number; status: CanaryStatus }[];
  stop(): void;
}

/** Writes down every status of a Canary from now on. */
export function follow(stand: Stand, name: string): Trail {
  const statuses: Trail['statuses'] = [];
  const stop = stand.sandbox.store.watch(
    kinds.canary,
    { namespace, fieldSelector: `metadata.name=${name}` },
    ({ type, object }) => {
      const status = (object as KubeObject)['status'] as CanaryStatus | undefined;
      if (type !== 'DELETED' && status !== undefined) statuses.push({ atMs: systemClock.now(), status });
    },
  );
  return { statuses, stop };
}

export interface ShopOptions {
  mode: Mode;
  /** The route's parent is the Service named after the shop, and the users are clients in the mesh. */
  mesh?: boolean;
  /** Group of the Service parent. */
  group?: '' | 'core';
  /** Image of the new version with `backends`, where it runs from the start. */
  image?: string;
  replicas?: number;
  perSecond?: number;
  /** Name of the Gateway, when it is another one. */
  gateway?: string;
  /** Its namespace and the listener, when they are named. */
  gatewayNamespace?: string;
  sectionName?: string;
  /** The rules of the route, YAML; default: one rule to the stable Service. */
  rules?: string;
  /** Its own manifest of the stable Service. */
  stableService?: string;
  /** Lines of `spec` of the Canary, and of its `analysis`. */
  spec?: string;
  analysis?: string;
  steps?: string;
  interval?: string;
}

/** One small application with its users. */
export interface Shop {
  name: string;
  mode: Mode;
  stable: string;
  canary: string;
  users: Users;
  trail: Trail;
  /** Creates the Canary; with `targetRef` waits until it is at rest. */
  guard(): Promise<void>;
  /** Pushes another template (`targetRef`). */
  push(image: string): void;
  status(): CanaryStatus | undefined;
  close(): Promise<void>;
}

/** The manifest of a shop's route. */
export function routeOf(name: string, stable: string, options: ShopOptions): string {
  const { group = '', gateway = 'web', gatewayNamespace = namespace, sectionName, mesh, rules } = options;
  const section = sectionName === undefined ? '' : `, sectionName: ${sectionName}`;
  const parentRef =
    mesh === true
      ? `{group: "${group}", kind: Service, name: ${name}, port: 80}`
      : `{name: ${gateway}, namespace: ${gatewayNamespace}${section}}`;
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${name}, namespace: ${namespace}, labels: {team: shop}}
spec:
  parentRefs: [${parentRef}]
  ${mesh === true ? '' : `hostnames: [${name}.example]`}
  rules:
${rules ?? `  - backendRefs: [{name: ${stable}, port: 80}]`}
`;
}

/** The manifest of a shop's Canary. */
export function canaryOf(
  name: string,
  { mode, spec = '', analysis, steps = '[5, 50, 100]', interval = '5s' }: ShopOptions,
): string {
  const subject =
    mode === 'targetRef'
      ? `targetRef: {name: ${name}}`
      : `backends: {stable: {name: ${name}-v1, port: 80}, canary: {name: ${name}-v2, port: 80}}`;
  return `
apiVersion: linnet.dev/v1beta1
kind: Canary
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  ${subject}
  ${spec.includes('routes:') ? '' : `routes: [{name: ${name}}]`}
  ${spec}
  analysis:
    interval: ${interval}
    stepWeights: ${steps}
${
  analysis ??
  `    metrics:
    - {name: request-success-rate, thresholdRange: {min: 99}, minSamples: 8}
    - {name: request-duration, thresholdRange: {max: 5000}, minSamples: 8}`
}
`;
}

/** The new image of the shop's Deployment, as a merge patch. */
export function templateWith(image: string): object {
  const containers = [{ name: 'shop', image, ports: [{ name: 'http', containerPort: 8080 }] }];
  return { spec: { template: { spec: { containers } } } };
}

/** Sets up a shop that serves its version v1 to a steady stream of users. */
export async function openShop(stand: Stand, name: string, options: ShopOptions): Promise<Shop> {
  const { mode, replicas = 3, image = 'shop:v2' } = options;
  const stable = mode === 'targetRef' ? name : `${name}-v1`;
  const canary = mode === 'targetRef' ? `${name}-canary` : `${name}-v2`;
  stand.apply(deployment(stable, 'shop:v1', { replicas }), options.stableService ?? service(stable));
  if (mode === 'backends') {
    stand.apply(deployment(canary, image, { replicas }), service(canary));
    if (options.mesh === true) stand.apply(service(name, `app: ${stable}`));
  }
  stand.apply(routeOf(name, stable, options));
  const address = () =>
    options.mesh === true
      ? stand.sandbox.meshAddress(namespace, name)
      : stand.sandbox.gatewayAddress(options.gatewayNamespace ?? namespace, options.gateway ?? 'web');
  await until(
    `${name} serves`,
    () =>
      address() !== undefined &&
      [stable, ...(mode === 'backends' ? [canary] : [])].every(
        (workload) => (stand.deployment(workload).status?.availableReplicas ?? 0) >= replicas,
      ),
    () => [address(), stand.deployment(stable).status],
  );
  await untilAnswers(address() ?? '', `${name}.example`);
  const users = startUsers(address() ?? '', options.perSecond ?? 50, `${name}.example`);
  const trail = follow(stand, name);
  const status = () => trail.statuses.at(-1)?.status;
  return {
    name,
    mode,
    stable,
    canary,
    users,
    trail,
    status,
    async guard() {
      stand.apply(canaryOf(name, options));
      if (mode === 'targetRef') await atRest(stand, name);
    },
    push: (next) => stand.edit(kinds.deployment, stable, templateWith(next)),
    async close() {
      trail.stop();
      await users.stop();
    },
  };
}

async function untilAnswers(address: string, host: string): Promise<void> {
  const trial = startUsers(address, 20, host);
  const good = () => trial.answers.slice(-3).filter(({ code }) => code === 200).length === 3;
  await until(`${host} answers`, good, () => trial.answers.slice(-3));
  await trial.stop();
}

/** Waits until a Canary is at rest with its target held. */
export async function atRest(stand: Stand, name: string): Promise<void> {
  const status = () => stand.canary(name).status;
  await until(`Canary ${name} is at rest`, () => status()?.stage === 'Resting', status);
}

/** Waits until the attempt has ended and nothing of it is left, and checks its outcome. */
export async function ended(shop: Shop, outcome: Outcome, attempt = 1, limitMs = 100_000): Promise<void> {
  const entry = () => shop.status()?.history?.find((one) => one.attempt === attempt);
  await until(
    `attempt ${attempt} of ${shop.name} ends`,
    () => entry() !== undefined && (shop.status()?.stage === 'Resting' || (shop.status()?.attempt ?? 0) > attempt),
    () => ({
      status: { ...shop.status(), release: undefined, checks: shop.status()?.checks?.map(({ message }) => message) },
    }),
    limitMs,
  );
  const found = entry();
  if (found?.outcome !== outcome) throw new Error(`${shop.name}: ${outcome} was expected: ${JSON.stringify(found)}`);
}

/** Waits until the users have got this many more answers. */
export async function moreAnswers(shop: Shop, count: number): Promise<void> {
  const wanted = shop.users.answers.length + count;
  await until(
    `users of ${shop.name} get answers`,
    () => shop.users.answers.length >= wanted,
    () => wanted,
  );
}

/** Names of the running pods of a Deployment that has the label `app`. */
export function podsOf(stand: Stand, deploymentName: string): string[] {
  const { items } = stand.sandbox.store.list(podKind(stand), { namespace, labelSelector: `app=${deploymentName}` });
  return items.map(({ metadata }) => metadata.name).toSorted();
}

function podKind(stand: Stand): Kind {
  const kind = stand.sandbox.store.kinds().find((one) => one.kind === 'Pod' && one.group === '');
  if (kind === undefined) throw new Error('the sandbox has no pods');
  return kind;
}

/** Waits until the canary has this share, in a stage. */
export async function reached(shop: Shop, stage: string, weight?: number, limitMs = 60_000): Promise<void> {
  const there = () =>
    shop.status()?.stage === stage && (weight === undefined || shop.status()?.canaryWeight === weight);
  await until(
    `${shop.name} is in ${stage} at ${weight}`,
    there,
    () => ({ ...shop.status(), release: undefined }),
    limitMs,
  );
}

/** What of a share is looked at. */
export interface ShareQuestion {
  version: string;
  weight: number;
  /** @defaultValue 1 */
  attempt?: number;
  /** How long the data plane takes after the acceptance. @defaultValue 100 */
  lagMs?: number;
  /** Answers in which it is looked for; default: those of the shop's users. */
  among?: Answer[];
}

/** The share of a version that the users got while a weight was held on the way out, and from how many answers. */
function shareAt(shop: Shop, question: ShareQuestion): { share: number; answers: number } {
  const { version, weight, attempt = 1, lagMs = 100, among = shop.users.answers } = question;
  const { statuses } = shop.trail;
  const held = ({ status }: { status: CanaryStatus }) =>
    status.attempt === attempt &&
    status.release?.leg === 'out' &&
    status.release.retreat === undefined &&
    status.canaryWeight === weight &&
    status.intent?.weight === weight &&
    (status.stage === 'Observing' || status.stage === 'Watching');
  const first = statuses.findIndex(held);
  const end = statuses.slice(first).find((moment) => !held(moment));
  const fromMs = (statuses[first]?.atMs ?? Number.POSITIVE_INFINITY) + lagMs;
  const answers = among.filter(
    ({ sentMs, atMs }) => sentMs >= fromMs && atMs < (end?.atMs ?? Number.POSITIVE_INFINITY),
  );
  const ofVersion = answers.filter((answer) => answer.version === version);
  return { share: (100 * ofVersion.length) / answers.length, answers: answers.length };
}

/** What is wrong with the shares of 5, 50 and 100 that the users got of v2. */
export function shareProblems(shop: Shop, question: Partial<ShareQuestion> = {}): string[] {
  return [5, 50, 100].flatMap((weight) => shareProblem(shop, { version: 'v2', weight, ...question }) ?? []);
}

/** What is wrong with a share; undefined when it is within max(3 points, 4·√(p(1−p)/n)) of the one asked for. */
function shareProblem(shop: Shop, question: ShareQuestion): string | undefined {
  const { share, answers } = shareAt(shop, question);
  const asked = question.weight;
  const p = asked / 100;
  const tolerance = Math.max(3, 400 * Math.sqrt((p * (1 - p)) / answers));
  const isRight = answers > 0 && Math.abs(share - asked) <= tolerance;
  return isRight ? undefined : `${asked} % asked, ${share.toFixed(1)} % of ${answers} answers seen`;
}

/** Answers of a version to requests that were sent after the retreat's weight 0 was accepted, and 100 ms for the data plane to take it. */
export function answersAfterRetreat(shop: Shop, version: string, attempt = 1): Answer[] {
  const zero = shop.trail.statuses.find(
    ({ status }) =>
      status.attempt === attempt &&
      status.release?.retreat !== undefined &&
      status.intent?.weight === 0 &&
      status.shares?.accepted === 0,
  );
  if (zero === undefined) throw new Error(`${shop.name}: attempt ${attempt} never took the traffic back`);
  return shop.users.answers.filter((answer) => answer.version === version && answer.sentMs > zero.atMs + 100);
}

/** Deletes the Canary as `kubectl delete --cascade=foreground` does, and waits until it is gone. */
export async function deleted(stand: Stand, { name }: Shop, limitMs = 60_000): Promise<void> {
  stand.sandbox.store.delete({ kind: kinds.canary, namespace, name }, { propagationPolicy: 'Foreground' });
  await until(
    `Canary ${name} is gone`,
    () => stand.get(kinds.canary, name) === undefined,
    () => stand.get(kinds.canary, name),
    limitMs,
  );
}

/** What is yours of an object: all but what the API server and controllers write (the Deployment's revision). */
export function yours(object: KubeObject | undefined): object {
  if (object === undefined) return {};
  const { labels, annotations: all = {} } = object.metadata;
  const { 'deployment.kubernetes.io/revision': _, ...annotations } = all;
  return structuredClone({ labels, annotations, spec: object['spec'] });
}

/** Managers in an object's managedFields. */
export function managers(object: KubeObject | undefined): (string | undefined)[] {
  return (object?.metadata.managedFields ?? []).map(({ manager }) => manager);
}

/** Outcomes of all attempts, oldest first. */
export function outcomes(shop: Shop): (string | undefined)[] {
  return (shop.status()?.history ?? []).map(({ outcome }) => outcome).toReversed();
}

/** Weights that an attempt asked for, each once in a row. */
export function asked(shop: Shop, attempt: number): number[] {
  const weights = shop.trail.statuses
    .filter(({ status }) => status.attempt === attempt && status.release !== undefined)
    .flatMap(({ status }) => status.intent?.weight ?? []);
  return weights.filter((weight, at) => weight !== weights[at - 1]);
}

/** A shop whose release of v2 has begun. */
export async function started(stand: Stand, name: string, options: Partial<ShopOptions> = {}): Promise<Shop> {
  const shop = await openShop(stand, name, { mode: 'targetRef', perSecond: 40, ...options });
  await shop.guard();
  if (shop.mode === 'targetRef') shop.push('shop:v2');
  return shop;
}

/** Waits until all users get a version. */
export async function all(shop: Shop, version: string): Promise<void> {
  await until(
    `all users of ${shop.name} get ${version}`,
    () => shop.users.answers.slice(-40).every((answer) => answer.version === version),
    () => [shop.status(), shop.users.answers.slice(-5)],
  );
}
