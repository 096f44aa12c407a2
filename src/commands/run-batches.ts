// What the commands of `unwind batches` do and print, through the API.

import type { Batch, BatchAccount, BatchQuery, BatchWithProgress, Client } from '@unwind/client';
import { accountsOfBatchMax } from '../batches/limits.ts';
import { readCsv } from '../book/read-csv.ts';
import { parseId } from '../ids.ts';
import { printableLine } from '../printable.ts';
import { whyUnreadable } from '../settings/file-fault.ts';
import { restFor } from './follow.ts';
import { readInputFile } from './input-file.ts';
import { ProgressBar } from './progress-bar.ts';
import { type Output, printJson } from './run.ts';
import { UsageError } from './usage-error.ts';

export interface By {
  readonly reason: string;
  readonly actor: string;
}

export interface StartOptions extends By {
  readonly file: string;
  readonly rate?: number;
  readonly inProgress?: number;
  readonly startAt?: string;
  readonly idempotencyKey?: string;
  readonly watch?: true;
}

/** What the commands work with. */
export interface OnBatches {
  readonly client: Client;
  readonly stdout: Output;
  /** Of standard error, where it is one: for a bar. */
  readonly terminal: NodeJS.WriteStream | undefined;
  readonly signal: AbortSignal;
}

/** Makes a batch of the accounts of a file. @returns 0; of a watched one as `watchBatch`; 1 for a bad file. */
export async function startBatch(on: OnBatches, options: StartOptions): Promise<number> {
  const { client, stdout } = on;
  const { accounts, faults } = await readAccounts(options.file);
  if (faults.length > 0) {
    for (const fault of faults.slice(0, faultsShownMax)) stdout.write(`${options.file}${fault}\n`);
    stdout.write('No batch was made: correct the file and start again.\n');
    return 1;
  }
  const { rate, inProgress, startAt, reason, actor: person, idempotencyKey } = options;
  const batch = await client.batches.create(
    {
      accounts,
      ...(rate === undefined ? {} : { rate }),
      ...(inProgress === undefined ? {} : { in_progress_max: inProgress }),
      ...(startAt === undefined ? {} : { start_at: startAt }),
      ...{ reason, person },
    },
    idempotencyKey === undefined ? {} : { idempotencyKey },
  );
  stdout.write(`Batch ${batch.id}: ${lineOf(batch)}\n`);
  return options.watch ? watchBatch(on, batch.id) : 0;
}

const faultsShownMax = 20;

interface AccountFile {
  readonly accounts: readonly { readonly account_id: string; readonly user_id?: string }[];
  /** With the place each has in the file. */
  readonly faults: readonly string[];
}

async function readAccounts(file: string): Promise<AccountFile> {
  const [header = ''] = (await readInputFile(file)).subarray(0, 1_000).toString().split(/\r?\n/);
  const columns = header.includes('user_id') ? ['account_id', 'user_id'] : ['account_id'];
  const accounts: { account_id: string; user_id?: string }[] = [];
  const faults: string[] = [];
  try {
    for await (const part of readCsv(file, columns, accountsOfBatchMax)) {
      for (const { line, reason } of part.badLines) {
        faults.push(line === undefined ? `: ${reason}` : `:${line}: ${reason}`);
      }
      for (const { line, fields } of part.lines) {
        const [account = '', user = ''] = fields;
        if (parseId(account) === undefined) faults.push(`:${line}: account_id is no UUID`);
        if (user !== '' && parseId(user) === undefined) faults.push(`:${line}: user_id is no UUID`);
        accounts.push({ account_id: account, ...(user === '' ? {} : { user_id: user }) });
      }
    }
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new UsageError(`the file ${file} cannot be read: ${whyUnreadable(error)}.`, {
      cause: error,
    });
  }
  if (accounts.length === 0 && faults.length === 0) faults.push(': it names no account');
  return { accounts, faults };
}

export interface ListOptions {
  readonly status?: NonNullable<BatchQuery['status']>;
  readonly json?: boolean;
}

const listedMax = 100;

export async function listBatches(
  { client, stdout }: OnBatches,
  options: ListOptions,
): Promise<number> {
  const { status, json = false } = options;
  const query = { limit: listedMax, ...(status === undefined ? {} : { status }) };
  const { data, meta } = await client.batches.list(query).page();
  if (json) {
    printJson(stdout, data);
    return 0;
  }
  if (data.length === 0) stdout.write('There are none.\n');
  for (const batch of data) stdout.write(`${batch.id}  ${lineOf(batch)}\n`);
  if (meta.next !== null) stdout.write(`There are more; these are the newest ${listedMax}.\n`);
  return 0;
}

