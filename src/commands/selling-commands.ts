// `unwind liquidations start`, `watch` and `cancel`: what a client does, signed, by the API.

import type { Command } from 'commander';
import type { AccountId, LiquidationId } from '../ids.ts';
import { accountId, liquidationId } from './arguments.ts';
import { untilInterrupted } from './follow.ts';
import { doneBefore, printJson } from './run.ts';
import { type ApiArguments, type OnApi, runOnApi, withApi } from './sandbox-access.ts';
import { UsageError } from './usage-error.ts';

interface StartOptions extends ApiArguments {
  readonly user?: string;
  readonly file?: string;
  readonly watch?: true;
  readonly json?: true;
}

export function addSellingCommands(liquidations: Command): void {
  withApi(liquidations.command('start'))
    .description('sell everything of an account, or of the accounts of a file')
    .argument('[account]', 'its id', accountId)
    .option('--file <csv>', 'accounts instead: account_id, one a line below that heading')
    .option('--watch', 'then watch them to their end')
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

/** Starts them, and watches those that were accepted. @returns 0 where all were, and all have sold everything. */
export async function start(
  api: OnApi,
  account: AccountId | undefined,
  { file, watch: watches, json }: StartOptions,
): Promise<number> {
  if ((account === undefined) === (file === undefined)) {
    throw new UsageError('name one account, or --file with accounts.');
  }
  const { readAccounts, startLiquidations } = await import('./start-liquidations.ts');
  const batch =
    file === undefined ? { name: undefined, accounts: [account ?? ''] } : await readAccounts(file);
  const terminal = process.stderr.isTTY === true && !json ? process.stderr : undefined;
  const started = await startLiquidations(api, batch, { json, terminal });
  if (!watches || started.ids.length === 0) {
    if (json) printJson(api.stdout, started.document);
    return started.code;
  }
  if (json) doneBefore(started.document);
  return Math.max(started.code, await watch(api, started.ids, json, started.document));
}

async function watch(
  api: OnApi,
  ids: readonly string[],
  json: true | undefined,
  before?: object,
): Promise<number> {
  const { watchLiquidations } = await import('./watch-liquidations.ts');
  const { signal } = untilInterrupted();
  const terminal = process.stderr.isTTY === true && !json ? process.stderr : undefined;
  return watchLiquidations(api, ids, { json, terminal, signal, before });
}

async function cancel({ client, stdout }: OnApi, id: LiquidationId): Promise<number> {
  const { liquidation } = await client.control.liquidations.story(id);
  await client.liquidations.cancel(liquidation.account_id, id);
  stdout.write(`Cancelled liquidation ${id} of account ${liquidation.account_id}.\n`);
  return 0;
}
