// How every command is run: settings are read, the database is opened and at the right schema, and the exit
// code says how it ended (frame.ts).

import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { DatabaseClock } from '../db/database-clock.ts';
import { refuseOtherSchema } from '../db/migrate.ts';
import { drawIdsFrom, parseId, type TenantId } from '../ids.ts';
import { printable } from '../printable.ts';
import { readSandboxClient } from '../sandbox/sandbox-client.ts';
import { type Config, readConfig } from '../settings/config.ts';
import { prepareDatabase, withDatabase } from '../settings/database.ts';
import { explain } from '../settings/explain.ts';
import { moveOrderOn } from '../trail/chain-store.ts';
import { openLog } from './log.ts';
import { RefusedError, UsageError } from './usage-error.ts';

/** Where a command prints; it may be a terminal. */
export interface Output {
  write(text: string): unknown;
}

/** How the command of this process prints: as it likes, a document of its own, or one made of its lines. */
type Printing = 'text' | 'own document' | 'lines in a document';

let printing: Printing = 'text';
let said = '';
let done: object = {};

/** Chosen before the command runs, by what is on its command line. */
export function printAs(chosen: Printing): void {
  printing = chosen;
  said = '';
  done = {};
}

/** What a command has done already, for the document of a failure that may follow. */
export function doneBefore(document: object): void {
  done = document;
}

/** Prints to a stream, harmless to a terminal whatever the text is of. */
export function outputTo(stream: Output): Output {
  return {
    write: (text) => {
      if (printing !== 'lines in a document' || stream !== process.stdout) {
        return stream.write(printable(text));
      }
      said += printable(text);
      return true;
    },
  };
}

export function printJson(stdout: Output, value: unknown): void {
  stdout.write(printable(`${JSON.stringify(value, undefined, 2)}\n`));
}

/** The document of a command that has none of its own, or could not be run. */
export function printOutcome(code: number, outcome: { lines: string } | { error: string }): void {
  const told =
    'error' in outcome
      ? outcome
      : { lines: outcome.lines.split('\n').filter((line) => line !== '') };
  const document = { ok: code === 0, exit_code: code, ...told, ...done };
  printJson(process.stdout, document);
}

/** What a command on the database works with. */
export interface OnDatabase {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly stdout: Output;
}

/** Work of a command. @returns the exit code. */
type Work<On> = (on: On, config: Config) => Promise<number>;

/** Runs a command and sets the exit code; the log goes to standard error. */
export async function run(
  command: (config: Config, log: Logger) => Promise<number>,
  usualLogLevel: 'info' | 'warn' = 'warn',
): Promise<void> {
  process.stdout.on('error', goOnUnread);
  let log: Logger | undefined;
  try {
    const config = await readConfig(process.env);
    log = openLog(config.log, usualLogLevel);
    const code = await command(config, log);
    process.exitCode = code;
    if (printing === 'lines in a document') printOutcome(code, { lines: said });
  } catch (error) {
    const code = error instanceof RefusedError ? 1 : 2;
    process.exitCode = code;
    log?.debug({ err: error }, 'command.failed');
    const sentence = printable(sentenceOf(error));
    process.stderr.write(`unwind: ${sentence}\n`);
    if (printing !== 'text') printOutcome(code, { error: sentence });
  }
}

/** Nobody reads on, as behind `| head`: the work goes on to its end, which the exit code tells. */
function goOnUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

/** Runs a command on a database whose schema is current; any other is left as it is, and reported. */
export function runOnDatabase(work: Work<OnDatabase>): Promise<void> {
  return run((config, log) => onDatabase(config, log, work));
}

/** The same, for a command that has begun already. */
export function onDatabase(config: Config, log: Logger, work: Work<OnDatabase>): Promise<number> {
  return withDatabase(config, log, async (sql) => {
    await refuseOtherSchema(sql);
    await moveOrderOn(sql);
    const clock = await clockOf(sql, log);
    return work({ sql, clock, stdout: outputTo(process.stdout) }, config);
  });
}

/** Runs a command on a database that is brought up to this version first. */
export function runOnMigrated(work: Work<OnDatabase>): Promise<void> {
  return run((config, log) => onMigrated(config, log, work));
}

/** The same for one client's book: of the client named, else of the sandbox client. */
export function runForClient(
  client: TenantId | undefined,
  work: Work<OnDatabase & { readonly tenantId: TenantId }>,
): Promise<void> {
  return run(async (config, log) => {
    const tenantId = client ?? (await sandboxTenant(config));
    return onMigrated(config, log, (on) => work({ ...on, tenantId }, config));
  });
}

/** The same, for a command that only reads: a database of another schema is left as it is, and reported. */
export function runForReaderOf(
  client: TenantId | undefined,
  work: Work<OnDatabase & { readonly tenantId: TenantId }>,
): Promise<void> {
  return run(async (config, log) => {
    const tenantId = client ?? (await sandboxTenant(config));
    return withDatabase(config, log, async (sql) => {
      await refuseOtherSchema(sql);
      const clock = await clockOf(sql, log);
      return work({ sql, clock, tenantId, stdout: outputTo(process.stdout) }, config);
    });
  });
}

/** The same, for a command that has begun already. */
export function onMigrated(config: Config, log: Logger, work: Work<OnDatabase>): Promise<number> {
  return withDatabase(config, log, async (sql) => {
    const clock = await clockOf(sql, log);
    await prepareDatabase(sql, clock, config);
    return work({ sql, clock, stdout: outputTo(process.stdout) }, config);
  });
}

/** The time of the database, also for the ids that the command makes. */
async function clockOf(sql: Sql, log: Logger): Promise<Clock> {
  const clock = await DatabaseClock.read(sql, { log });
  drawIdsFrom(clock);
  return clock;
}

async function sandboxTenant(config: Config): Promise<TenantId> {
  const sandbox = await readSandboxClient(config.home);
  const tenantId = sandbox && parseId<'tenant'>(sandbox.client_id);
  if (tenantId === undefined) {
    throw new UsageError(
      `there is no sandbox client in ${config.home} yet: run "unwind start" once, or name a client.`,
    );
  }
  return tenantId;
}

/** What a person can mend, in words; of a fault of ours the message, and where the rest is. */
function sentenceOf(error: unknown): string {
  if (error instanceof UsageError || error instanceof RefusedError) return error.message;
  const message = error instanceof Error ? error.message : String(error);
  return (
    explain(error) ??
    `${message}\nThis is a fault of Unwind. UNWIND_LOG_LEVEL=debug UNWIND_LOG_FORMAT=json shows where ` +
      'it happened; please report it with that.'
  );
}
