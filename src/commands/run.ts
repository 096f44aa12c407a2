// How every command is run: settings are read, the database is opened and at the right schema, and the exit
// code says how it ended (frame.ts). What settings and database take is loaded when a command runs: help needs none.

import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import { printable } from '../printable.ts';
import type { Config } from '../settings/config.ts';
import { RefusedError, UsageError } from './usage-error.ts';

/** Where a command prints; it may be a terminal. */
export interface Output {
  readonly isTTY?: boolean | undefined;
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
    isTTY: stream.isTTY,
    write: (text) => {
      if (printing !== 'lines in a document' || stream !== process.stdout) {
        return stream.write(printable(text));
      }
      said += printable(text);
      return true;
    },
  };
}

/** Prints a document. @returns 0, as most that do so end. */
export function printJson(stdout: Output, value: unknown): number {
  stdout.write(printable(`${JSON.stringify(value, undefined, 2)}\n`));
  return 0;
}

/** Says why nothing was done. @returns 1, the exit code of that. */
export function notDone(stdout: Output, why: string): number {
  stdout.write(`${why}\n`);
  return 1;
}

/** The document of a command that has none of its own, or could not be run. */
export function printOutcome(code: number, outcome: { lines: string } | { error: string }): void {
  const content =
    'error' in outcome
      ? outcome
      : { lines: outcome.lines.split('\n').filter((line) => line !== '') };
  const document = { ok: code === 0, exit_code: code, ...content, ...done };
  printJson(process.stdout, document);
}

/** What a command on the database works with. */
export interface OnDatabase {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly stdout: Output;
}

/** The same, of one client. */
export interface OnClient extends OnDatabase {
  readonly tenantId: TenantId;
}

/** Work of a command. @returns the exit code. */
export type Work<On> = (on: On, config: Config) => Promise<number>;

/** Runs a command and sets the exit code; the log goes to standard error. */
export async function run(
  command: (config: Config, log: Logger) => Promise<number>,
  usualLogLevel: 'info' | 'warn' = 'warn',
): Promise<void> {
  process.stdout.on('error', goOnUnread);
  let log: Logger | undefined;
  try {
    const [{ readConfig }, { openLog }] = await Promise.all([
      import('../settings/config.ts'),
      import('./log.ts'),
    ]);
    const config = await readConfig(process.env);
    log = openLog(config.log, usualLogLevel);
    const code = await command(config, log);
    process.exitCode = code;
    if (printing === 'lines in a document') printOutcome(code, { lines: said });
  } catch (error) {
    const code = error instanceof RefusedError ? 1 : 2;
    process.exitCode = code;
    log?.debug({ err: error }, 'command.failed');
    const sentence = printable(await sentenceOf(error));
    process.stderr.write(`unwind: ${sentence}\n`);
    if (printing !== 'text') printOutcome(code, { error: sentence });
  }
}

/** The reader is gone, as behind `| head`: the work goes on to its end, which the exit code shows. */
function goOnUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

/**
 * Runs a command on a database whose schema is current; any other is left as it is, and reported.
 * @param client of whom it is asked, where it is of one: nothing is said of one that is not there.
 */
export function runOnDatabase(work: Work<OnDatabase>, client?: TenantId): Promise<void> {
  return run(async (config, log) => {
    const { onDatabase, refuseUnknownClient } = await import('./on-database.ts');
    return onDatabase(config, log, async (on, settings) => {
      if (client !== undefined) await refuseUnknownClient(on.sql, client);
      return work(on, settings);
    });
  });
}

/** Runs a command on a database that is brought up to this version first. */
export function runOnMigrated(work: Work<OnDatabase>): Promise<void> {
  return run(async (config, log) => {
    const { onMigrated } = await import('./on-database.ts');
    return onMigrated(config, log, work);
  });
}

/** The same for one client's book: of the client named, else of the sandbox client. */
export function runForClient(client: TenantId | undefined, work: Work<OnClient>): Promise<void> {
  return run(async (config, log) => {
    const { onMigrated, sandboxTenant } = await import('./on-database.ts');
    const tenantId = client ?? (await sandboxTenant(config));
    return onMigrated(config, log, (on) => work({ ...on, tenantId }, config));
  });
}

/** The same, for a command that only reads: a database of another schema is left as it is, and reported. */
export function runForReaderOf(client: TenantId | undefined, work: Work<OnClient>): Promise<void> {
  return run(async (config, log) => {
    const { onUnchanged, sandboxTenant } = await import('./on-database.ts');
    const tenantId = client ?? (await sandboxTenant(config));
    return onUnchanged(config, log, (on) => work({ ...on, tenantId }, config));
  });
}

/** What a person can mend, in words; of a fault of ours the message, and where the rest is. */
async function sentenceOf(error: unknown): Promise<string> {
  if (error instanceof UsageError || error instanceof RefusedError) return error.message;
  const { explain } = await import('../settings/explain.ts');
  const message = error instanceof Error ? error.message : String(error);
  return (
    explain(error) ??
    `${message}\nThis is a fault of Unwind. UNWIND_LOG_LEVEL=debug UNWIND_LOG_FORMAT=json shows where ` +
      'it happened; please report it with that.'
  );
}
