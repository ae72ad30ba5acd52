import type { Stage, Verb } from '../../src/api/canary-status.ts';
import { kinds } from '../../src/api/kinds.ts';
import { canaryObjectName, commandPrefix, fenceAnnotation } from '../../src/api/names.ts';
import type { Route } from '../../src/api/objects.ts';
import type { Canary } from '../../src/api/canary.ts';
import { podKind } from '../../src/sandbox/world/workloads/kinds.ts';
import type { StorePatch } from '../../src/sandbox/world/types.ts';
import { canaryName, routeManifest, template } from './manifests.ts';
import type { History } from './history.ts';
import type { Options } from './options.ts';
import type { Schedule } from './schedule.ts';
import { namespace, type World } from './world.ts';

/** When somebody acts: at a moment, or a while after the Canary's status has said a stage of an attempt for the first time. */
export type When = { atMs: number } | { stage: Stage; attempt: number; delayMs: number };

/** What somebody does to the cluster. */
export type Deed =
  | { do: 'push'; tag: string }
  | { do: 'command'; verb: Verb; full?: boolean }
  | { do: 'race' }
  | { do: 'suspend'; on: boolean }
  | { do: 'deleteCanary' }
  | { do: 'podsGone'; side: 'stable' | 'canary'; forMs: number }
  | { do: 'scale'; replicas: number }
  | { do: 'editSteps' }
  | { do: 'addFilter' }
  | { do: 'resetRoute' }
  | { do: 'replaceRoute' }
  | { do: 'unpause' };

export interface Action {
  when: When;
  deed: Deed;
}

/** The people and tools around the engine, who act as the options say. */
export class Users {
  readonly #world: World;
  readonly #schedule: Schedule;
  readonly #options: Options;
  readonly #waiting: Action[];
  #commands = 0;
  #retired = false;
  #replaced = false;
  #canary: Canary | undefined;
  /** How often somebody did something. */
  acts = 0;
  /** What the user's own manifest of the route says now. */
  route: Route;
  /** The tag that was pushed last. */
  tag = 'v1';
  /** Until when pods of a side are taken away as they come. */
  readonly gone = { stable: 0, canary: 0 };
  /** The Canary was deleted such that a waiting template is rolled out without an attempt. */
  get released(): boolean {
    return this.#canary?.metadata.deletionTimestamp !== undefined || this.#canary === undefined;
  }
  /** The Canary as it was stored last, deleted or not. */
  last: Canary | undefined;
  /** Somebody meddled with what is Linnet's during an attempt. */
  meddled = false;

  constructor(world: World, schedule: Schedule, history: History, options: Options) {
    this.#world = world;
    this.#schedule = schedule;
    this.#options = options;
    this.#waiting = [...options.actions];
    this.route = routeManifest(options);
    for (const action of options.actions) {
      const { when } = action;
      if ('atMs' in when) this.#plan(action, when.atMs);
    }
    history.onStored(({ kind, type, object }) => {
      if (kind !== kinds.canary) return;
      this.#canary = type === 'put' ? (object as Canary) : undefined;
      this.last = object as Canary;
      if (type === 'put') this.#seen(object as Canary);
    });
  }

  /** Actions that still wait for their moment. */
  get pending(): number {
    return this.#waiting.filter(({ when }) => 'atMs' in when).length;
  }

  /** Nothing more is done from now on. */
  retire(): void {
    this.#retired = true;
    this.#waiting.length = 0;
    this.gone.stable = 0;
    this.gone.canary = 0;
  }

