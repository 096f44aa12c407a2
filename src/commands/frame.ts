// What all commands have in common: groups in the help, `--json`, exit codes, and a word for what was misspelt.
// A command is declared where its room's commands are; its examples stand in examples.ts.

import { type Command, Option } from 'commander';
import { nearest } from '../settings/misspelt.ts';
import { leavesOf, olderNames } from './examples.ts';
import { printAs } from './run.ts';

/** How a command ends, the same for all of them. */
export const exitCodes = {
  0: 'done; or there was nothing to do',
  1: 'refused, not found, or something was found that a person has to look at',
  2: 'could not be run: the command line, a setting, the database or the service',
} as const;

/** What exit code 1 means where it is not a refusal. */
const findings: Readonly<Record<string, string>> = {
  audit: 'something differs',
  'controls set': 'in force, but not acknowledged yet',
  'batches start': 'the file is wrong; with --watch: something was not sold, or it goes on',
  'batches watch': 'something was refused or cancelled, or it goes on',
  doctor: 'something needs mending',
  'fix status': 'a session has failed',
  'halts set': 'in force, but not acknowledged yet',
  import: 'a file was refused',
  'inspect-signature': 'the service would refuse the request',
  'liquidations start':
    'refused, or the file is wrong; with --watch: something was not sold, or it goes on',
  'liquidations watch':
    'one has ended without selling everything, or it could not be watched to its end',
  'parked list': 'something is parked',
  reconcile: 'something differs',
  request: 'the answer is no 2xx',
  'replay-request': 'the answer is no 2xx',
  'statements verify': 'it is not whole, not by a key that is trusted, or does not add up',
  'trail verify': 'the trail is not whole',
  'venues check': 'a venue could not be logged on to',
  'venues reconcile': 'something differs',
  'webhooks test': 'the receiver did not acknowledge',
};

/** One command, as `unwind commands` and docs/cli.md list it. */
export interface ListedCommand {
  /** What stands behind `unwind`, with its arguments. */
  readonly usage: string;
  readonly description: string;
}

/** Every command but those that only are older names. */
export function listCommands(program: Command): readonly ListedCommand[] {
  return leavesOf(program, [])
    .filter(({ words }) => olderNames[words.join(' ')] === undefined)
    .map(({ words, command }) => {
      const names = command.registeredArguments.map((argument) => {
        const name = argument.variadic ? `${argument.name()}...` : argument.name();
        return argument.required ? `<${name}>` : `[${name}]`;
      });
      return { usage: [...words, ...names].join(' '), description: command.description() };
    });
}

/** Commands that print a document of their own with `--json`; the others get one with what they say. */
const ownDocuments = new WeakSet<Command>();

/** Adds what all commands have. To be called once they are all there. */
export function addFrame(program: Command): void {
  for (const { words, command } of leavesOf(program, [])) {
    if (command.options.some(({ long }) => long === '--json')) ownDocuments.add(command);
    else
      command.addOption(
        new Option('--json', 'one JSON document: whether it is done, and what it says'),
      );
    const name = words.join(' ');
    command.addHelpText('after', `\n${exitCodeText(name)}`);
    // The whole help would push what is wrong off the screen.
    command.showHelpAfterError(`See: unwind ${name} --help`);
  }
  program.hook('preAction', (_, command) => {
    const document = ownDocuments.has(command) ? 'own document' : 'lines in a document';
    printAs(command.opts()['json'] === true ? document : 'text');
  });
}

function exitCodeText(name: string): string {
  const found = findings[name] ?? 'refused, or nothing of that name';
  return `Exit codes: 0 done, 1 ${found}, 2 could not be run`;
}

/**
 * Ends with what was probably meant, where a word names no command of a group: a group that lists by default
 * would take it for an argument of its list.
 */
export function refuseUnknownCommand(program: Command, args: readonly string[]): void {
  let group = program;
  for (const word of args) {
    if (group.commands.length === 0 || word.startsWith('-') || word === 'help') return;
    const next = group.commands.find((one) => [one.name(), ...one.aliases()].includes(word));
    if (next === undefined) {
      const meant = nearest(
        [word],
        group.commands.map((one) => one.name()),
      );
      const hint = meant === undefined ? '' : `\n(Did you mean ${meant}?)`;
      group.error(`error: unknown command '${word}'${hint}`);
    } else {
      group = next;
    }
  }
}
