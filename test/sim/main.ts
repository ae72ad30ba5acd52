import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { bugs } from './bugs.ts';
import { type Crash, crashedRuns, crashesOf } from './fixed.ts';
import { crashPoints } from './options.ts';
import { doAll } from './pool.ts';
import { type Done, type Task, perform } from './work.ts';

const help = `npm run sim -- [options]

  --seed N             one seed, with everything that happens in it
  --seeds N            so many random seeds (500), then the crashes and the planted bugs
  --from N             the first of them (1)
  --scenario NAME      only this scenario of the random seeds
  --crash NAME:R:N:P   one crash of a fixed scenario: replicas, call, point
  --bug NAME           one planted bug, with everything that happens when it is found
  --only PART          seeds, crashes or bugs
`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '500' },
    from: { type: 'string', default: '1' },
    scenario: { type: 'string' },
    crash: { type: 'string' },
    bug: { type: 'string' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

/** Seeds that are run twice, to see that they give the same trace. */
const twiceEach = 25;
const mostSeedsForBug = 200;
const progressMs = 10_000;

const begunMs = performance.now();
const seconds = () => ((performance.now() - begunMs) / 1000).toFixed(1);
const say = (line: string) => void process.stdout.write(`${line}\n`);

const single = singleTask();
if (values.help) say(help);
else if (single === undefined) process.exitCode = (await everything()) > 0 ? 1 : 0;
else process.exitCode = (await watch(single)) > 0 ? 1 : 0;

function singleTask(): Task | undefined {
  if (values.seed !== undefined) {
    return { do: 'seed', seed: number(values.seed, 'seed'), scenario: values.scenario, twice: false };
  }
  if (values.bug !== undefined) return { do: 'hunt', bug: values.bug, most: mostSeedsForBug };
  if (values.crash === undefined) return undefined;
  const [scenario = '', replicas, call = '', at] = values.crash.split(':');
  const point = crashPoints.find((one) => one === at);
  if (point === undefined)
    throw new Error(`--crash ${values.crash}: the point must be one of ${crashPoints.join(', ')}`);
  return { do: 'fixed', scenario, replicas: replicas === '1' ? 1 : 2, crash: { call: number(call, 'crash'), point } };
}

function number(text: string, flag: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`--${flag}: "${text}" is not a number`);
  return Number(text);
}

/** One task with everything that happens in it. */
async function watch(task: Task): Promise<number> {
  const done = await perform(task, task.do === 'hunt' ? undefined : say);
  say(`\n${JSON.stringify(done.options)}`);
  say(
    `trace ${done.result.hash}, ${done.events} events, ${done.result.calls} calls, outcomes ${done.result.outcomes.join(', ')}`,
  );
  if (task.do === 'hunt') say(`found after ${done.runs} seeds: ${done.result.violations.join('; ')}`);
  for (const problem of done.problems) say(problem);
  return done.problems.length;
}

/** All parts, each with a summary. @returns how many tasks failed */
async function everything(): Promise<number> {
  let failed = 0;
  if (wants('seeds')) failed += await part('random seeds', seedTasks());
  if (wants('crashes')) failed += await crashes();
  if (wants('bugs'))
    failed += await part(
      'planted bugs',
      Object.keys(bugs).map((bug) => ({ do: 'hunt', bug, most: mostSeedsForBug })),
    );
  say(`${failed === 0 ? 'ok' : `${failed} FAILED`} in ${seconds()} s`);
  return failed;
}

function wants(name: string): boolean {
  return values.only === undefined || values.only === name;
}

function seedTasks(): Task[] {
  const from = number(values.from, 'from');
  return Array.from({ length: number(values.seeds, 'seeds') }, (_, i) => ({
    do: 'seed',
    seed: from + i,
    scenario: values.scenario,
    twice: i < twiceEach,
  }));
}

/** Each fixed scenario once without a crash; then every call of it, at every point; all must end in the same way. */
async function crashes(): Promise<number> {
  const planned: Crash[] = [];
  const ends = new Map<string, string>();
  const key = ({ scenario, replicas }: { scenario: string; replicas: number }) => `${scenario}:${replicas}`;
  const whole = crashedRuns.map((run): Task => ({ do: 'fixed', ...run }));
  let failed = await part('fixed scenarios', whole, ({ task, result }) => {
    if (task.do !== 'fixed') return [];
    ends.set(key(task), result.outcomes.join(', '));
    planned.push(...crashesOf(task.scenario, task.replicas, result));
    return [];
  });
  const tasks = planned.map(
    ({ scenario, replicas, call, point }): Task => ({
      do: 'fixed',
      scenario,
      replicas,
      crash: { call, point },
    }),
  );
  failed += await part('single crashes', tasks, ({ task, result }) => {
    const end = task.do === 'fixed' ? ends.get(key(task)) : undefined;
    const outcomes = result.outcomes.join(', ');
    return outcomes === end ? [] : [`S20 it ended ${outcomes}, and without a crash ${end}`];
  });
  return failed;
}

/** Does the tasks of one part and tells how it went. */
async function part(name: string, tasks: Task[], check: (done: Done) => string[] = () => []): Promise<number> {
  const partMs = performance.now();
  let [runs, events, finished, failed, toldMs] = [0, 0, 0, 0, partMs];
  await doAll(tasks, Math.min(2, availableParallelism()), (done) => {
    finished++;
    runs += done.runs;
    events += done.events;
    const problems = [...done.problems, ...check(done)];
    if (done.task.do === 'hunt' && problems.length === 0) {
      say(`  "${done.task.bug}" found after ${done.runs} seeds: ${done.result.violations[0]}`);
    }
    if (problems.length > 0) {
      failed++;
      say(`FAILED ${replay(done.task)}\n  ${problems.join('\n  ')}\n  ${JSON.stringify(done.options)}`);
    }
    if (performance.now() - toldMs < progressMs) return;
    toldMs = performance.now();
    say(`  ${finished} of ${tasks.length} ${name}, ${failed} failed`);
  });
  const took = (performance.now() - partMs) / 1000;
  say(
    `${name}: ${tasks.length} tasks, ${runs} simulations, ${events} events, ${failed} with violations, ${took.toFixed(1)} s (${(runs / took).toFixed(1)} a second)`,
  );
  return failed;
}

/** The command that runs the task again, alone and talkative. */
function replay(task: Task): string {
  if (task.do === 'hunt') return `npm run sim -- --bug "${task.bug}"`;
  if (task.do === 'seed') {
    return `npm run sim -- --seed ${task.seed}${task.scenario === undefined ? '' : ` --scenario ${task.scenario}`}`;
  }
  const { crash } = task;
  if (crash === undefined) return `${task.scenario} with ${task.replicas} replicas`;
  return `npm run sim -- --crash "${task.scenario}:${task.replicas}:${crash.call}:${crash.point}"`;
}
