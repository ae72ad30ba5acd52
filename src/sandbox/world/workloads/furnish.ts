import type { Clock } from '../../../ports/clock.ts';
import { ApiError, type ObjectStore } from '../types.ts';
import { kubeTime } from './canonical.ts';
import { nodeKind } from './kinds.ts';
import { nodeName } from './pod-status.ts';

const write = { fieldManager: 'linnet-sandbox' };

/** Puts into an empty store the one ready Node on which its pods run. */
export function furnish(store: ObjectStore, clock: Clock): void {
  ensure(() => {
    const node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: nodeName, labels: { 'kubernetes.io/hostname': nodeName } },
      spec: {},
    };
    const created = store.create(nodeKind, node, write);
    const at = kubeTime(clock.now());
    const status = {
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'KubeletReady',
          message: 'the sandbox is ready',
          lastHeartbeatTime: at,
          lastTransitionTime: at,
        },
      ],
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    };
    store.update({ kind: nodeKind, name: nodeName }, { ...created, status }, { ...write, subresource: 'status' });
  });
}

function ensure(create: () => void): void {
  try {
    create();
  } catch (error) {
    if (!(error instanceof ApiError && error.status.reason === 'AlreadyExists')) throw error;
  }
}
