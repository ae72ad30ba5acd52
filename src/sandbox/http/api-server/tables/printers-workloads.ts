import type { KubeObject } from '../../../../api/objects.ts';
import { age } from './human-duration.ts';
import {
  type Printer,
  at,
  containersOf,
  type Fields,
  labels,
  list,
  number,
  printer,
  selector,
  text,
} from './printer.ts';

const created = (object: KubeObject, nowMs: number) => age(object.metadata.creationTimestamp, nowMs);
const templateOf = (object: KubeObject) => containersOf(at(object, 'spec', 'template', 'spec'));

/** Tables of pods and of what makes pods. */
export const workloadPrinters: Record<string, Printer> = {
  '/Pod': printer(
    ['Name', 'Ready', 'Status', 'Restarts', 'Age', '+IP', '+Node', '+Nominated Node', '+Readiness Gates'],
    (pod, nowMs) => {
      const statuses = list(pod, 'status', 'containerStatuses');
      const ready = statuses.filter((status) => status.ready === true).length;
      return [
        pod.metadata.name,
        `${ready}/${list(pod, 'spec', 'containers').length}`,
        podStatus(pod),
        String(statuses.reduce((sum, status) => sum + number(status.restartCount), 0)),
        created(pod, nowMs),
        text(at(pod, 'status').podIP, '<none>'),
        text(at(pod, 'spec').nodeName, '<none>'),
        '<none>',
        '<none>',
      ];
    },
  ),
  'apps/Deployment': printer(
    ['Name', 'Ready', '#Up-to-date', '#Available', 'Age', '+Containers', '+Images', '+Selector'],
    (deployment, nowMs) => {
      const status = at(deployment, 'status');
      return [
        deployment.metadata.name,
        `${number(status.readyReplicas)}/${number(at(deployment, 'spec').replicas)}`,
        number(status.updatedReplicas),
        number(status.availableReplicas),
        created(deployment, nowMs),
        ...templateOf(deployment),
        selector(at(deployment, 'spec', 'selector')),
      ];
    },
  ),
  'apps/ReplicaSet': printer(
    ['Name', '#Desired', '#Current', '#Ready', 'Age', '+Containers', '+Images', '+Selector'],
    (set, nowMs) => [...replicaCells(set, nowMs), ...templateOf(set), selector(at(set, 'spec', 'selector'))],
  ),
  '/ReplicationController': printer(
    ['Name', '#Desired', '#Current', '#Ready', 'Age', '+Containers', '+Images', '+Selector'],
    (controller, nowMs) => [
      ...replicaCells(controller, nowMs),
      ...templateOf(controller),
      labels(at(controller, 'spec', 'selector')),
    ],
  ),
  'apps/StatefulSet': printer(['Name', 'Ready', 'Age', '+Containers', '+Images'], (set, nowMs) => [
    set.metadata.name,
    `${number(at(set, 'status').readyReplicas)}/${number(at(set, 'spec').replicas)}`,
    created(set, nowMs),
    ...templateOf(set),
  ]),
  'apps/DaemonSet': printer(
    [
      'Name',
      '#Desired',
      '#Current',
      '#Ready',
      '#Up-to-date',
      '#Available',
      'Node Selector',
      'Age',
      '+Containers',
      '+Images',
    ],
    (set, nowMs) => {
      const status = at(set, 'status');
      return [
        set.metadata.name,
        number(status.desiredNumberScheduled),
        number(status.currentNumberScheduled),
        number(status.numberReady),
        number(status.updatedNumberScheduled),
        number(status.numberAvailable),
        labels(at(set, 'spec', 'template', 'spec', 'nodeSelector')),
        created(set, nowMs),
        ...templateOf(set),
      ];
    },
  ),
  'autoscaling/HorizontalPodAutoscaler': printer(
    ['Name', 'Reference', 'Targets', 'MinPods', 'MaxPods', '#Replicas', 'Age'],
    (autoscaler, nowMs) => {
      const target = at(autoscaler, 'spec', 'scaleTargetRef');
      return [
        autoscaler.metadata.name,
        `${text(target.kind)}/${text(target.name)}`,
        '<none>',
        text(at(autoscaler, 'spec').minReplicas, '<unset>'),
        text(at(autoscaler, 'spec').maxReplicas, '0'),
        number(at(autoscaler, 'status').currentReplicas),
        created(autoscaler, nowMs),
      ];
    },
  ),
  'policy/PodDisruptionBudget': printer(
    ['Name', 'Min Available', 'Max Unavailable', '#Allowed Disruptions', 'Age'],
    (budget, nowMs) => [
      budget.metadata.name,
      text(at(budget, 'spec').minAvailable, 'N/A'),
      text(at(budget, 'spec').maxUnavailable, 'N/A'),
      number(at(budget, 'status').disruptionsAllowed),
      created(budget, nowMs),
    ],
  ),
};

function replicaCells(object: KubeObject, nowMs: number): unknown[] {
  const status = at(object, 'status');
  return [
    object.metadata.name,
    number(at(object, 'spec').replicas),
    number(status.replicas),
    number(status.readyReplicas),
    created(object, nowMs),
  ];
}

/** The one word that `kubectl get pods` shows: what a container waits for or ended with comes before the phase. */
function podStatus(pod: KubeObject): string {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating';
  const status = at(pod, 'status');
  for (const container of list(status, 'containerStatuses')) {
    const reason = stateReason(at(container, 'state'));
    if (reason !== undefined) return reason;
  }
  return text(status.reason, text(status.phase, 'Unknown'));
}

function stateReason(state: Fields): string | undefined {
  const waiting = at(state, 'waiting').reason;
  const terminated = at(state, 'terminated').reason;
  if (typeof waiting === 'string') return waiting;
  return typeof terminated === 'string' ? terminated : undefined;
}
