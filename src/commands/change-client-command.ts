// The frame of commands that change a client's access: whose it is, by whom and why, and what is printed.

import type { Command } from 'commander';
import { ClientChangeError, type Instruction } from '../auth/change-client.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import { nameOfUser } from '../person-name.ts';
import type { Mode } from '../settings/config.ts';
import { actOfCommand } from './acting.ts';
import { clientId, personName, reasonText } from './arguments.ts';
import { onDatabase } from './on-database.ts';
import { printJson, run } from './run.ts';
import { RefusedError } from './usage-error.ts';

export const printsJson = 'one JSON document, which it prints anyway';

export interface ByWhom {
  readonly actor: string;
  readonly reason: string;
}

/** Makes commands, each of one change, below the one given. */
export function changesOf(clients: Command): (name: string, description: string) => Command {
  return (name, description) => {
    return clients
      .command(name)
      .description(description)
      .argument('<client>', 'its id', clientId)
      .requiredOption('--reason <text>', 'why, for those who ask later', reasonText)
      .option('--json', printsJson)
      .option('--actor <name>', 'who decides it', personName, nameOfUser());
  };
}

/** A change of one client. */
type Change<Result> = (
  sql: Sql,
  clock: Clock,
  instruction: Instruction,
  mode: Mode,
) => Promise<Result>;

/** Makes a change of one client and prints what came of it as JSON. */
export function changed<Result>(
  operation: string,
  tenantId: TenantId,
  by: ByWhom,
  work: Change<Result>,
  shownOf: (result: Result) => object,
): Promise<void> {
  return changedBy(operation, tenantId, by, async () => work, shownOf);
}

/** The same by what its command line says first, such as files: they are read before a database is opened. */
export function changedBy<Result>(
  operation: string,
  tenantId: TenantId,
  { actor, reason }: ByWhom,
  read: () => Promise<Change<Result>>,
  shownOf: (result: Result) => object,
): Promise<void> {
  return run(async (config, log) => {
    const work = await read();
    return onDatabase(config, log, async ({ sql, clock, stdout }) => {
      const target = `/clients/${tenantId}`;
      const act = actOfCommand(clock.now(), { operation, target, actor, reason });
      const instruction = { tenantId, actor, reason, act };
      const result = await work(sql, clock, instruction, config.mode).catch((error: unknown) => {
        if (!(error instanceof ClientChangeError)) throw error;
        throw new RefusedError(error.message, { cause: error });
      });
      return printJson(stdout, { client_id: tenantId, ...shownOf(result) });
    });
  });
}
