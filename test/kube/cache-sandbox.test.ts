import { afterEach, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import type { Deployment } from '../../src/api/objects.ts';
import { startCache } from '../../src/kube/cache.ts';
import { createKube } from '../../src/kube/client.ts';
import type { Change } from '../../src/kube/shelf.ts';
import { systemRandom } from '../../src/system.ts';
import { deploymentNamed, startSandboxApi } from '../tools/sandbox-api.ts';
import { quiet, until, wireTo } from './stand.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

test('several kinds are watched in all namespaces, own writes are seen at once, and quiet streams end without harm', async () => {
  const api = await startSandboxApi();
  const wire = wireTo(api.url);
  const changes: Change[] = [];
  const watched = [{ kind: kinds.deployment }, { kind: kinds.httpRoute }, { kind: kinds.namespace }];
  const times = { streamMs: 2_000, silenceMs: 2_500 };
  const cache = startCache({
    wire,
    random: systemRandom,
    log: quiet,
    kinds: watched,
    namespaces: [],
    onChange: (it) => changes.push(it),
    times,
  });
  const kube = createKube({ ...wire, random: systemRandom, onWrite: cache.noteWrite, onGone: cache.noteGone });
  ends.push(async () => {
    await cache.stop();
    await wire.connection.close();
    await api.close();
  });
  await cache.synced;
  expect(cache.list(kinds.namespace).map((it) => it.metadata.name)).toContain('default');
  await kube.create(kinds.deployment, deploymentNamed('web'));
  const web = { kind: kinds.deployment, namespace: 'default', name: 'web' };
  expect(cache.get<Deployment>(web)?.spec.replicas).toBe(2);
  await until(
    () => wire.seen.filter((it) => it.verb === 'watch').length >= 6,
    () => wire.seen,
  );
  expect(wire.seen.filter((it) => it.code !== 200 && it.code !== 201)).toEqual([]);
  expect(wire.seen.filter((it) => it.verb === 'list')).toHaveLength(3);
  api.store.patch(web, { type: 'merge', body: { spec: { replicas: 9 } } }, { fieldManager: 'user' });
  await until(
    () => cache.get<Deployment>(web)?.spec.replicas === 9,
    () => cache.health(),
  );
  const uid = cache.get(web)?.metadata.uid ?? '';
  await kube.delete(web, { uid });
  expect(cache.get(web)).toBeUndefined();
  expect(changes.filter((it) => it.kind === kinds.deployment).map((it) => it.type)).toEqual(['put', 'put', 'removed']);
});
