// `unwind liquidations start`, `watch` and `cancel`: what a client does, signed, by the API.

import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { AccountId, LiquidationId } from '../ids.ts';
import { nameOfUser } from '../person-name.ts';
import { accountId, liquidationId, personName, reasonText } from './arguments.ts';
import { interruptOf, untilInterrupted } from './follow.ts';
import { doneBefore, printJson } from './run.ts';
import { type ApiArguments, type OnApi, runOnApi, withApi } from './sandbox-access.ts';
import { UsageError } from './usage-error.ts';

interface StartOptions extends ApiArguments {
  readonly file?: string;
  readonly watch?: true;
  readonly json?: true;
  readonly reason?: string;
  readonly actor: string;
}

export function addSellingCommands(liquidations: Command): void {
  withApi(liquidations.command('start'))
    .description('sell everything of an account, or of the accounts of a file as one batch')
    .argument('[account]', 'its id', accountId)
    .option(
      '--file <csv>',
      'accounts instead: as unwind batches start; the same file again is the same batch',
    )
    .option('--watch', 'then watch to the end; the same again goes on with it')
    .option('--reason <text>', 'why, of a file (default: its name)', reasonText)
    .option('--actor <name>', 'who has decided it, of a file', personName, nameOfUser())
    .option('--json', 'one JSON document instead of text')
    .action((account: AccountId | undefined, options: StartOptions) => {
      return runOnApi(options, (api) => start(api, account, options));
    });
  withApi(liquidations.command('watch'))
    .description(
      'watch liquidations to their end: orders, quantity, proceeds; default those that are open',
    )
    .argument('[liquidation...]', 'their ids', liquidationIds)
    .option('--json', 'one JSON document at the end, instead of text')
    .action((ids: readonly LiquidationId[], options: ApiArguments & { json?: true }) => {
      return runOnApi(options, (api) => watch(api, ids, options.json));
    });
  withApi(liquidations.command('cancel'))
    .description('cancel a liquidation while it is NEW')
    .argument('<liquidation>', 'its id', liquidationId)
    .action((id: LiquidationId, options: ApiArguments) => {
      return runOnApi(options, (api) => cancel(api, id));
    });
}

/** One more id of an argument that takes several. */
function liquidationIds(text: string, before: readonly LiquidationId[] = []) {
  return [...before, liquidationId(text)];
}

/** @returns 0 where it was accepted and, where it is watched, has sold everything. @throws UsageError */
export async function start(
  api: OnApi,
  account: AccountId | undefined,
  { file, ...options }: StartOptions,
): Promise<number> {
  if (account !== undefined && file === undefined) return startOne(api, account, options);
  if (account !== undefined || file === undefined) {
    throw new UsageError('name one account, or --file with accounts.');
  }
  const { startBatch } = await import('./run-batches.ts');
  const { reason = `the accounts of ${basename(file)}`, ...how } = options;
  const on = {
    ...api,
    terminal: terminalOf(options.json),
    signal: interruptOf(options.watch === true),
  };
  return startBatch(on, { ...how, file, reason, isOncePerFile: true });
}

type OneOptions = Pick<StartOptions, 'watch' | 'json'>;

async function startOne(
  api: OnApi,
  account: AccountId,
  { watch: watches, json }: OneOptions,
): Promise<number> {
  const { client, stdout } = api;
  const { account_group_id: user } = await client.accounts.retrieve(account);
  const idempotencyKey = randomUUID();
  const started = await client.liquidations.create(account, { user_id: user }, { idempotencyKey });
  const { id, status } = started;
  if (!json) stdout.write(`liquidation ${id} of account ${account} is ${status}\n`);
  if (json) doneBefore({ liquidation: started });
  if (watches) return watch(api, [id], json);
  if (json) printJson(stdout, started);
  return 0;
}

async function watch(api: OnApi, ids: readonly string[], json: true | undefined): Promise<number> {
  const { watchLiquidations } = await import('./watch-liquidations.ts');
  const { signal } = untilInterrupted();
  return watchLiquidations(api, ids, { json, terminal: terminalOf(json), signal });
}

/** Where a bar can be drawn. */
function terminalOf(json: true | undefined): NodeJS.WriteStream | undefined {
  return process.stderr.isTTY === true && !json ? process.stderr : undefined;
}

async function cancel({ client, stdout }: OnApi, id: LiquidationId): Promise<number> {
  const { liquidation } = await client.control.liquidations.story(id);
  await client.liquidations.cancel(liquidation.account_id, id);
  stdout.write(`Cancelled liquidation ${id} of account ${liquidation.account_id}.\n`);
  return 0;
}
