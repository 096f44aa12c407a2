#!/usr/bin/env node
// The command line. Each command reads the settings, does its work in a room of its own and sets the
// exit code: 0 done, 1 found something wrong, 2 could not be run.

import { Command, Option } from 'commander';
import pino, { type Logger } from 'pino';
import { runAuditCommand } from './audit/audit-command.ts';
import type { SignaturePolicy } from './auth/store.ts';
import { deltaTypes } from './book/delta.ts';
import { type DeltasCommand, runDelta, runDeltaFile } from './book/deltas-command.ts';
import { runImport } from './book/import-command.ts';
import { systemClock } from './clock.ts';
import { clientId, mic, roleList, scopeList } from './command-arguments.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { type CreateOptions, runCreateClient } from './create-client-command.ts';
import { withDatabase } from './database.ts';
import type { Sql } from './db/connect.ts';
import { EmbeddedError } from './db/embedded-error.ts';
import { isConnectionError } from './db/errors.ts';
import { MigrationError, migrate, schemaState } from './db/migrate.ts';
import { parseId, type TenantId } from './ids.ts';
import { runInspect } from './inspect-command.ts';
import { keysCommand } from './keys-command.ts';
import { addOperatorCommands, type OnDatabase } from './operator-commands.ts';
import { runRequest } from './request-command.ts';
import { readSandboxClient } from './sandbox.ts';
import { UnusableKeyError } from './signatures/keys.ts';
import { runStart } from './start-command.ts';
import { UsageError } from './usage-error.ts';
import { runCalendar } from './venue/calendar-command.ts';
import { simulatedMic } from './venue/simulated/market-store.ts';

const deltaDescriptions = {
  credit: 'units come in',
  lock: 'units must not be sold yet',
  unlock: 'locked units may be sold again',
};

const program = new Command('unwind')
  .description(
    'Turns every position of a brokerage account into cash, exactly once, and proves it.',
  )
  .showHelpAfterError()
  // A command line that cannot be read ends like every other command that could not be run.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));

program
  .command('start')
  .description('start the service')
  .option('--roles <list>', 'api, worker, or both: api,worker (default: UNWIND_ROLES)', roleList)
  .action((options: Partial<Pick<Config, 'roles'>>) => {
    return run((config, log) => runStart({ ...config, ...options }, log, process.stdout), 'info');
  });

program
  .command('migrate')
  .description('bring the database schema up to this version')
  .action(() => run(migrateCommand));

program
  .command('import')
  .description('import the book (users, accounts, instruments, prices, positions) from CSV files')
  .argument('<dir>', 'directory with any of the five files')
  .option('--client <id>', 'whose book it is (default: the sandbox client)', clientId)
  .action((directory: string, { client }: { client?: TenantId }) => {
    return run((config, log) => importCommand(config, log, { directory, client }));
  });

const positions = program
  .command('positions')
  .description('change positions, also while a liquidation runs on their account');

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
      return run((config, log) => {
        return deltasCommand(config, log, { client, work: (to) => runDelta(to, fields) });
      });
    });
}

positions
  .command('apply')
  .description('credits, locks and unlocks from a CSV file: all of them or none')
  .argument('<file>', 'type,account_id,isin,quantity,reference')
  .option('--client <id>', 'whose accounts they are (default: the sandbox client)', clientId)
  .action((file: string, { client }: { client?: TenantId }) => {
    return run((config, log) => {
      return deltasCommand(config, log, { client, work: (to) => runDeltaFile(to, file) });
    });
  });

program
  .command('audit')
  .description('recompute everything from executions and movements and name every difference')
  .option('--json', 'one JSON document instead of a report')
  .action(({ json = false }: { json?: boolean }) => {
    return run((config, log) => auditCommand(config, log, json));
  });

program
  .command('calendar')
  .description('show when a venue is open, or give it another calendar')
  .argument('[venue]', 'market code, ISO 10383', mic, simulatedMic)
  .addOption(new Option('--file <file>', 'a calendar as JSON').conflicts('alwaysOpen'))
  .option('--always-open', 'no calendar: it is always open')
  .action((venue: string, wish: { file?: string; alwaysOpen?: true }) => {
    return run((config, log) => calendarCommand(config, log, { venue, ...wish }));
  });

addOperatorCommands(program, (work) => run((config, log) => onDatabase(config, log, work)));

program
  .command('request')
  .description('send a signed request as the sandbox client and print the answer')
  .argument('<method>', 'GET, POST, PATCH or DELETE')
  .argument('<target>', 'path and query, for example /webhooks')
  .option('--data <json>', 'body')
  .option('--idempotency-key <uuid>', 'default for POST: a fresh one')
  .option('--print', 'print the signed request instead of sending it')
  .action((method: string, target: string, options: RequestArguments) => {
    const { stdout } = process;
    return run((config) => runRequest({ config, method, target, ...options, stdout }));
  });

