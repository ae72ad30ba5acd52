import { Command, CommanderError } from 'commander';
import { controllerCommand } from './controller.ts';
import { demoCommand } from './demo.ts';
import { Failure } from './failure.ts';
import { sandboxCommand } from './sandbox.ts';
import { versionCommand, versionLine } from './version.ts';

const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/**
 * Runs one command line, e.g. `['controller', '--port', '0']`, to its end. What goes wrong is one line on standard error.
 * @returns the exit code: 0 done, 1 failed, 2 not a command line that Linnet understands
 */
export async function runCommandLine(args: string[]): Promise<number> {
  // What a command runs is loaded when it is asked for: the engine does not carry the sandbox in its memory.
  const program = new Command('linnet')
    .description('Progressive delivery for the Kubernetes Gateway API')
    .version(versionLine(), '-V, --version');
  for (const command of [controllerCommand(), sandboxCommand(), demoCommand(), versionCommand()])
    program.addCommand(command);
  // Commands that were made elsewhere do not take over the settings of the program.
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      outputError: (text, write) => write(`linnet: ${oneLine(text)}\n`),
    });
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCodes.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (!(error instanceof Failure)) throw error;
    console.error(`linnet: ${oneLine(error.message)}`);
    return exitCodes.failed;
  }
}

function oneLine(text: string): string {
  return text
    .replace(/^error: /, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ');
}
