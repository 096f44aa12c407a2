// `unwind events`: the log of a client, and its events as they happen, until Ctrl-C.

import type { StreamedEvent } from '@unwind/client';
import { isLiquidationEvent } from '@unwind/client';
import { type Command, Option } from 'commander';
import type { AccountId, LiquidationId } from '../ids.ts';
import { printable, printableLine } from '../printable.ts';
import type { Config } from '../settings/config.ts';
import { accountId, liquidationId, pageLimit } from './arguments.ts';
import { nounOf } from './nouns.ts';
import { type Output, printJson, run } from './run.ts';
import {
  type ApiArguments,
  mendable,
  type OnApi,
  openSandbox,
  runOnApi,
  withApi,
} from './sandbox-access.ts';
import { UsageError } from './usage-error.ts';

interface FollowOptions extends ApiArguments {
  readonly liquidation?: LiquidationId;
  readonly after?: string;
  readonly json?: boolean;
}

export function addEventCommands(program: Command): void {
  const events = nounOf(program, 'events');
  withApi(events.command('list', { isDefault: true }))
    .description('the events that the log has, the oldest first; with --follow those to come too')
    .option('--account <id>', 'only of this account', accountId)
    .option('--after <cursor>', 'begin behind this place of the log (default: its beginning)')
    .option('--limit <n>', 'so many at most', pageLimit, 100)
    .addOption(
      new Option('--follow', 'go on until Ctrl-C: as unwind events follow').conflicts('account'),
    )
    .option('--json', 'one JSON document; with --follow each event as a line of it')
    .action((options: ListOptions) => {
      return options.follow
        ? follow(options)
        : runOnApi(options, (api) => listEvents(api, options));
    });
  withApi(events.command('follow'))
    .description('print the events of a client as they happen, until Ctrl-C')
    .option('--liquidation <id>', 'only of this one', liquidationId)
    .option('--after <cursor>', 'begin behind this place of the log; e0 is its beginning')
    .option('--json', 'each event as a line of JSON')
    .action(follow);
}

function follow(options: FollowOptions): Promise<void> {
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => stopped.abort());
  }
  process.stdout.on('error', () => stopped.abort());
  return run((config) => runFollow(config, { ...options, signal: stopped.signal }, process.stdout));
}

interface ListOptions extends FollowOptions {
  readonly account?: AccountId;
  readonly limit: number;
  readonly follow?: true;
}

/** Prints one page of the log. @returns 0 */
async function listEvents(
  { client, stdout }: OnApi,
  { account, after, json = false, limit }: ListOptions,
): Promise<number> {
  const query = {
    limit,
    ...(after === undefined ? {} : { after: placeOf(after) }),
    ...(account === undefined ? {} : { account_id: account }),
  };
  const page = await client.events.list(query).page();
  if (json) return printJson(stdout, page);
  for (const event of page.data) stdout.write(lineOf({ cursor: '', event }));
  const { gap, has_more: hasMore, next } = page.meta;
  if (gap !== null) stdout.write('The log has dropped events before these.\n');
  if (hasMore) stdout.write(`The log goes on: --after ${next}\n`);
  else if (page.data.length === 0) stdout.write('There are none.\n');
  return 0;
}

function placeOf(after: string): string {
  if (/^e[0-9]{1,15}$/.test(after)) return after;
  throw new UsageError('--after is no place of the log: one looks like e1042.');
}

/** Prints events until the signal says stop. @returns 0 */
async function runFollow(
  config: Pick<Config, 'home' | 'clientFile'>,
  {
    liquidation,
    after,
    json = false,
    signal,
    ...access
  }: FollowOptions & {
    readonly signal: AbortSignal;
  },
  stdout: Output,
): Promise<number> {
  const { sandbox, client } = await openSandbox(config, access);
  const query = {
    ...(liquidation === undefined ? {} : { account_liquidation_id: liquidation }),
    ...(after === undefined ? {} : { after: placeOf(after) }),
  };
  try {
    for await (const one of client.stream(query, signal)) {
      stdout.write(json ? `${printable(JSON.stringify(one))}\n` : lineOf(one));
    }
  } catch (error) {
    if (!signal.aborted) throw mendable(error, sandbox, 'gives no stream of events');
  }
  return 0;
}

function lineOf({ cursor, event }: StreamedEvent): string {
  const { created_at: at, type } = event;
  const what = isLiquidationEvent(event)
    ? [event.object.account_id, `${event.object.cash_amount.padStart(14)} ${event.object.currency}`]
    : [];
  return `${printableLine([at, ...(cursor === '' ? [] : [cursor.padEnd(8)]), type.padEnd(30), ...what].join('  '))}\n`;
}
