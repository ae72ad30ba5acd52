import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { kinds } from '../../src/api/kinds.ts';
import { parseCanary, parseMetricTemplate } from '../../src/api/parse.ts';
import { aStore, crd, refusal } from '../sandbox/store-fixtures.ts';
import { badInputs, goodInputs } from './bad-input-rows.ts';

const kindOf = (object: { kind: string }) => (object.kind === 'Canary' ? kinds.canary : kinds.metricTemplate);
const asKubectl = { fieldManager: 'kubectl', fieldValidation: 'Strict' } as const;

function aStoreWithCrds() {
  const store = aStore();
  for (const plural of ['canaries', 'metrictemplates']) {
    const file = new URL(`../../crds/${plural}.generated.yaml`, import.meta.url);
    store.create(crd, parse(readFileSync(file, 'utf8')), asKubectl);
  }
  return store;
}
const store = aStoreWithCrds();

describe('The API server refuses what the CustomResourceDefinitions do not allow', () => {
  it.each(badInputs)('row $row: $input', ({ row, input, object, says }) => {
    const { message, code } = refusal(() => store.create(kindOf(object), object, asKubectl));
    const short = message.length > 300 ? `${message.slice(0, 300)}…` : message;
    console.log(`row ${row}, ${input}: ${short}`);
    expect(message).toMatch(says);
    expect(message).not.toMatch(/evaluat|overload/);
    expect([400, 422]).toContain(code);
  });

  it.each(goodInputs)('but takes $input', ({ object }) => {
    const stored = store.create(kindOf(object), object, { ...asKubectl, dryRun: true });
    expect(stored.spec).toMatchObject(JSON.parse(JSON.stringify(object.spec)));
  });
});

describe('The border refuses what would make a release impossible, also when the API server let it in', () => {
  /** Rules between fields that only keep people from mistakes: a release survives without them. */
  const harmless =
    /^(maxWeight|name of|label key|metric of|no metrics|metrics: \[\]|secretRef without|thresholdRange \{\}|min above|success rate|interval "(0s|99999h|25h|4s)"|.* of 24h)/;

  it.each(badInputs.filter((bad) => bad.unknownField !== true && !harmless.test(bad.input)))(
    'row $row: $input',
    ({ object }) => {
      const parsed = object.kind === 'Canary' ? parseCanary(object) : parseMetricTemplate(object);
      expect(parsed.ok).toBe(false);
      const problems = parsed.ok ? [] : parsed.problems;
      for (const { field, message } of problems) {
        expect(field).toMatch(/^spec(\.|$)/);
        expect(message).toMatch(/missing|must|needs|may name only/);
        expect(`${field} ${message}`).not.toContain('\n');
      }
    },
  );
});
