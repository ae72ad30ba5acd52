import type { KubeObject } from '../../../api/objects.ts';
import type { KindDefinition } from '../types.ts';
import { type FieldError, invalid } from './field-errors.ts';
import { equal, fieldOf, objectAt } from './json.ts';

/** What the API server's own code checks of workloads, beyond their schema. */
export function workloadErrors(
  definition: KindDefinition,
  next: KubeObject,
  live: KubeObject | undefined,
): FieldError[] {
  if (definition.group !== 'apps') return [];
  const spec = objectAt(next, 'spec');
  const errors: FieldError[] = [];
  const { replicas } = spec;
  if (typeof replicas === 'number' && replicas < 0) {
    errors.push(invalid('spec.replicas', replicas, 'must be greater than or equal to 0'));
  }
  const selector = objectAt(spec, 'selector');
  if (live !== undefined && !equal(selector, objectAt(objectAt(live, 'spec'), 'selector'))) {
    errors.push(invalid('spec.selector', selector, 'field is immutable'));
  }
  const labels = objectAt(objectAt(objectAt(spec, 'template'), 'metadata'), 'labels');
  const mismatch = Object.entries(objectAt(selector, 'matchLabels')).some(
    ([key, value]) => fieldOf(labels, key) !== value,
  );
  if (mismatch) {
    errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  return errors;
}
