// What the commands of `unwind batches` do and print, through the API.

import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import {
  ApiError,
  type Batch,
  type BatchAccount,
  type BatchQuery,
  type BatchWithProgress,
  type Client,
} from '@unwind/client';
import { accountsOfBatchMax } from '../batches/limits.ts';
import { readCsv } from '../book/read-csv.ts';
import { whyUnreadable } from '../file-fault.ts';
import { parseId } from '../ids.ts';
import { printableLine } from '../printable.ts';
import type { By } from './acting.ts';
import { restFor } from './follow.ts';
import { readInputFile } from './input-file.ts';
import { type AccountsWanted, accountsOf, openLines } from './open-of-batch.ts';
import { ProgressBar } from './progress-bar.ts';
import { doneBefore, type Output, printJson } from './run.ts';
import { RefusedError, UsageError } from './usage-error.ts';

export interface StartOptions extends By {
  readonly file: string;
  readonly rate?: number;
  readonly inProgress?: number;
  readonly startAt?: string;
  readonly idempotencyKey?: string;
  /** Without a key: one that follows from the file, so that the same file is the same batch. */
  readonly isOncePerFile?: true;
  readonly watch?: true;
  readonly json?: true;
}

/** What the commands work with. */
export interface OnBatches {
  readonly client: Client;
  readonly stdout: Output;
  /** Of standard error, where it is one: for a bar. */
  readonly terminal: NodeJS.WriteStream | undefined;
  readonly signal: AbortSignal;
}

/**
 * Makes a batch of the accounts of a file. @returns 0; of a watched one as `watchBatch`; 1 for a bad file.
 * @throws RefusedError where the file was started before in another way.
 */
export async function startBatch(on: OnBatches, options: StartOptions): Promise<number> {
  const { stdout } = on;
  const { file, json } = options;
  const { accounts, faults } = await readAccounts(file);
  if (faults.length > 0) {
    const error = 'No batch was made: correct the file and start again.';
    if (json) printJson(stdout, { ok: false, exit_code: 1, error, file, faults });
    else {
      for (const fault of faults.slice(0, faultsShownMax)) stdout.write(`${file}${fault}\n`);
      if (faults.length > faultsShownMax) {
        stdout.write(`${faults.length - faultsShownMax} more lines are wrong.\n`);
      }
      stdout.write(`${error}\n`);
    }
    return 1;
  }
  const batch = await createBatch(on, accounts, options);
  if (json) doneBefore({ batch });
  else
    stdout.write(`${[`Batch ${batch.id}: ${lineOf(batch)}`, ...pendingLines(batch)].join('\n')}\n`);
  if (options.watch) return watchBatch(on, batch.id, json);
  if (json) printJson(stdout, batch);
  else stdout.write(`Follow it: unwind batches watch ${batch.id}\n`);
  return 0;
}

async function createBatch(
  { client }: OnBatches,
  accounts: AccountFile['accounts'],
  options: StartOptions,
): Promise<BatchWithProgress> {
  const { rate, inProgress, startAt, reason, actor: person, isOncePerFile } = options;
  const { idempotencyKey = isOncePerFile && keyOf(options.file, accounts) } = options;
  const request = {
    accounts,
    ...(rate === undefined ? {} : { rate }),
    ...(inProgress === undefined ? {} : { in_progress_max: inProgress }),
    ...(startAt === undefined ? {} : { start_at: startAt }),
    ...{ reason, person },
  };
  if (idempotencyKey === undefined) return client.batches.create(request);
  try {
    const { id } = await client.batches.create(request, { idempotencyKey });
    return await client.batches.retrieve(id); // the answer of a first time says how it was then
  } catch (error) {
    // 422 is a key that was used for another request: what is wrong with this one was looked for before.
    if (!(isOncePerFile && error instanceof ApiError && error.status === 422)) throw error;
    const why =
      'this file was started before by another person or for another reason: find its batch by "unwind ' +
      'batches list", or give the file another name to start it again.';
    throw new RefusedError(why, { cause: error });
  }
}

