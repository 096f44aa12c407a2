// Starts the liquidations of one account or of a file of them. What was cut off is begun again with the same file:
// the idempotency key of an account follows from file and account, so none is sold twice.

import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { ApiError, type Liquidation } from '@unwind/client';
import { parse } from 'csv-parse/sync';
import { parseId } from '../ids.ts';
import { whyUnreadable } from '../settings/file-fault.ts';
import { ProgressBar } from './progress-bar.ts';
import { doneBefore } from './run.ts';
import type { OnApi } from './sandbox-access.ts';
import { UsageError } from './usage-error.ts';

export interface Batch {
  /** What the keys follow from; undefined: each account gets a fresh one. */
  readonly name: string | undefined;
  readonly accounts: readonly string[];
}

/** Accounts of one file: more than this is a file too many. */
const accountsMax = 100_000;
const fileBytesMax = 16 * 1_048_576;
/** Requests under way at once. */
const requestsMax = 8;

/** @throws UsageError that names the line and what is wrong with it. */
export async function readAccounts(file: string): Promise<Batch> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new UsageError(`the file ${file} cannot be read: ${whyUnreadable(error)}.`);
  });
  if (bytes.length > fileBytesMax) throw new UsageError(`the file ${file} is too large.`);
  const rows = rowsOf(file, bytes);
  const accounts = rows.map(({ account_id: text = '' }, i) => {
    const id = parseId<'account'>(text.trim());
    if (id === undefined)
      throw new UsageError(`${file}, line ${i + 2}: "${text}" is no account id.`);
    return id;
  });
  if (accounts.length === 0) throw new UsageError(`${file} names no account.`);
  if (accounts.length > accountsMax) {
    throw new UsageError(`${file} names more than ${accountsMax} accounts: divide it.`);
  }
  const name = `${basename(file)} ${createHash('sha256').update(bytes).digest('hex')}`;
  return { name, accounts: [...new Set(accounts)] };
}

function rowsOf(file: string, bytes: Buffer): readonly { readonly account_id?: string }[] {
  let rows: readonly { readonly account_id?: string }[];
  try {
    rows = parse(bytes, { columns: true, bom: true, trim: true, skip_empty_lines: true });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${file} is no CSV: ${why}.`, { cause: error });
  }
  if (rows[0] !== undefined && rows[0].account_id === undefined) {
    throw new UsageError(`the first line of ${file} has no column account_id.`);
  }
  return rows;
}

interface Started {
  readonly account: string;
  readonly liquidation: Liquidation | undefined;
  /** Why it was refused. */
  readonly refused: string | undefined;
}

interface Outcome {
  /** 0 where all were accepted, else 1. */
  readonly code: number;
  /** Of those that were accepted. */
  readonly ids: readonly string[];
  /** The same for `--json`. */
  readonly document: object;
}

/**
 * Asks for each liquidation, and prints what came of it; with `json` the caller prints the document. Where one
 * cannot be asked for, no other is begun: what was accepted and what was not asked is told, then it throws.
 */
export async function startLiquidations(
  { client, stdout }: OnApi,
  batch: Batch,
  { json, terminal }: { json: true | undefined; terminal: NodeJS.WritableStream | undefined },
): Promise<Outcome> {
  const bar = batch.accounts.length > 1 && terminal ? new ProgressBar(terminal) : undefined;
  const results: Started[] = [];
  const unanswered: string[] = [];
  const left = [...batch.accounts].reverse();
  const work = async (): Promise<void> => {
    while (unanswered.length === 0) {
      const account = left.pop();
      if (account === undefined) return;
      try {
        results.push(await startOne(client, account, keyOf(batch.name, account)));
      } catch (error) {
        unanswered.push(account);
        throw error;
      }
      const done = results.length / batch.accounts.length;
      bar?.show({
        subject: 'start',
        done,
        detail: `${results.length} of ${batch.accounts.length}`,
      });
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: requestsMax }, work));
  bar?.clear();
  const failure = ended.find((one) => one.status === 'rejected');
  const accepted = results.flatMap(({ liquidation }) => liquidation ?? []);
  const refused = results.filter((one) => one.refused !== undefined);
  const document = {
    liquidations: accepted,
    refused: refused.map(({ account, refused: why }) => ({ account_id: account, detail: why })),
    ...(failure === undefined ? {} : { unanswered, not_asked: left.toReversed() }),
  };
  if (!json) {
    for (const { account, refused: why } of refused) stdout.write(`refused ${account}: ${why}\n`);
    for (const one of batch.name === undefined ? accepted : []) {
      stdout.write(`liquidation ${one.id} of account ${one.account_id} is ${one.status}\n`);
    }
    if (batch.name !== undefined) {
      stdout.write(
        `${accepted.length} accepted, ${refused.length} refused; the same file again sells none twice\n`,
      );
    }
    if (failure !== undefined) {
      for (const account of unanswered) stdout.write(`without an answer: ${account}\n`);
      stdout.write(`${left.length} were not asked for\n`);
    }
  }
  if (failure !== undefined) {
    if (json) doneBefore(document);
    throw failure.reason;
  }
  return { code: refused.length === 0 ? 0 : 1, ids: accepted.map(({ id }) => id), document };
}

async function startOne(
  client: OnApi['client'],
  account: string,
  idempotencyKey: string,
): Promise<Started> {
  try {
    const { account_group_id: user } = await client.accounts.retrieve(account);
    const options = { idempotencyKey };
    const liquidation = await client.liquidations.create(account, { user_id: user }, options);
    return { account, liquidation, refused: undefined };
  } catch (error) {
    // The others go on where this one account is refused, and only then.
    const isOfAccount = error instanceof ApiError && [404, 409, 422].includes(error.status);
    if (!isOfAccount) throw error;
    return { account, liquidation: undefined, refused: `${error.status}, ${error.detail}` };
  }
}

/** A key that follows from file and account, in the form of a UUID. */
function keyOf(name: string | undefined, account: string): string {
  if (name === undefined) return randomUUID();
  const hex = createHash('sha256').update(`${name} ${account}`).digest('hex');
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
  ];
  return [...parts, hex.slice(20, 32)].join('-');
}
