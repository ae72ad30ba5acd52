import { expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import type { Condition, Deployment } from '../../src/api/objects.ts';
import { podKind } from '../../src/sandbox/world/workloads/kinds.ts';
import { image, startWorld, type World } from './workloads-world.ts';

const revision = 'deployment.kubernetes.io/revision';

function sizes(world: World): Record<string, number> {
  return Object.fromEntries(
    world.sets().map((set) => [set.metadata.annotations?.[revision] ?? '', set.spec.replicas ?? 0]),
  );
}

function condition(deployment: Deployment, type: string): Pick<Condition, 'status' | 'reason'> | undefined {
  const found = deployment.status?.conditions?.find((candidate) => candidate.type === type);
  return found && { status: found.status, reason: found.reason };
}

test('a Deployment gets a ReplicaSet, ready pods on the node and a complete status', () => {
  const world = startWorld();
  world.deploy('shop', 'shop:v1', { replicas: 3 });
  world.clock.advance(5_000);

  const [set] = world.sets();
  expect(set?.metadata.labels?.['pod-template-hash']).toBeTruthy();
  expect(set?.metadata.annotations).toMatchObject({
    [revision]: '1',
    'deployment.kubernetes.io/desired-replicas': '3',
    'deployment.kubernetes.io/max-replicas': '4',
  });
  expect(world.pods()).toHaveLength(3);
  expect(new Set(world.pods().map((pod) => pod.status?.podIP)).size).toBe(3);
  expect(world.pods()[0]?.spec.nodeName).toBe('sandbox');
  const shop = world.deployment('shop');
  expect(shop.metadata.annotations?.[revision]).toBe('1');
  expect(shop.status).toMatchObject({
    observedGeneration: 1,
    replicas: 3,
    updatedReplicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
  });
  expect(condition(shop, 'Available')).toEqual({ status: 'True', reason: 'MinimumReplicasAvailable' });
  expect(condition(shop, 'Progressing')).toEqual({ status: 'True', reason: 'NewReplicaSetAvailable' });
});

test('at rest nothing is planned and nothing is written', () => {
  const world = startWorld();
  world.deploy('shop', 'shop:v1');
  world.expose('shop');
  world.clock.advance(5_000);
  const before = world.store.list(kinds.deployment).resourceVersion;
  world.clock.advance(3_600_000);
  expect(world.clock.planned()).toBe(0);
  expect(world.store.list(kinds.deployment).resourceVersion).toBe(before);
});

test('a rolling update keeps the pods available within its bounds and ends on the new template', () => {
  const world = startWorld();
  world.deploy('shop', 'shop:v1', { replicas: 8 });
  world.clock.advance(5_000);
  world.edit(kinds.deployment, 'shop', image('shop:v2'));
  let fewest = 8;
  let most = 8;
  for (let i = 0; i < 500; i++) {
    world.clock.advance(10);
    const pods = world.pods().filter((pod) => !pod.metadata.deletionTimestamp);
    most = Math.max(most, pods.length);
    fewest = Math.min(
      fewest,
      pods.filter((pod) => pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')).length,
    );
  }
  expect(fewest).toBe(6);
  expect(most).toBe(10);
  expect(sizes(world)).toEqual({ 1: 0, 2: 8 });
  expect(world.pods().map((pod) => pod.spec.containers?.[0]?.image)).toEqual(
    Array.from({ length: 8 }, () => 'shop:v2'),
  );
  expect(world.deployment('shop').metadata.annotations?.[revision]).toBe('2');
});

test('a paused Deployment keeps its ReplicaSet when the template changes, is scaled, heals, and rolls when unpaused', () => {
  const world = startWorld();
  world.deploy('shop', 'shop:v1');
  world.clock.advance(5_000);
  world.edit(kinds.deployment, 'shop', { spec: { paused: true, ...image('shop:v2').spec } });
  world.clock.advance(5_000);
  expect(sizes(world)).toEqual({ 1: 2 });
  expect(condition(world.deployment('shop'), 'Progressing')).toEqual({ status: 'Unknown', reason: 'DeploymentPaused' });
  expect(world.deployment('shop').status).toMatchObject({
    observedGeneration: 2,
    replicas: 2,
    updatedReplicas: 0,
    availableReplicas: 2,
  });

  world.edit(kinds.deployment, 'shop', { spec: { replicas: 4 } });
  const [victim] = world.pods();
  world.store.delete({
    kind: podKind,
    namespace: 'default',
    name: victim?.metadata.name ?? '',
  });
  world.clock.advance(5_000);
  expect(sizes(world)).toEqual({ 1: 4 });
  expect(world.pods().filter((pod) => pod.metadata.name !== victim?.metadata.name)).toHaveLength(4);

  world.edit(kinds.deployment, 'shop', { spec: { paused: false } });
  world.clock.advance(10_000);
  expect(sizes(world)).toEqual({ 1: 0, 2: 4 });
  expect(condition(world.deployment('shop'), 'Progressing')).toEqual({
    status: 'True',
    reason: 'NewReplicaSetAvailable',
  });
});

test('a Deployment paused in mid-rollout is scaled in proportion', () => {
  const world = startWorld();
  world.deploy('shop', 'shop:v1', { replicas: 10 });
  world.clock.advance(5_000);
  world.edit(kinds.deployment, 'shop', image('shop:v2-notready'));
  world.clock.advance(5_000);
  expect(sizes(world)).toEqual({ 1: 8, 2: 5 });
  world.edit(kinds.deployment, 'shop', { spec: { paused: true } });
  world.edit(kinds.deployment, 'shop', { spec: { replicas: 20 } });
  world.clock.advance(5_000);
  const scaled = sizes(world);
  expect((scaled[1] ?? 0) + (scaled[2] ?? 0)).toBe(25);
  expect(scaled).toEqual({ 1: 15, 2: 10 });
});

test('going back to an earlier template uses its ReplicaSet again under a new revision', () => {
  const world = startWorld();
  world.deploy('shop', 'shop:v1');
  world.clock.advance(5_000);
  const first = world.sets()[0]?.metadata.name;
  world.edit(kinds.deployment, 'shop', image('shop:v2'));
  world.clock.advance(5_000);
  world.edit(kinds.deployment, 'shop', image('shop:v1'));
  world.clock.advance(5_000);
  expect(sizes(world)).toEqual({ 2: 0, 3: 2 });
  expect(world.sets().find((set) => set.metadata.annotations?.[revision] === '3')?.metadata.name).toBe(first);
  expect(world.deployment('shop').metadata.annotations?.[revision]).toBe('3');
});

test('a rollout that does not get on exceeds its deadline and keeps the old pods', () => {
  const world = startWorld();
  world.deploy('shop', 'shop:v1', { replicas: 4, progressDeadlineSeconds: 30 });
  world.clock.advance(5_000);
  world.edit(kinds.deployment, 'shop', image('shop:v2-notready'));
  world.clock.advance(25_000);
  expect(condition(world.deployment('shop'), 'Progressing')).toEqual({ status: 'True', reason: 'ReplicaSetUpdated' });
  world.clock.advance(10_000);
  expect(condition(world.deployment('shop'), 'Progressing')).toEqual({
    status: 'False',
    reason: 'ProgressDeadlineExceeded',
  });
  expect(world.deployment('shop').status).toMatchObject({
    availableReplicas: 3,
    unavailableReplicas: 2,
    updatedReplicas: 2,
  });
  expect(condition(world.deployment('shop'), 'Available')).toEqual({
    status: 'True',
    reason: 'MinimumReplicasAvailable',
  });
});

test('Recreate takes all old pods away before it makes new ones', () => {
  const world = startWorld();
  world.deploy('shop', 'shop:v1', { strategy: { type: 'Recreate' } });
  world.clock.advance(5_000);
  world.edit(kinds.deployment, 'shop', image('shop:v2'));
  for (let i = 0; i < 300; i++) {
    world.clock.advance(10);
    const running = world.pods().filter((pod) => !pod.metadata.deletionTimestamp);
    expect(new Set(running.map((pod) => pod.spec.containers?.[0]?.image)).size).toBeLessThanOrEqual(1);
  }
  expect(world.pods().map((pod) => pod.spec.containers?.[0]?.image)).toEqual(['shop:v2', 'shop:v2']);
});

test('only as many old ReplicaSets as revisionHistoryLimit says are kept', () => {
  const world = startWorld();
  world.deploy('shop', 'shop:v1', { revisionHistoryLimit: 2 });
  for (let i = 2; i <= 6; i++) {
    world.clock.advance(5_000);
    world.edit(kinds.deployment, 'shop', image(`shop:v${i}`));
  }
  world.clock.advance(5_000);
  expect(sizes(world)).toEqual({ 4: 0, 5: 0, 6: 2 });
});

test('minReadySeconds delays availability', () => {
  const world = startWorld();
  world.deploy('shop', 'shop:v1', { minReadySeconds: 20 });
  world.clock.advance(10_000);
  expect(world.deployment('shop').status).toMatchObject({ readyReplicas: 2, availableReplicas: 0 });
  world.clock.advance(15_000);
  expect(world.deployment('shop').status).toMatchObject({ readyReplicas: 2, availableReplicas: 2 });
});

test('deleting a Deployment takes its ReplicaSets and pods along', () => {
  const world = startWorld();
  const deployment = world.deploy('shop', 'shop:v1');
  world.clock.advance(5_000);
  world.store.delete({ kind: kinds.deployment, namespace: 'default', name: deployment.metadata.name });
  world.clock.advance(5_000);
  expect([...world.sets(), ...world.pods()]).toEqual([]);
  expect(world.workloads.running().size).toBe(0);
});

test('a pod that crashes is told to be in CrashLoopBackOff and counts its restarts', () => {
  const world = startWorld();
  world.deploy('shop', 'shop:v1-crash', { replicas: 1 });
  world.clock.advance(40_000);
  const statuses = world.pods()[0]?.status?.['containerStatuses'];
  const [status] = (statuses ?? []) as { restartCount: number; state: object }[];
  expect(status?.state).toMatchObject({ waiting: { reason: 'CrashLoopBackOff' } });
  expect(status?.restartCount).toBe(2);
  expect(world.deployment('shop').status).toMatchObject({ readyReplicas: 0, unavailableReplicas: 1 });
});

test('the scaling of a rollout and the crashes of a pod are told in Events, the same ones counted', () => {
  const world = startWorld();
  world.deploy('shop', 'shop:v1-crash', { replicas: 1 });
  world.clock.advance(40_000);
  const events = world.store.list(kinds.event, { namespace: 'default' }).items;
  const set = world.sets()[0]?.metadata.name;
  const pod = world.pods()[0]?.metadata.name;
  expect(events).toHaveLength(2);
  expect(events.find(({ reason }) => reason === 'ScalingReplicaSet')).toMatchObject({
    message: `Scaled up replica set ${set} from 0 to 1`,
    count: 1,
    involvedObject: { kind: 'Deployment', name: 'shop' },
  });
  expect(events.find(({ reason }) => reason === 'BackOff')).toMatchObject({
    type: 'Warning',
    count: 3,
    involvedObject: { kind: 'Pod', name: pod },
  });
});
