// The command line as a tree: one entry for each command, with its arguments and options. What only one command
// needs is loaded by it, since loading all of the service takes longer than most commands do.

import { Command, Option } from 'commander';
import { signingAlgorithms } from '../auth/signing-keys.ts';
import type { SignaturePolicy } from '../auth/store.ts';
import { deltaTypes } from '../book/delta.ts';
import { systemClock } from '../clock.ts';
import type { TenantId } from '../ids.ts';
import type { Config } from '../settings/config.ts';
import { openKeyFile, refuseOtherKeyFile } from '../settings/key-file.ts';
import { packageVersion } from '../settings/package-version.ts';
import { addApprovalCommands } from './approvals-command.ts';
import { clientId, hours, httpUrl, kindList, roleList } from './arguments.ts';
import { addBatchCommands } from './batches-command.ts';
import { addClientCommands } from './clients-command.ts';
import { addControlsCommands } from './controls-command.ts';
import { addEventCommands } from './events-command.ts';
import { addExamples } from './examples.ts';
import { addFixCommands } from './fix-command.ts';
import { addFrame } from './frame.ts';
import { addHaltCommands } from './halts-command.ts';
import { addHelpCommands } from './help-commands.ts';
import type { RotateOptions } from './keys-command.ts';
import type { ListenOptions } from './listen-command.ts';
import { addLookingCommands } from './looking-commands.ts';
import { addOperatorCommands } from './operator-commands.ts';
import type { RequestOptions } from './request-command.ts';
import { outputTo, printOutcome, run, runForClient, runOnDatabase } from './run.ts';
import { type ApiArguments, withApi } from './sandbox-access.ts';
import { addSandboxCommands } from './sandbox-command.ts';
import { addStatementCommands } from './statement-commands.ts';
import { addTrailCommands } from './trail-command.ts';
import { addVenueCommands } from './venue-commands.ts';
import { addWebhookCommands } from './webhooks-commands.ts';

/** All commands, with their examples. */
export function makeProgram(): Command {
  const program = new Command('unwind')
    .description(
      'Turns every position of a brokerage account into cash, exactly once, and proves it.',
    )
    .version(packageVersion, '-V, --version', 'display the version')
    .showHelpAfterError()
    // What is wrong on a command line is repeated, and may have been pasted.
    .configureOutput({
      writeOut: (text) => outputTo(process.stdout).write(text),
      writeErr: (text) => outputTo(process.stderr).write(text),
    })
    // A command line that cannot be read ends like every other command that could not be run.
    .exitOverride(({ exitCode, message }) => {
      if (exitCode === 0) process.exit(0);
      if (process.argv.includes('--json')) printOutcome(2, { error: message });
      process.exit(2);
    });
  addServiceCommands(program);
  addBookCommands(program);
  addAudit(program);
  addLookingCommands(program);
  addOperatorCommands(program);
  addEventCommands(program);
  addHaltCommands(program);
  addControlsCommands(program);
  addApprovalCommands(program);
  addStatementCommands(program);
  addBatchCommands(program);
  addTrailCommands(program);
  addVenueCommands(program);
  addFixCommands(program);
  addRequestCommands(program);
  addWebhookCommands(program);
  addListen(program);
  addInspect(program);
  addClientCommands(program);
  addKeyCommands(program);
  addSandboxCommands(program);
  addHelpCommands(program);
  addExamples(program);
  addFrame(program);
  return program;
}

interface StartArguments extends Partial<Pick<Config, 'roles'>> {
  readonly migrate: boolean;
  readonly tls?: boolean;
  readonly json?: true;
}

function addServiceCommands(program: Command): void {
  program
    .command('start')
    .description('start the service')
    .option('--roles <list>', 'api, worker, or both: api,worker (default: UNWIND_ROLES)', roleList)
    .option(
      '--no-migrate',
      'leave the schema of the database as it is; refuse one that does not fit',
    )
    .option('--tls', 'a sandbox speaks TLS, by a certificate that it makes itself')
    .option('--json', 'one line of JSON once it listens, instead of text')
    .action(
      ({ migrate: migrates, tls: usesTls = false, json: isJson, ...roles }: StartArguments) => {
        const { stdout } = process;
        return run(async (config, log) => {
          const { runStart } = await import('./start-command.ts');
          return runStart({ ...config, ...roles }, log, { stdout, migrates, usesTls, isJson });
        }, 'info');
      },
    );
  program
    .command('migrate')
    .description('bring the database schema up to this version')
    .action(() => {
      return run(async (config, log) => {
        const { runMigrate } = await import('./migrate-command.ts');
        return runMigrate(config, log, outputTo(process.stdout));
      });
    });
  program
    .command('console')
    .description('print a link that signs in at the console of a sandbox, once')
    .action(() => {
      return runOnDatabase(async (on, config) => {
        const { runConsole } = await import('./console-command.ts');
        return runConsole(on, config);
      });
    });
}

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

