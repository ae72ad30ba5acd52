import { expect, it } from 'vitest';
import { stages } from '../../src/api/canary-status.ts';
import { stateDiagram } from '../../src/decide/diagram.ts';
import { table } from '../../src/decide/table.ts';

const lines = stateDiagram(table)
  .split('\n')
  .map((line) => line.trim());

it('The diagram of the stages has one line for each transition', () => {
  for (const stage of stages) {
    for (const next of table[stage].next)
      expect(lines.filter((line) => line === `${stage} --> ${next}`)).toHaveLength(1);
  }
});

it('Every stage can be reached from the beginning, and only the last one leads out', () => {
  const reached = new Set<string>(['Initializing']);
  for (const stage of reached) for (const next of table[stage as keyof typeof table].next) reached.add(next);
  expect([...reached].toSorted()).toEqual([...stages].toSorted());
  expect(lines.filter((line) => line.endsWith('--> [*]'))).toEqual(['Releasing --> [*]']);
});