  #seen({ status }: Canary): void {
    if (status === undefined) return;
    for (const action of this.#waiting.filter(({ when }) => 'stage' in when)) {
      const { when } = action;
      if ('atMs' in when || when.stage !== status.stage || when.attempt !== status.attempt) continue;
      this.#plan(action, when.delayMs);
    }
  }

  #plan(action: Action, delayMs: number): void {
    if ('stage' in action.when) this.#waiting.splice(this.#waiting.indexOf(action), 1);
    this.#schedule.at(
      delayMs,
      `user ${action.deed.do}`,
      () => {
        if (this.#retired) return;
        const at = this.#waiting.indexOf(action);
        if (at >= 0) this.#waiting.splice(at, 1);
        this.act(action.deed);
      },
      false,
    );
  }

  /** Does one thing; what is not possible any more is left. */
  act(deed: Deed): void {
    this.acts++;
    switch (deed.do) {
      case 'push':
        return this.push(deed.tag);
      case 'command':
        return this.command(deed.verb, deed.full);
      case 'race':
        this.command('promote', true);
        return this.command('abort');
      case 'suspend':
        return this.#edit(kinds.canary, canaryName, { spec: { suspend: deed.on } });
      case 'deleteCanary':
        if (this.canary() !== undefined) {
          this.#world.store.delete({ kind: kinds.canary, namespace, name: canaryName });
        }
        return;
      case 'podsGone':
        this.gone[deed.side] = this.#schedule.nowMs + deed.forMs;
        return this.#killPods(deed.side);
      case 'scale':
        return this.#edit(kinds.deployment, this.#stableDeployment, { spec: { replicas: deed.replicas } });
      case 'editSteps':
        return this.#edit(kinds.canary, canaryName, { spec: { analysis: { stepWeights: [30, 60, 100] } } });
      case 'addFilter':
        return this.#addFilter();
      case 'resetRoute':
        this.meddled = true;
        return this.applyRoute();
      case 'replaceRoute':
        this.#replaced = true;
        // Between two backends the split is the user's again, and nobody repairs it.
        this.meddled ||= this.#options.mode === 'backends';
        this.#world.store.delete({ kind: kinds.httpRoute, namespace, name: 'app' });
        return this.applyRoute();
      case 'unpause':
        this.meddled = true;
        return this.#edit(kinds.deployment, this.#stableDeployment, { spec: { paused: false } });
    }
  }

  /** The Canary as it is stored now. */
  canary(): Canary | undefined {
    return this.#canary;
  }

  /** Pods were taken away or never come, so that users may be failed. */
  get disturbed(): boolean {
    return (
      this.meddled ||
      this.#replaced ||
      this.#options.actions.some(({ deed }) => deed.do === 'podsGone' || deed.do === 'scale')
    );
  }

  get #stableDeployment(): string {
    return this.#options.mode === 'targetRef' ? 'app' : 'app-v1';
  }

  /** A new version: in the target, or in the Deployment behind the canary Service. */
  push(tag: string): void {
    this.tag = tag;
    const name = this.#options.mode === 'targetRef' ? 'app' : 'app-v2';
    this.#edit(kinds.deployment, name, { spec: { template: template(name, tag) } });
  }

  /** Asks Linnet for something, for what is there now. */
  command(verb: Verb, full = false): void {
    const canary = this.canary();
    if (canary === undefined) return;
    const revision = canary.status?.release?.digest ?? canary.status?.history?.[0]?.digest;
    const named = (verb === 'promote' || verb === 'retry') && revision !== undefined ? { revision } : {};
    const body = { verb, by: 'jo', ...named, ...(full ? { full: true } : {}) };
    const id = `${commandPrefix}c${++this.#commands}`;
    this.#edit(kinds.canary, canaryName, { metadata: { annotations: { [id]: JSON.stringify(body) } } });
  }

  /** The user's own tool applies the user's own manifest. */
  applyRoute(): void {
    const options = { fieldManager: 'kubectl', force: true };
    this.#world.store.patch(
      { kind: kinds.httpRoute, namespace, name: 'app' },
      { type: 'apply', body: this.route },
      options,
    );
  }

  #addFilter(): void {
    const filter = {
      type: 'RequestHeaderModifier',
      requestHeaderModifier: { add: [{ name: 'x-team', value: 'shop' }] },
    };
    const route = structuredClone(this.route);
    for (const rule of route.spec.rules ?? []) rule['filters'] = [filter];
    this.route = route;
    this.#patch(kinds.httpRoute, 'app', {
      type: 'json',
      ops: [{ op: 'add', path: '/spec/rules/0/filters', value: [filter] }],
    });
  }

  #killPods(side: 'stable' | 'canary'): void {
    if (this.#schedule.nowMs >= this.gone[side]) return;
    const deployment =
      side === 'stable'
        ? this.#stableDeployment
        : this.#options.mode === 'targetRef'
          ? canaryObjectName('app')
          : 'app-v2';
    for (const pod of this.#world.store.list(podKind, { namespace }).items) {
      const mine = pod.metadata.ownerReferences?.some(({ name }) => name.replace(/-[a-z0-9]+$/, '') === deployment);
      if (mine !== true || pod.metadata.deletionTimestamp !== undefined) continue;
      this.#world.store.delete({ kind: podKind, namespace, name: pod.metadata.name });
    }
    this.#schedule.at(100, 'pods go', () => this.#killPods(side), false);
  }

  #edit(kind: (typeof kinds)[keyof typeof kinds], name: string, body: unknown): void {
    this.#patch(kind, name, { type: 'merge', body });
  }

  #patch(kind: (typeof kinds)[keyof typeof kinds], name: string, patch: StorePatch): void {
    const there = this.#world.store.list(kind, { namespace }).items.some(({ metadata }) => metadata.name === name);
    if (there) this.#world.store.patch({ kind, namespace, name }, patch, { fieldManager: 'kubectl-edit' });
  }

  /** What is Linnet's in the route as it is now: for messages. */
  describeRoute(): string {
    const found = this.#world.store.list(kinds.httpRoute, { namespace }).items[0] as Route | undefined;
    const weights = found?.spec.rules?.[0]?.backendRefs?.map(({ name, weight }) => `${name}=${weight}`);
    const fence = found?.metadata.annotations?.[fenceAnnotation(this.canary()?.metadata.uid ?? '')];
    return `${weights?.join(' ')} fence ${fence}`;
  }
}
