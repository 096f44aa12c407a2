// What the demo knows beforehand: the example book, read from its files.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { decimal, plain, proceedsOf, sum } from '../../src/money.ts';
import { euros, table } from './terminal.ts';

export interface Holding {
  readonly isin: string;
  readonly name: string;
  readonly quantity: string;
  readonly price: string;
}

type Line = Readonly<Record<string, string>>;

async function readLines(directory: string, file: string): Promise<readonly Line[]> {
  return parse<Line>(await readFile(join(directory, file)), { columns: true });
}

/** The accounts of the book in its order. */
export async function readAccounts(
  directory: string,
): Promise<readonly { accountId: string; userId: string }[]> {
  const lines = await readLines(directory, 'accounts.csv');
  return lines.map((line) => ({
    accountId: line['account_id'] ?? '',
    userId: line['user_id'] ?? '',
  }));
}

/** What an account holds, with names and prices. */
export async function readHoldings(
  directory: string,
  accountId: string,
): Promise<readonly Holding[]> {
  const [positions, instruments, prices] = await Promise.all([
    readLines(directory, 'positions.csv'),
    readLines(directory, 'instruments.csv'),
    readLines(directory, 'prices.csv'),
  ]);
  const names = new Map(instruments.map((line) => [line['isin'], line['name']]));
  const priceOf = new Map(prices.map((line) => [line['isin'], line['price']]));
  return positions.flatMap((line) => {
    const isin = line['isin'] ?? '';
    if (line['account_id'] !== accountId) return [];
    const name = names.get(isin) ?? '';
    return { isin, name, quantity: line['quantity'] ?? '0', price: priceOf.get(isin) ?? '0' };
  });
}

const nameLengthMax = 34;

function shortened(name: string): string {
  return name.length <= nameLengthMax ? name : `${name.slice(0, nameLengthMax - 1).trimEnd()}…`;
}

export function describePortfolio(holdings: readonly Holding[]): void {
  const values = holdings.map(({ quantity, price }) => {
    return proceedsOf({ quantity: decimal(quantity), price: decimal(price) });
  });
  const rows = holdings.map(({ isin, name, quantity, price }, i) => {
    const value = euros(plain(values[i] ?? decimal('0')));
    return [isin, shortened(name), quantity, `× ${price}`, value];
  });
  table([...rows, ['', 'together', '', '', euros(plain(sum(values)))]], [2, 3, 4]);
}
