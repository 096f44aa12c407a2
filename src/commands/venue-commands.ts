// `unwind venues`: where orders go, when that is open, and whether its record agrees with ours. The names without
// `venues` are older.

import { type Command, Option } from 'commander';
import type { TenantId } from '../ids.ts';
import { simulatedMic } from '../venue/simulated/market-store.ts';
import { clientId, day, mic } from './arguments.ts';
import { openLog } from './log.ts';
import { nounOf } from './nouns.ts';
import { runOnDatabase, runOnMigrated } from './run.ts';

export function addVenueCommands(program: Command): void {
  const venues = nounOf(program, 'venues');
  venues
    .command('list', { isDefault: true })
    .description('how each stands: open or closed, its session, what is halted there')
    .option('--json', 'one JSON document instead of text')
    .action(({ json = false }: { json?: boolean }) => {
      return runOnDatabase(async (on) => {
        const { listVenues } = await import('./venues-command.ts');
        return listVenues(on, json);
      });
    });
  venues
    .command('check')
    .description('connect to each, log on, exchange a test request, log out, and say what was seen')
    .action(() => {
      return runOnDatabase(async (on, config) => {
        const log = openLog(config.log, 'warn');
        const profiles = config.venue.profiles?.filter((one) => one.type === 'fix') ?? [];
        const { checkVenues } = await import('./venues-command.ts');
        return checkVenues({ ...on, profiles, log });
      });
    });
  describeCalendar(venues.command('calendar'));
  describeCalendar(nounOf(program, 'calendar'));
  describeReconcile(venues.command('reconcile'));
  describeReconcile(nounOf(program, 'reconcile'));
}

function describeCalendar(command: Command): void {
  command
    .description('show when a venue is open, or give it another calendar')
    .argument('[venue]', 'market code, ISO 10383', mic, simulatedMic)
    .addOption(new Option('--file <file>', 'a calendar as JSON').conflicts('alwaysOpen'))
    .option('--always-open', 'no calendar: it is always open')
    .action((venue: string, options: { file?: string; alwaysOpen?: true }) => {
      return runOnMigrated(async (on) => {
        const { runCalendar } = await import('./calendar-command.ts');
        return runCalendar(on, { venue, ...options });
      });
    });
}

interface ReconcileArguments {
  readonly venue: string;
  readonly from?: string;
  readonly until?: string;
  readonly client?: TenantId;
  readonly json?: true;
}

function describeReconcile(command: Command): void {
  command
    .description("compare a venue's or custodian's own record of executions with ours, both ways")
    .requiredOption('--venue <mic>', 'market code, ISO 10383', mic)
    .argument(
      '<file>',
      'execution_id,client_order_id,isin,side,quantity,price,currency,executed_at',
    )
    .option('--from <day>', 'first day, UTC (default: the first of the file)', day)
    .option('--until <day>', 'last day, UTC (default: the last of the file)', day)
    .option('--client <id>', 'executions of this client alone (default: of all)', clientId)
    .option('--json', 'one JSON document instead of text')
    .action((file: string, options: ReconcileArguments) => {
      return runOnDatabase(async (on) => {
        const { runReconcile } = await import('./reconcile-command.ts');
        return runReconcile({ ...on, file, ...options });
      });
    });
}
