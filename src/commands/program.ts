// The command line as a tree: one entry for each command, with its arguments and options (nouns.ts).

import { Command } from 'commander';
import { packageVersion } from '../settings/package-version.ts';
import { addExamples } from './examples.ts';
import { addFrame } from './frame.ts';
import { addNouns } from './nouns.ts';
import { outputTo, printOutcome } from './run.ts';

/** The commands that a command line needs, with their examples; all where none is given. */
export async function makeProgram(args?: readonly string[]): Promise<Command> {
  const program = new Command('unwind')
    .description(
      'Turns every position of a brokerage account into cash, exactly once, and proves it.',
    )
    .version(packageVersion, '-V, --version', 'display the version')
    .showHelpAfterError() // of a group: its commands
    // What is wrong on a command line is repeated, and may have been pasted.
    .configureOutput({
      writeOut: (text) => outputTo(process.stdout).write(text),
      writeErr: (text) => outputTo(process.stderr).write(text),
    })
    // A command line that cannot be read ends like every other command that could not be run.
    .exitOverride(({ exitCode, message }) => {
      if (exitCode === 0) process.exit(0);
      if (process.argv.includes('--json')) printOutcome(2, { error: message });
      process.exit(2);
    });
  await addNouns(program, args);
  program.commandsGroup('Run:').helpCommand(true);
  addExamples(program);
  addFrame(program);
  return program;
}
