// The commands by which an operator deals with what is stuck: `unwind abandon` and `unwind parked`.

import type { Command } from 'commander';
import type { LiquidationId, TenantId } from '../ids.ts';
import { runAbandon } from './abandon-command.ts';
import { clientId, displayName, liquidationId, nameOfUser, reasonText } from './arguments.ts';
import { close, listParked, resume } from './parked-command.ts';
import { runOnDatabase } from './run.ts';

interface OfClient {
  readonly client?: TenantId;
}

export function addOperatorCommands(program: Command): void {
  program
    .command('abandon')
    .description('end a liquidation that is stuck, with what was sold')
    .argument('<liquidation>', 'its id', liquidationId)
    .requiredOption('--reason <text>', 'why, for those who ask later')
    .option('--client <id>', 'whose it is, if clients have the same id', clientId)
    .action((id: LiquidationId, { reason, client }: OfClient & { reason: string }) => {
      return runOnDatabase((on) =>
        runAbandon({ ...on, liquidationId: id, tenantId: client, reason }),
      );
    });
  addParkedCommands(program);
}

function addParkedCommands(program: Command): void {
  const parked = program.command('parked').description('what waits for a person, and why');
  parked
    .command('list', { isDefault: true })
    .description('list it; exits 1 when there is something')
    .option('--json', 'one JSON document instead of text')
    .action(({ json = false }: { json?: boolean }) => runOnDatabase((on) => listParked(on, json)));
  parked
    .command('resume')
    .description('let the service work on it again')
    .argument('[id]', 'as listed')
    .option('--all', 'everything that can be resumed')
    .option('--client <id>', 'whose it is, if clients have the same id', clientId)
    .action((id: string | undefined, { all, client }: OfClient & { all?: true }) => {
      if ((id === undefined) === (all === undefined)) parked.error('Name one id, or --all.');
      const choice = id === undefined ? 'all' : { id, tenantId: client };
      return runOnDatabase((on) => resume(on, choice));
    });
  parked
    .command('close')
    .description('mark a correction as seen to')
    .argument('<id>', 'as listed')
    .requiredOption('--reason <text>', 'what was done about it', reasonText)
    .option('--actor <name>', 'who has seen to it', displayName, nameOfUser())
    .option('--client <id>', 'whose it is, if clients have the same id', clientId)
    .action((id: string, { client, ...by }: OfClient & { actor: string; reason: string }) =>
      runOnDatabase((on) => close(on, { id, tenantId: client, ...by })),
    );
}
