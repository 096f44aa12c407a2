// `unwind events follow`: the events of the sandbox client as they happen, until Ctrl-C.

import type { StreamedEvent } from '@unwind/client';
import { isLiquidationEvent } from '@unwind/client';
import type { Command } from 'commander';
import type { LiquidationId } from '../ids.ts';
import { printableLine } from '../printable.ts';
import type { Config } from '../settings/config.ts';
import { liquidationId } from './arguments.ts';
import { type Output, run } from './run.ts';
import { mendable, openSandbox } from './sandbox-access.ts';
import { UsageError } from './usage-error.ts';

interface FollowOptions {
  readonly liquidation?: LiquidationId;
  readonly after?: string;
  readonly json?: boolean;
}

export function addEventCommands(program: Command): void {
  program
    .command('events')
    .description('the log of events')
    .command('follow')
    .description('print the events of the sandbox client as they happen, until Ctrl-C')
    .option('--liquidation <id>', 'only of this one', liquidationId)
    .option('--after <cursor>', 'begin behind this place of the log; e0 is its beginning')
    .option('--json', 'each event as a line of JSON')
    .action((options: FollowOptions) => {
      const stopped = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        process.on(signal, () => stopped.abort());
      }
      process.stdout.on('error', () => stopped.abort());
      return run((config) =>
        runFollow(config, { ...options, signal: stopped.signal }, process.stdout),
      );
    });
}

/** Prints events until the signal says stop. @returns 0 */
export async function runFollow(
  config: Pick<Config, 'home'>,
  { liquidation, after, json = false, signal }: FollowOptions & { readonly signal: AbortSignal },
  stdout: Output,
): Promise<number> {
  if (after !== undefined && !/^e[0-9]{1,15}$/.test(after)) {
    throw new UsageError('--after is no place of the log: one looks like e1042.');
  }
  const { sandbox, client } = await openSandbox(config);
  const query = {
    ...(liquidation === undefined ? {} : { account_liquidation_id: liquidation }),
    ...(after === undefined ? {} : { after }),
  };
  try {
    for await (const one of client.stream(query, signal)) {
      stdout.write(json ? `${JSON.stringify(one)}\n` : lineOf(one));
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
  return `${printableLine([at, cursor.padEnd(8), type.padEnd(30), ...what].join('  '))}\n`;
}
