// `unwind commands` and `unwind completion`: what there is, for people and for shells.

import type { Command } from 'commander';
import { listCommands } from './frame.ts';
import { nounOf } from './nouns.ts';
import { outputTo, printJson } from './run.ts';
import { tableOf } from './table.ts';

export function addHelpCommands(program: Command): void {
  nounOf(program, 'commands')
    .option('--json', 'one JSON document instead of text')
    .action(({ json }: { json?: true }) => {
      const stdout = outputTo(process.stdout);
      const all = listCommands(program);
      if (json) printJson(stdout, all);
      else {
        const rows = all.map(({ usage, description }) => [`unwind ${usage}`, description]);
        stdout.write(tableOf(rows, process.stdout.isTTY === true));
      }
    });
  nounOf(program, 'completion')
    .argument('<shell>', 'bash, zsh or fish')
    .option('--json', 'the same as a member of a JSON document')
    .action(async (shell: string, { json }: { json?: true }) => {
      const { completionFor, shells } = await import('./completion.ts');
      const known = shells.find((one) => one === shell);
      if (known === undefined) {
        program.error(`error: there is no completion for '${shell}': bash, zsh and fish have one.`);
      }
      const script = completionFor(known, program);
      if (json) printJson(process.stdout, { shell, script });
      else process.stdout.write(script);
    });
}
