// The files of a book: their names, their columns and what one line of each must be by itself.
// How lines relate to each other and to the book is asked by import-store.ts.

import { decimal } from '../money.ts';
import { accountStatuses } from './account.ts';
import {
  type ReadField,
  type Reading,
  readAnyCurrency,
  readForeignCurrency,
  readInstant,
  readIsin,
  readLotSize,
  readMic,
  readName,
  readOneOf,
  readPrice,
  readQuantity,
  readSymbol,
  readUuid,
} from './import-fields.ts';

/** The names of the files, in the order in which they are imported: what is referred to, first. */
export const bookFileNames = [
  'users.csv',
  'accounts.csv',
  'instruments.csv',
  'listings.csv',
  'rates.csv',
  'prices.csv',
  'positions.csv',
] as const;

export type BookFileName = (typeof bookFileNames)[number];

/** One line as the database takes it: canonical text by column. */
export type Row<Column extends string> = Readonly<Record<Column, string>>;

/** The type of a column in the database where it is not text. */
export type ColumnType = 'boolean' | 'numeric' | 'timestamptz' | 'uuid';

export interface BookFile<Column extends string = string> {
  readonly name: BookFileName;
  /** The table that its lines go into. */
  readonly table:
    | 'users'
    | 'accounts'
    | 'instruments'
    | 'listings'
    | 'rates'
    | 'prices'
    | 'positions';
  /** Every column the header must name, with the reader of its fields. */
  readonly columns: Readonly<Record<Column, ReadField>>;
  readonly types: Readonly<Partial<Record<Column, ColumnType>>>;
  /** The columns that no two lines have in common. */
  readonly key: readonly Column[];
  /** What is wrong with a line whose fields are right one by one. */
  faultOf?(row: Row<Column>): string | undefined;
}

const readCurrency = readOneOf(['EUR']);

export const usersFile: BookFile<'user_id'> = {
  name: 'users.csv',
  table: 'users',
  columns: { user_id: readUuid },
  types: { user_id: 'uuid' },
  key: ['user_id'],
};

export const accountsFile: BookFile<'account_id' | 'user_id' | 'status' | 'currency'> = {
  name: 'accounts.csv',
  table: 'accounts',
  columns: {
    account_id: readUuid,
    user_id: readUuid,
    status: readOneOf(accountStatuses),
    currency: readCurrency,
  },
  types: { account_id: 'uuid', user_id: 'uuid' },
  key: ['account_id'],
};

export const instrumentsFile: BookFile<'isin' | 'name' | 'trading_status' | 'fractional'> = {
  name: 'instruments.csv',
  table: 'instruments',
  columns: {
    isin: readIsin,
    name: readName,
    trading_status: readOneOf(['ACTIVE', 'INACTIVE']),
    fractional: readOneOf(['true', 'false']),
  },
  types: { fractional: 'boolean' },
  key: ['isin'],
};

/** Where instruments trade. One may be listed at several venues, and venues may be named that are not used. */
const listingsFile: BookFile<'isin' | 'mic' | 'symbol' | 'currency' | 'lot_size'> = {
  name: 'listings.csv',
  table: 'listings',
  columns: {
    isin: readIsin,
    mic: readMic,
    symbol: readSymbol,
    currency: readAnyCurrency,
    lot_size: readLotSize,
  },
  types: { lot_size: 'numeric' },
  key: ['isin', 'mic'],
};

/** What currencies are worth: EUR for one unit, from an instant on. */
const ratesFile: BookFile<'currency' | 'rate' | 'as_of'> = {
  name: 'rates.csv',
  table: 'rates',
  columns: { currency: readForeignCurrency, rate: readPrice, as_of: readInstant },
  types: { rate: 'numeric', as_of: 'timestamptz' },
  key: ['currency', 'as_of'],
};

export const pricesFile: BookFile<'isin' | 'price' | 'currency'> = {
  name: 'prices.csv',
  table: 'prices',
  columns: { isin: readIsin, price: readPrice, currency: readCurrency },
  types: { price: 'numeric' },
  key: ['isin'],
};

/**
 * A part of a unit of an instrument that is not `fractional` is no bad line: it can be held (after
 * a split, say) although it cannot be sold, and a liquidation leaves it (decisions, point 3).
 */
export const positionsFile: BookFile<'account_id' | 'isin' | 'quantity' | 'locked' | 'as_of'> = {
  name: 'positions.csv',
  table: 'positions',
  columns: {
    account_id: readUuid,
    isin: readIsin,
    quantity: readQuantity,
    locked: readQuantity,
    as_of: readInstant,
  },
  types: { account_id: 'uuid', quantity: 'numeric', locked: 'numeric', as_of: 'timestamptz' },
  key: ['account_id', 'isin'],
  faultOf: ({ locked, quantity }) =>
    locked !== '0' && decimal(locked).gt(decimal(quantity))
      ? `locked: ${locked} is more than the quantity, ${quantity}`
      : undefined,
};

/** In the order in which they are imported. */
export const bookFiles: readonly BookFile[] = [
  usersFile,
  accountsFile,
  instrumentsFile,
  listingsFile,
  ratesFile,
  pricesFile,
  positionsFile,
];

/** Reads one line, its fields in the order of the file's columns: its row, or the first fault. */
export function readRow<Column extends string>(
  file: Pick<BookFile<Column>, 'columns'> & Partial<Pick<BookFile<Column>, 'faultOf'>>,
  fields: readonly string[],
  reading: Reading,
): { readonly row: Row<Column> } | { readonly fault: string } {
  const row: Record<string, string> = {};
  let place = 0;
  for (const [column, read] of Object.entries<ReadField>(file.columns)) {
    const value = read(fields[place] ?? '', reading);
    if (typeof value !== 'string') return { fault: `${column}: ${value.fault}` };
    row[column] = value;
    place += 1;
  }
  const complete = row as Row<Column>;
  const fault = file.faultOf?.(complete);
  return fault === undefined ? { row: complete } : { fault };
}
