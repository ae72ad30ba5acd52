import { Command, Option } from 'commander';
import type { Mode } from './demo/shop.ts';

export interface DemoFlags {
  mode: Mode;
  once?: true;
  report?: string;
}

/** `linnet demo`: a cluster, a shop with users, and two releases of it. */
export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'Show a good release that is promoted and a bad one that comes back, on a small cluster in this process',
    )
    .addOption(
      new Option('--mode <mode>', 'targetRef: one Deployment, released in place; backends: two versions side by side')
        .choices(['targetRef', 'backends'])
        .default('targetRef'),
    )
    .option('--once', 'end after the two releases, even in a terminal')
    .option('--report <file>', 'write what was measured as JSON')
    .action(async (flags: DemoFlags) => (await import('./demo/run-demo.ts')).runDemo(flags));
}