/** A key that follows from the name and the accounts of a file, in the form of a UUID. */
function keyOf(file: string, accounts: AccountFile['accounts']): string {
  const named = JSON.stringify([basename(file), accounts]);
  const hex = createHash('sha256').update(named).digest('hex');
  const [first, second, third] = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(13, 16)];
  return `${first}-${second}-5${third}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
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
  const lineOfAccount = new Map<string, number>();
  try {
    for await (const part of readCsv(file, columns, accountsOfBatchMax)) {
      for (const { line, reason } of part.badLines) {
        faults.push(line === undefined ? `: ${reason}` : `:${line}: ${reason}`);
      }
      for (const { line, fields } of part.lines) {
        const [account = '', user = ''] = fields;
        if (parseId(account) === undefined) faults.push(`:${line}: account_id is no UUID`);
        if (user !== '' && parseId(user) === undefined) faults.push(`:${line}: user_id is no UUID`);
        const before = lineOfAccount.get(account);
        if (before !== undefined)
          faults.push(`:${line}: the account stands in line ${before} already`);
        else lineOfAccount.set(account, line);
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
  if (json) return printJson(stdout, data);
  if (data.length === 0) stdout.write('There are none.\n');
  for (const batch of data) stdout.write(`${batch.id}  ${lineOf(batch)}\n`);
  if (meta.next !== null) stdout.write(`There are more; these are the newest ${listedMax}.\n`);
  return 0;
}

export interface ShowOptions {
  readonly accounts?: AccountsWanted;
  readonly json?: boolean;
}

export async function showBatch(
  { client, stdout }: OnBatches,
  id: string,
  { accounts, json = false }: ShowOptions,
): Promise<number> {
  const batch = await client.batches.retrieve(id);
  const listing = accounts === undefined ? [] : accountsOf(client, id, accounts);
  if (json) {
    const shown: BatchAccount[] = [];
    for await (const account of listing) shown.push(account);
    return printJson(stdout, accounts === undefined ? batch : { batch, accounts: shown });
  }
  const { steered_at: at, steered_by: by, steer_reason: why } = batch;
  const lines = [
    `Batch ${batch.id}: ${lineOf(batch)}`,
    `  ${batch.reason} (${batch.person})`,
    ...(at === undefined ? [] : [`  decided last ${at} by ${by}: ${why}`]),
    ...pendingLines(batch),
    `  ${progressText(batch)}`,
  ];
  const open = accounts === undefined ? await openLines(client, batch) : [];
  if (open.length > 0) lines.push('  Open:', ...open.map((line) => `    ${line}`));
  stdout.write(`${lines.map(printableLine).join('\n')}\n`);
  for await (const account of listing) stdout.write(`  ${accountLine(account)}\n`);
  return 0;
}

/** From one look to the next, in ms. */
const lookMs = 1_000;

/**
 * Follows a batch to its end, or until the signal. @returns 0; 1 where it was cancelled or goes on, or where
 * something of it was not sold.
 */
export async function watchBatch(
  { client, stdout, terminal, signal }: OnBatches,
  id: string,
  json?: true,
): Promise<number> {
  const bar = terminal && !json ? new ProgressBar(terminal) : undefined;
  let shown = '';
  for (;;) {
    const batch = await client.batches.retrieve(id);
    const text = progressText(batch);
    const isOver = batch.ended_at !== undefined;
    const ends = isOver || signal.aborted;
    if (ends) bar?.clear();
    else
      bar?.show({
        subject: batch.status,
        done: doneOf(batch),
        detail: barText(batch),
        isOpenEnded: batch.estimated_end_at === undefined,
      });
    // The end that is estimated moves with every look.
    const state = JSON.stringify([batch.status, batch.accounts, batch.liquidations]);
    if (!json && (isOver || (bar === undefined && state !== shown))) {
      stdout.write(`${batch.status}  ${text}\n`);
    }
    if (ends) return endOf(stdout, batch, json);
    shown = state;
    await restFor(lookMs, signal);
  }
}

/** Says how a batch has ended, or that it goes on. @returns the exit code. */
function endOf(stdout: Output, batch: BatchWithProgress, json: true | undefined): number {
  const { id, status, accounts, liquidations } = batch;
  if (json) printJson(stdout, batch);
  else if (batch.ended_at === undefined) stdout.write(`It goes on: unwind batches watch ${id}\n`);
  else if (accounts.refused > 0) {
    stdout.write(`Why some were refused: unwind batches show ${id} --accounts REFUSED\n`);
  }
  const hasSoldAll = accounts.refused + liquidations.cancelled === 0;
  return status === 'COMPLETED' && hasSoldAll ? 0 : 1;
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

function lineOf(batch: Batch): string {
  const { status, accounts, rate, in_progress_max: most, start_at: at, created_at: made } = batch;
  return [
    status.padEnd('PENDING_APPROVAL'.length),
    `${accounts.total} accounts`,
    ...(rate === undefined ? [] : [`${rate} a minute`]),
    ...(most === undefined ? [] : [`${most} at once`]),
    ...(status === 'SCHEDULED' && at !== made ? [`from ${at}`] : []),
  ].join('  ');
}

/** How one that waits for a second person goes on. */
function pendingLines({ status, value, approval_id: approval }: Batch): readonly string[] {
  if (status !== 'PENDING_APPROVAL') return [];
  const worth = value === undefined ? 'a price of it is not known' : `it could sell EUR ${value}`;
  return [
    `  ${worth}, so a second person has to agree:`,
    `  unwind approvals approve ${approval} --actor … --reason …`,
  ];
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

/** The same for the line of a bar, which has less room and says how long it goes on. */
function barText({ accounts, liquidations, money }: BatchWithProgress): string {
  const ended = liquidations.filled + liquidations.cancelled;
  const refused = accounts.refused > 0 ? [`${accounts.refused} refused`] : [];
  const counts = [`${ended} of ${accounts.total} ended`, ...refused];
  return [...counts, `${money.proceeds} ${money.currency}`].join(', ');
}

function accountLine({ account_id: id, status, liquidation, refusal }: BatchAccount): string {
  const what = liquidation
    ? `${liquidation.id}  ${liquidation.status}  ${liquidation.proceeds}`
    : (refusal?.detail ?? '');
  return printableLine(`${id}  ${status.padEnd(9)}  ${what}`.trimEnd());
}