program
  .command('inspect-signature')
  .description('explain the signature of a raw HTTP request; exits 1 where it would be refused')
  .argument('[file]', 'request line, headers, empty line, body; default standard input', '-')
  .option('--key <file>', 'public key: PEM, JWK or JWK set (default: of the client it names)')
  .addOption(
    new Option(
      '--signature-policy <policy>',
      'default: that of the client, else compatible',
    ).choices(['strict', 'compatible']),
  )
  .option('--at <time>', 'judge it as of this time: RFC 3339, or Unix seconds (default: now)')
  .option('--json', 'one JSON document instead of text')
  .action((file: string, { key, signaturePolicy, at, json = false }: InspectArguments) => {
    const { stdin, stdout } = process;
    const own = { file, keyFile: key, policy: signaturePolicy, at, isJson: json, stdin, stdout };
    return run((config, log) => runInspect({ config, log, clock: systemClock, ...own }));
  });

program
  .command('clients')
  .description('API clients')
  .command('create')
  .description('make an API client; prints its secret once')
  .requiredOption('--name <name>', 'what it is called')
  .requiredOption('--scopes <scopes>', 'separated by spaces or commas, or "all"', scopeList)
  .requiredOption('--public-key <file>', 'PEM, SubjectPublicKeyInfo')
  .addOption(
    new Option('--signature-policy <policy>', 'strict also demands client id and key covered')
      .choices(['strict', 'compatible'])
      .default('compatible'),
  )
  .action((options: CreateOptions) => run((config, log) => runCreateClient(config, log, options)));

program.addCommand(keysCommand({ run, clientId, sandboxTenant }));

await program.parseAsync();

async function run(
  command: (config: Config, log: Logger) => Promise<number>,
  usualLogLevel: 'info' | 'warn' = 'warn',
): Promise<void> {
  try {
    const config = readConfig(process.env);
    const log = pino({ level: config.logLevel ?? usualLogLevel, base: null }, pino.destination(2));
    process.exitCode = await command(config, log);
  } catch (error) {
    process.exitCode = 2;
    process.stderr.write(`${tell(error)}\n`);
  }
}

/** One sentence for what a person can mend, the whole story for what is our fault. */
function tell(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const mendable = [ConfigError, UsageError, UnusableKeyError, EmbeddedError, MigrationError];
  if (mendable.some((kind) => error instanceof kind)) return `unwind: ${error.message}`;
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'EADDRINUSE') return 'unwind: the port is in use; choose another with PORT.';
  if (isConnectionError(error)) return `unwind: the database does not answer (${code}).`;
  return error.stack ?? error.message;
}

async function migrateCommand(config: Config, log: Logger): Promise<number> {
  const applied = await withDatabase(config, log, (sql) => migrate(sql));
  for (const { number, name } of applied) process.stdout.write(`applied ${number} ${name}\n`);
  if (applied.length === 0) process.stdout.write('the schema is current\n');
  return 0;
}

async function auditCommand(config: Config, log: Logger, json: boolean): Promise<number> {
  return withDatabase(config, log, async (sql) => {
    await checkSchema(sql);
    return runAuditCommand({ sql, json, stdout: process.stdout });
  });
}

async function checkSchema(sql: Sql): Promise<void> {
  const schema = await schemaState(sql);
  if (schema === 'current') return;
  throw new UsageError(`the schema of the database is ${schema}: run "unwind migrate" first.`);
}

async function onDatabase(
  config: Config,
  log: Logger,
  work: (on: OnDatabase) => Promise<number>,
): Promise<number> {
  return withDatabase(config, log, async (sql) => {
    await checkSchema(sql);
    return work({ sql, clock: systemClock, stdout: process.stdout });
  });
}

async function calendarCommand(
  config: Config,
  log: Logger,
  wish: { venue: string; file?: string; alwaysOpen?: true },
): Promise<number> {
  const { stdout } = process;
  return withDatabase(config, log, async (sql) => {
    await migrate(sql);
    return runCalendar({ sql, clock: systemClock, stdout }, wish);
  });
}

async function importCommand(
  config: Config,
  log: Logger,
  options: { directory: string; client: TenantId | undefined },
): Promise<number> {
  const tenantId = options.client ?? (await sandboxTenant(config));
  const { stdout } = process;
  return withDatabase(config, log, async (sql) => {
    await migrate(sql);
    const { directory } = options;
    const isTerminal = stdout.isTTY === true;
    return runImport({ sql, clock: systemClock, tenantId, directory, stdout, isTerminal });
  });
}

interface DeltaOptions {
  readonly account: string;
  readonly isin: string;
  readonly quantity: string;
  readonly reference: string;
  readonly client?: TenantId;
}

async function deltasCommand(
  config: Config,
  log: Logger,
  options: { client: TenantId | undefined; work: (to: DeltasCommand) => Promise<number> },
): Promise<number> {
  const tenantId = options.client ?? (await sandboxTenant(config));
  const { stdout } = process;
  return withDatabase(config, log, async (sql) => {
    await migrate(sql);
    return options.work({ sql, clock: systemClock, tenantId, stdout });
  });
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

type RequestArguments = Pick<Parameters<typeof runRequest>[0], 'data' | 'idempotencyKey' | 'print'>;

interface InspectArguments {
  readonly key?: string;
  readonly signaturePolicy?: SignaturePolicy;
  readonly at?: string;
  readonly json?: boolean;
}
