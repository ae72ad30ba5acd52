import { parseArgs } from 'node:util';
import { drawOptions, plainOptions } from './options.ts';
import { simulate } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '500' },
    from: { type: 'string', default: '1' },
    scenario: { type: 'string' },
    plain: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
let failed = 0, events = 0;
const t0 = performance.now();
const outcomes: Record<string, number> = {};
for (let seed = first; seed < first + count; seed++) {
  const options = values.plain ? { ...drawOptions(seed, values.scenario), ...faultless() } : drawOptions(seed, values.scenario);
  const result = await simulate(options, values.verbose ? { say: (line) => console.log(line) } : {});
  events += result.events;
  const key = result.outcomes.join(',');
  outcomes[key] = (outcomes[key] ?? 0) + 1;
  if (values.seed !== undefined) console.log(JSON.stringify(options), result);
  if (result.violations.length > 0) {
    failed++;
    console.log(seed, options.scenario, options.mode, result.violations[0]);
  }
}
const seconds = (performance.now() - t0) / 1000;
console.log(`${count} seeds, ${failed} failed, ${events} events, ${seconds.toFixed(1)} s, ${(count / seconds).toFixed(1)} seeds/s`);
console.log(outcomes);
function faultless() {
  const { faults, watch, kill, metricsFaults, metricsLatencyMs } = plainOptions('');
  return { faults, watch, kill, metricsFaults, metricsLatencyMs };
}
