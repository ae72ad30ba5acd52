import type { Stage } from '../api/canary-status.ts';

/** What a diagram shows of one stage. */
interface Box {
  during: 'rest' | 'attempt';
  next: readonly Stage[];
}

/** A transition table as the text of a Mermaid diagram, one line for each transition; the first stage is where everything begins. */
export function stateDiagram(table: Readonly<Record<Stage, Box>>): string {
  const stages = Object.entries(table);
  const transitions = stages.flatMap(([stage, { next }]) =>
    next.length === 0 ? [`${stage} --> [*]`] : next.map((other) => `${stage} --> ${other}`),
  );
  const atRest = stages.filter(([, box]) => box.during === 'rest').map(([stage]) => stage);
  const lines = [
    `[*] --> ${stages[0]?.[0]}`,
    ...transitions,
    'classDef rest fill:#eee,stroke:#999,color:#333',
    `class ${atRest.join(',')} rest`,
  ];
  return ['stateDiagram-v2', ...lines.map((line) => `    ${line}`)].join('\n');
}
