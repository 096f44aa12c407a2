// `unwind batches`: starts batches from a file of accounts, lists them, watches them, and steers them, by the API.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { accountStatuses, batchTransitions } from '../batches/batch.ts';
import { accountsOfBatchMax, batchRateMax } from '../batches/limits.ts';
import { parseInstant } from '../instant.ts';
import { nameOfUser } from '../person-name.ts';
import type { By } from './acting.ts';
import { idText, personName, reasonText, wholeUpTo } from './arguments.ts';
import { interruptOf } from './follow.ts';
import { nounOf } from './nouns.ts';
import type { ListOptions, OnBatches, ShowOptions, StartOptions } from './run-batches.ts';
import { type ApiArguments, runOnApi, withApi } from './sandbox-access.ts';

type Actions = typeof import('./run-batches.ts');

export function addBatchCommands(program: Command): void {
  const batches = nounOf(program, 'batches');
  withReason(
    withApi(batches.command('start'))
      .description('liquidate the accounts of a CSV file')
      .requiredOption(
        '--file <csv>',
        'column account_id, and user_id where its owner is to be checked',
      )
      .option('--rate <accounts>', 'accounts a minute at most', wholeUpTo(batchRateMax))
      .option(
        '--in-progress <count>',
        'so many open at once at most',
        wholeUpTo(accountsOfBatchMax),
      )
      .option('--start-at <time>', 'RFC 3339 (default: at once)', instantText)
      .option('--idempotency-key <uuid>', 'the same again makes no second batch')
      .option('--watch', 'follow it until it has ended')
      .option('--json', 'one JSON document instead of text'),
  ).action((options: StartOptions & ApiArguments) =>
    act(options, (on, actions) => actions.startBatch(on, options), options.watch),
  );
  withApi(batches.command('list', { isDefault: true }))
    .description('batches, the newest first')
    .addOption(
      new Option('--status <status>', 'only of this status').choices(Object.keys(batchTransitions)),
    )
    .option('--json', 'one JSON document instead of text')
    .action((options: ListOptions & ApiArguments) =>
      act(options, (on, actions) => actions.listBatches(on, options)),
    );
  withApi(batches.command('show'))
    .description('a batch, what of it is open and why, and its accounts where they are asked for')
    .argument('<id>', 'the batch', idText)
    .addOption(
      new Option('--accounts <status>', 'and the accounts of which this became').choices([
        ...accountStatuses,
        'OPEN',
        'all',
      ]),
    )
    .option('--json', 'one JSON document instead of text')
    .action((id: string, options: ShowOptions & ApiArguments) =>
      act(options, (on, actions) => actions.showBatch(on, id, options)),
    );
  withApi(batches.command('watch'))
    .description('follow a batch until it has ended; exits 1 where something was not sold')
    .argument('<id>', 'the batch', idText)
    .option('--json', 'one JSON document at the end, instead of text')
    .action((id: string, { json, ...options }: ApiArguments & { json?: true }) =>
      act(options, (on, actions) => actions.watchBatch(on, id, json), true),
    );
  for (const verb of ['pause', 'resume', 'cancel'] as const) {
    withReason(
      withApi(batches.command(verb))
        .description(steering[verb])
        .argument('<id>', 'the batch', idText),
    ).action((id: string, by: By & ApiArguments) =>
      act(by, (on, actions) => actions.steerBatch(on, { verb, id, by })),
    );
  }
}

const steering = {
  pause: 'start nothing more of it; what was started goes on',
  resume: 'go on with one that was paused',
  cancel: 'cancel what was not started and what is still NEW; the rest goes on',
} as const;

function withReason(command: Command): Command {
  return command
    .requiredOption('--reason <text>', 'why, for those who ask later', reasonText)
    .option('--actor <name>', 'who has decided it', personName, nameOfUser());
}

/** Runs an action until it is done; where it follows a batch, Ctrl-C has it say so and end. */
function act(
  access: ApiArguments,
  work: (on: OnBatches, actions: Actions) => Promise<number>,
  follows = false,
): Promise<void> {
  const signal = interruptOf(follows);
  const terminal = process.stderr.isTTY === true ? process.stderr : undefined;
  return runOnApi(access, async ({ client, stdout }) => {
    const actions = await import('./run-batches.ts');
    return work({ client, stdout, terminal, signal }, actions);
  });
}

function instantText(text: string): string {
  if (parseInstant(text) !== undefined) return text;
  throw new InvalidArgumentError('It is no time such as 2026-03-02T08:00:00Z.');
}