export interface ShowOptions {
  readonly accounts?: BatchAccount['status'] | 'all';
  readonly json?: boolean;
}

export async function showBatch(
  { client, stdout }: OnBatches,
  id: string,
  { accounts, json = false }: ShowOptions,
): Promise<number> {
  const batch = await client.batches.retrieve(id);
  const query = accounts === undefined || accounts === 'all' ? {} : { status: accounts };
  const listing = accounts === undefined ? [] : client.batches.accounts(id, query);
  if (json) {
    const shown: BatchAccount[] = [];
    for await (const account of listing) shown.push(account);
    printJson(stdout, accounts === undefined ? batch : { batch, accounts: shown });
    return 0;
  }
  const { steered_at: at, steered_by: by, steer_reason: why } = batch;
  const lines = [
    `Batch ${batch.id}: ${lineOf(batch)}`,
    `  ${batch.reason} (${batch.person})`,
    ...(at === undefined ? [] : [`  ${at} by ${by}: ${why}`]),
    `  ${progressText(batch)}`,
  ];
  stdout.write(`${lines.map(printableLine).join('\n')}\n`);
  for await (const account of listing) stdout.write(`  ${accountLine(account)}\n`);
  return 0;
}

/** From one look to the next, in ms. */
const lookMs = 1_000;

/** Follows a batch to its end, or until the signal. @returns 0; 1 where it was cancelled or goes on. */
export async function watchBatch(
  { client, stdout, terminal, signal }: OnBatches,
  id: string,
): Promise<number> {
  const bar = terminal && new ProgressBar(terminal);
  let told = '';
  for (;;) {
    const batch = await client.batches.retrieve(id);
    const text = progressText(batch);
    const isOver = batch.ended_at !== undefined;
    bar?.show({ subject: batch.status, done: doneOf(batch), detail: text });
    if (isOver || signal.aborted) bar?.clear();
    // The end that is estimated moves with every look.
    const state = JSON.stringify([batch.status, batch.accounts, batch.liquidations]);
    if (isOver || (bar === undefined && state !== told)) {
      stdout.write(`${batch.status}  ${text}\n`);
    }
    if (isOver) return batch.status === 'COMPLETED' ? 0 : 1;
    told = state;
    if (signal.aborted) break;
    await restFor(lookMs, signal);
  }
  stdout.write(`It goes on: unwind batches watch ${id}\n`);
  return 1;
}

export async function steerBatch(
  { client, stdout }: OnBatches,
  how: { readonly verb: 'pause' | 'resume' | 'cancel'; readonly id: string; readonly by: By },
): Promise<number> {
  const { verb, id, by } = how;
  const batch = await client.batches[verb](id, { reason: by.reason, person: by.actor });
  stdout.write(`Batch ${id}: ${lineOf(batch)}\n`);
  return 0;
}

function doneOf({ accounts, liquidations }: BatchWithProgress): number {
  const { filled, cancelled } = liquidations;
  return (accounts.refused + accounts.cancelled + filled + cancelled) / accounts.total;
}

function lineOf({ status, accounts, rate, in_progress_max: most, start_at: at }: Batch): string {
  return [
    status.padEnd(10),
    `${accounts.total} accounts`,
    ...(rate === undefined ? [] : [`${rate} a minute`]),
    ...(most === undefined ? [] : [`${most} at once`]),
    ...(status === 'SCHEDULED' ? [`from ${at}`] : []),
  ].join('  ');
}

function progressText({ accounts, liquidations, money, estimated_end_at: end }: BatchWithProgress) {
  const { started, refused, cancelled, waiting } = accounts;
  const open = liquidations.new + liquidations.processing;
  return [
    `${waiting} waiting, ${started} started, ${refused} refused, ${cancelled} not started`,
    `${open} open, ${liquidations.filled} filled, ${liquidations.cancelled} cancelled`,
    `${money.proceeds} ${money.currency}`,
    ...(end === undefined ? [] : [`until about ${end}`]),
  ].join('; ');
}

function accountLine({ account_id: id, status, liquidation, refusal }: BatchAccount): string {
  const what = liquidation
    ? `${liquidation.id}  ${liquidation.status}  ${liquidation.proceeds}`
    : (refusal?.detail ?? '');
  return printableLine(`${id}  ${status.padEnd(9)}  ${what}`.trimEnd());
}
