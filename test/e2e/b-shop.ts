import type { CanaryStatus } from '../../src/api/canary-status.ts';
import type { Canary } from '../../src/api/canary.ts';
import { type Kind, kinds } from '../../src/api/kinds.ts';
import { commandPrefix } from '../../src/api/names.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import { systemClock } from '../../src/system.ts';
import { deployment, service } from './manifests.ts';
import { type Stand, type Users, namespace, startUsers, until } from './stand.ts';

export interface ShopOptions {
  /** @defaultValue backends */
  mode?: 'backends' | 'targetRef';
  /** Tag of the new version. @defaultValue `v2` */
  next?: string;
  /** @defaultValue 2 */
  replicas?: number;
  /** Requests of the users; 0 for none. @defaultValue 40 */
  perSecond?: number;
  /** Beside the subject and the routes. */
  spec?: object;
  analysis?: object;
}

/** A version of an object as it was stored. */
export interface Stored<T> {
  atMs: number;
  type: string;
  object: T;
}

/** One route with a host of its own, two versions behind it, users on it, and a Canary. */
export interface Shop {
  name: string;
  users: Users | undefined;
  status(): CanaryStatus;
  /** Every version of the Canary that was stored, oldest first. */
  stored: Stored<Canary>[];
  /** Creates the Canary; in `targetRef` mode also waits for rest and then pushes the new version. */
  release(): Promise<void>;
  /** Asks by annotation, as `kubectl annotate` does. A text is sent as it is. */
  command(id: string, request: object | string): void;
  /** Waits until the status is so. */
  reaches(what: string, is: (status: CanaryStatus) => boolean, limitMs?: number): Promise<void>;
  stop(): Promise<void>;
}

/** Opens a shop and waits until its users get answers of v1. */
export async function openShop(stand: Stand, name: string, options: ShopOptions = {}): Promise<Shop> {
  const { mode = 'backends', next = 'v2', replicas = 2, perSecond = 40 } = options;
  const [stable, other] = mode === 'backends' ? [`${name}-v1`, `${name}-v2`] : [name, undefined];
  stand.apply(deployment(stable, 'shop:v1', { replicas }), service(stable), hostRoute(name, stable));
  if (other !== undefined) stand.apply(deployment(other, `shop:${next}`, { replicas }), service(other));
  const address = () => stand.sandbox.gatewayAddress(namespace, 'web');
  const isUp = (one: string) => (stand.deployment(one).status?.availableReplicas ?? 0) >= replicas;
  // The new version may be one that never becomes ready.
  await until(
    `${name} runs`,
    () => address() !== undefined && isUp(stable),
    () => stand.deployment(stable).status,
  );
  const users = perSecond > 0 ? startUsers(address() ?? '', perSecond, `${name}.example`) : undefined;
  if (users !== undefined) {
    await until(
      `${name} answers`,
      () => users.by('v1').length > 0,
      () => users.answers.slice(-3),
    );
    users.answers.length = 0;
  }
  const { entries: stored, end } = record<Canary>(stand, kinds.canary, name);
  const status = () => {
    const found = stand.canary(name).status;
    if (found === undefined) throw new Error(`Canary ${name} has no status yet`);
    return found;
  };
  const shop: Shop = {
    name,
    users,
    status,
    stored,
    async release() {
      stand.apply(canaryOf(name, options));
      if (mode === 'backends') return;
      await shop.reaches('rest', ({ stage }) => stage === 'Resting');
      push(stand, name, next);
    },
    command(id, request) {
      const value = typeof request === 'string' ? request : JSON.stringify(request);
      stand.edit(kinds.canary, name, { metadata: { annotations: { [commandPrefix + id]: value } } });
    },
    reaches: (what, is, limitMs) =>
      until(
        `${name}: ${what}`,
        () => stand.get<Canary>(kinds.canary, name)?.status !== undefined && is(status()),
        () => ({ status: stand.get<Canary>(kinds.canary, name)?.status, log: stand.log.slice(-25) }),
        limitMs,
      ),
    async stop() {
      end();
      await users?.stop();
    },
  };
  return shop;
}

/** Changes the image of a Deployment as `kubectl set image` does. */
export function push(stand: Stand, name: string, tag: string): void {
  const container = { name: 'shop', image: `shop:${tag}`, ports: [{ name: 'http', containerPort: 8080 }] };
  stand.edit(kinds.deployment, name, { spec: { template: { spec: { containers: [container] } } } });
}

/** Keeps every version of an object that is stored from now on. */
export function record<T extends KubeObject>(
  stand: Stand,
  kind: Kind,
  name: string,
): { entries: Stored<T>[]; end: () => void } {
  const entries: Stored<T>[] = [];
  const end = stand.sandbox.store.watch(kind, { namespace, fieldSelector: `metadata.name=${name}` }, (event) => {
    entries.push({ atMs: systemClock.now(), type: event.type, object: event.object as T });
  });
  return { entries, end };
}

function hostRoute(name: string, stable: string): string {
  return JSON.stringify({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name, namespace },
    spec: {
      parentRefs: [{ name: 'web' }],
      hostnames: [`${name}.example`],
      rules: [{ backendRefs: [{ name: stable, port: 80 }] }],
    },
  });
}

/** The Canary of a shop as a user would write it. */
export function canaryOf(name: string, { mode = 'backends', spec = {}, analysis = {} }: ShopOptions): string {
  const subject =
    mode === 'targetRef'
      ? { targetRef: { name } }
      : { backends: { stable: { name: `${name}-v1`, port: 80 }, canary: { name: `${name}-v2`, port: 80 } } };
  return JSON.stringify({
    apiVersion: 'linnet.dev/v1beta1',
    kind: 'Canary',
    metadata: { name, namespace },
    spec: {
      ...subject,
      routes: [{ name }],
      ...spec,
      analysis: {
        interval: '5s',
        stepWeights: [20, 50, 100],
        metrics: [{ name: 'request-success-rate', thresholdRange: { min: 99 } }],
        ...analysis,
      },
    },
  });
}
