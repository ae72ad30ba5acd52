import { bugs } from './bugs.ts';
import { fixedOptions } from './fixed.ts';
import { type CrashPoint, type Options, drawOptions } from './options.ts';
import { type Result, simulate } from './simulation.ts';

/** One piece of work for a worker. */
export type Task =
  | { do: 'seed'; seed: number; scenario?: string | undefined; twice: boolean }
  | { do: 'fixed'; scenario: string; replicas: 1 | 2; crash?: { call: number; point: CrashPoint } }
  | { do: 'hunt'; bug: string; most: number };

/** What a worker answers. */
export interface Done {
  task: Task;
  events: number;
  /** How many simulations it took. */
  runs: number;
  /** Of the last simulation. */
  result: Result;
  options: Options;
  problems: string[];
}

/** Does one piece of work. */
export async function perform(task: Task, say?: (line: string) => void): Promise<Done> {
  switch (task.do) {
    case 'seed': {
      const options = drawOptions(task.seed, task.scenario);
      const result = await simulate(options, { say });
      if (!task.twice) return { task, options, result, runs: 1, events: result.events, problems: result.violations };
      const again = await simulate(options);
      const same = again.hash === result.hash;
      const other = same ? [] : [`the same seed gave the traces ${result.hash} and ${again.hash}`];
      const problems = [...result.violations, ...other];
      return { task, options, result, runs: 2, events: result.events + again.events, problems };
    }
    case 'fixed': {
      const options = fixedOptions(task.scenario, task.replicas, task.crash);
      const result = await simulate(options, { say });
      return { task, options, result, runs: 1, events: result.events, problems: result.violations };
    }
    case 'hunt':
      return hunt(task, say);
  }
}

/** Seeds until a planted bug is found. */
async function hunt(task: Extract<Task, { do: 'hunt' }>, say?: (line: string) => void): Promise<Done> {
  const bug = bugs[task.bug];
  if (bug === undefined) throw new Error(`there is no bug "${task.bug}"; there are ${Object.keys(bugs).join(', ')}`);
  for (let seed = 1, events = 0; ; seed++) {
    const options = drawOptions(seed, undefined);
    const result = await simulate(options, { bug, say });
    events += result.events;
    const found = result.violations.length > 0;
    if (!found && seed < task.most) continue;
    const problems = found ? [] : [`the planted bug "${task.bug}" was not found in ${task.most} seeds`];
    return { task, options, result, runs: seed, events, problems };
  }
}
