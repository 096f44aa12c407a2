// `unwind import` and `positions`: what accounts hold.

import type { Command } from 'commander';
import { deltaTypes } from '../book/delta.ts';
import type { TenantId } from '../ids.ts';
import { clientId } from './arguments.ts';
import { nounOf } from './nouns.ts';
import { runForClient } from './run.ts';

interface DeltaOptions {
  readonly account: string;
  readonly isin: string;
  readonly quantity: string;
  readonly reference: string;
  readonly client?: TenantId;
}

const deltaDescriptions = {
  credit: 'units come in',
  lock: 'units must not be sold yet',
  unlock: 'locked units may be sold again',
};

export function addBookCommands(program: Command): void {
  nounOf(program, 'import')
    .argument('<dir>', 'directory with any of the seven files')
    .option('--client <id>', 'whose book it is (default: the sandbox client)', clientId)
    .action((directory: string, { client, json }: { client?: TenantId; json?: true }) => {
      const hasTerminal = process.stdout.isTTY === true && json !== true;
      const terminal = hasTerminal ? process.stdout : undefined;
      return runForClient(client, async (to, { mode }) => {
        const { runImport } = await import('./import-command.ts');
        return runImport({ ...to, directory, terminal, isSandbox: mode === 'sandbox' });
      });
    });
  const positions = nounOf(program, 'positions');
  for (const type of deltaTypes) {
    positions
      .command(type)
      .description(deltaDescriptions[type])
      .requiredOption('--account <id>', 'the account')
      .requiredOption('--isin <isin>', 'the instrument')
      .requiredOption('--quantity <units>', 'more than 0')
      .requiredOption('--reference <text>', 'your name for it: the same again changes nothing')
      .option('--client <id>', 'whose account it is (default: the sandbox client)', clientId)
      .action(({ account, isin, quantity, reference, client }: DeltaOptions) => {
        const fields = [type, account, isin, quantity, reference];
        return runForClient(client, async (to) => {
          const { runDelta } = await import('./deltas-command.ts');
          return runDelta(to, fields);
        });
      });
  }
  positions
    .command('apply')
    .description('credits, locks and unlocks from a CSV file: all of them or none')
    .argument('<file>', 'type,account_id,isin,quantity,reference')
    .option('--client <id>', 'whose accounts they are (default: the sandbox client)', clientId)
    .action((file: string, { client }: { client?: TenantId }) => {
      return runForClient(client, async (to) => {
        const { runDeltaFile } = await import('./deltas-command.ts');
        return runDeltaFile(to, file);
      });
    });
}