function addBookCommands(program: Command): void {
  program
    .command('import')
    .description(
      'import the book (users, accounts, instruments, listings, rates, prices, positions) from CSV files',
    )
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

function addAudit(program: Command): void {
  program
    .command('audit')
    .description('recompute everything from executions and movements and name every difference')
    .option('--json', 'one JSON document instead of a report')
    .action(({ json = false }: { json?: boolean }) => {
      return runOnDatabase(async ({ sql, stdout }) => {
        const { runAuditCommand } = await import('./audit-command.ts');
        const terminal = process.stderr.isTTY === true ? process.stderr : undefined;
        return runAuditCommand({ sql, json, stdout, terminal });
      });
    });
}

type RequestArguments = Pick<RequestOptions, 'data' | 'idempotencyKey' | 'print' | 'json'> &
  ApiArguments;

function addRequestCommands(program: Command): void {
  withApi(program.command('request'))
    .description('send a signed request and print the answer')
    .argument('<method>', 'GET, POST, PATCH or DELETE')
    .argument('<target>', 'path and query, for example /webhooks')
    .option('--data <json>', 'body')
    .option('--idempotency-key <uuid>', 'default for POST: a fresh one')
    .option('--print', 'print the signed request instead of sending it')
    .option('--json', 'status, headers and body of the answer as one JSON document')
    .action((method: string, target: string, options: RequestArguments) => {
      const { stdout } = process;
      return run(async (config) => {
        const { runRequest } = await import('./request-command.ts');
        return runRequest({ config, method, target, ...options, access: options, stdout });
      });
    });
  withApi(program.command('replay-request'))
    .description('send a request again that a sandbox has recorded (UNWIND_RECORD), signed anew')
    .argument('<file>', 'one of the files of that directory')
    .option('--new-key', 'as another request: with a fresh idempotency key')
    .option('--print', 'print the signed request instead of sending it')
    .option('--json', 'status, headers and body of the answer as one JSON document')
    .action((file: string, options: RequestArguments & { newKey?: true }) => {
      const { stdout } = process;
      return run(async (config) => {
        const { runReplayRequest } = await import('./replay-request-command.ts');
        return runReplayRequest({ config, file, ...options, access: options, stdout });
      });
    });
}

function addListen(program: Command): void {
  withApi(program.command('listen'))
    .description('receive the webhooks of a sandbox, verify and print them, until Ctrl-C')
    .option('--types <list>', 'kinds of events, with commas between them (default: all)', kindList)
    .option(
      '--forward <url>',
      'hand each delivery on to this receiver, and its answer back',
      httpUrl,
    )
    .option('--from <time>', 'what has happened since then too: RFC 3339')
    .option('--json', 'each event as a line of JSON, as it was delivered')
    .action(
      (options: Pick<ListenOptions, 'types' | 'forward' | 'from' | 'json'> & ApiArguments) => {
        const { stdout, stderr } = process;
        const to = { clock: systemClock, stdout, stderr };
        return run(async (config) => {
          const { runListen } = await import('./listen-command.ts');
          return runListen({ config, ...to, ...options, access: options });
        });
      },
    );
}

interface InspectArguments {
  readonly key?: string;
  readonly signaturePolicy?: SignaturePolicy;
  readonly at?: string;
  readonly json?: boolean;
}

function addInspect(program: Command): void {
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
      const { stdin } = process;
      const stdout = outputTo(process.stdout);
      const own = { file, keyFile: key, policy: signaturePolicy, at, isJson: json, stdin, stdout };
      return run(async (config, log) => {
        const { runInspect } = await import('./inspect-command.ts');
        return runInspect({ config, log, clock: systemClock, ...own });
      });
    });
}

function addKeyCommands(program: Command): void {
  const keys = program.command('keys').description('keys that sign deliveries of webhooks');
  keys
    .command('rotate')
    .description('replace keys; the old ones verify until their end')
    .option('--client <id>', 'whose they are; default the sandbox client', clientId)
    .addOption(new Option('--algorithm <name>', 'only this one').choices(signingAlgorithms))
    .option('--lead <hours>', 'serve the new key so long before it signs', hours, 1)
    .option('--overlap <hours>', 'serve the old key so long after it has signed', hours, 168)
    .option('--json', 'one JSON document, which it prints anyway')
    .action(({ client, ...options }: RotateOptions & { client?: TenantId }) => {
      return runForClient(client, async (to, config) => {
        const seal = await openKeyFile(config);
        await refuseOtherKeyFile(to.sql, config, seal);
        const { runRotateKeys } = await import('./keys-command.ts');
        return runRotateKeys({ ...to, seal }, options);
      });
    });
}
