import { digestOf, templateDigest } from '../api/digest.ts';
import { revisionAnnotation } from '../api/names.ts';
import type { Deployment, PodTemplate } from '../api/objects.ts';
import type { Carrier } from '../decide/view.ts';

interface Container {
  name?: unknown;
  [field: string]: unknown;
}

/** What makes a container run as it does. The rest of a template is changed for the canary, or by webhooks on their way. */
const compared = ['image', 'command', 'args', 'env', 'envFrom'] as const;

/**
 * Reads the canary Deployment. Its revision is the one that it was made for, as long as its containers are those of the target's template;
 * once somebody has changed them it is a revision of its own.
 */
export function carrierOf(carrier: Deployment, target: Deployment | undefined): Carrier {
  const { replicas = 1, template } = carrier.spec;
  const madeFor = carrier.metadata.annotations?.[revisionAnnotation];
  const wanted = target?.spec.template;
  const changed = wanted !== undefined && templateDigest(wanted) === madeFor && !runsAs(template, wanted);
  return { replicas, digest: madeFor === undefined || changed ? templateDigest(template) : madeFor };
}

function runsAs(template: PodTemplate, wanted: PodTemplate): boolean {
  return (['containers', 'initContainers'] as const).every((field) => {
    const present = containersOf(template, field);
    return containersOf(wanted, field).every((container) => {
      const same = present.find(({ name }) => name === container.name);
      return same !== undefined && digestOf(essence(same)) === digestOf(essence(container));
    });
  });
}

function containersOf({ spec }: PodTemplate, field: 'containers' | 'initContainers'): Container[] {
  return (spec?.[field] as Container[] | undefined) ?? [];
}

function essence(container: Container): unknown[] {
  return compared.map((field) => container[field] ?? null);
}
