// The commands by which an operator deals with what is stuck: `unwind abandon` and `unwind parked`. How
// commands are run and on which database is left to main.ts.

import type { Command } from 'commander';
import type { Clock } from './clock.ts';
import { clientId, liquidationId } from './command-arguments.ts';
import type { Sql } from './db/connect.ts';
import type { LiquidationId, TenantId } from './ids.ts';
import { runAbandon } from './liquidations/abandon-command.ts';
import { close, listParked, resume } from './parked/parked-command.ts';

/** What a command on the database works with. */
export interface OnDatabase {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly stdout: NodeJS.WritableStream;
}

/** Runs work on a database with the current schema, and sets the exit code to what it returns. */
export type RunOnDatabase = (work: (on: OnDatabase) => Promise<number>) => Promise<void>;

interface OfClient {
  readonly client?: TenantId;
}

export function addOperatorCommands(program: Command, run: RunOnDatabase): void {
  program
    .command('abandon')
    .description('end a liquidation that is stuck, with what was sold')
    .argument('<liquidation>', 'its id', liquidationId)
    .requiredOption('--reason <text>', 'why, for those who ask later')
    .option('--client <id>', 'whose it is, if clients have the same id', clientId)
    .action((id: LiquidationId, { reason, client }: OfClient & { reason: string }) => {
      return run((on) => runAbandon({ ...on, liquidationId: id, tenantId: client, reason }));
    });
  addParkedCommands(program, run);
}

function addParkedCommands(program: Command, run: RunOnDatabase): void {
  const parked = program.command('parked').description('what waits for a person, and why');
  parked
    .command('list', { isDefault: true })
    .description('list it; exits 1 when there is something')
    .option('--json', 'one JSON document instead of text')
    .action(({ json = false }: { json?: boolean }) => run((on) => listParked(on, json)));
  parked
    .command('resume')
    .description('let the service work on it again')
    .argument('[id]', 'as listed')
    .option('--all', 'everything that can be resumed')
    .option('--client <id>', 'whose it is, if clients have the same id', clientId)
    .action((id: string | undefined, { all, client }: OfClient & { all?: true }) => {
      if ((id === undefined) === (all === undefined)) parked.error('Name one id, or --all.');
      const choice = id === undefined ? 'all' : { id, tenantId: client };
      return run((on) => resume(on, choice));
    });
  parked
    .command('close')
    .description('mark a correction as seen to')
    .argument('<id>', 'as listed')
    .option('--client <id>', 'whose it is, if clients have the same id', clientId)
    .action((id: string, { client }: OfClient) => run((on) => close(on, { id, tenantId: client })));
}
