// Makes the example book: five CSV files, always the same to the byte, from a fixed seed.
//
//     node examples/book/make.ts [DIRECTORY]
//
// Without a directory it writes beside itself. What the columns mean is said in the README; the
// instruments are listed in `instruments.ts`, the hand-written accounts in `showcase.ts`.
// Nothing here reads the clock, the environment or any other source of chance.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Big } from 'big.js';
import { v4 as uuidv4 } from 'uuid';
import { parseIsin } from '../../src/book/isin.ts';
import { allInstruments, type ListedInstrument, plainInstruments } from './instruments.ts';
import { type HeldPosition, showcaseAccounts } from './showcase.ts';

const accountsCount = 1_000;
const maxPositions = 40;
const asOf = '2026-01-02T17:30:00Z';

/** Each kind of thing draws from its own stream, so more positions never change an id. */
const streams = { ids: 1, holdings: 2 } as const;

/** Every 25th account belongs to the user of the account before it. */
const sharedUserEvery = 25;

/** Every 40th account is not ACTIVE: it takes the next of these statuses, round and round. */
const otherStatusEvery = 40;
const otherStatuses = ['CLOSING', 'PENDING_APPROVAL', 'CLOSING', 'LOCKED', 'CLOSED'] as const;

/** Accounts 15, 115, 215 … have half of their first position locked. */
const lockedPosition = { every: 100, from: 15 } as const;

/** What a position is worth, in cents: mostly some hundred euros, now and then some thousand. */
const worthCents = [
  [5_000, 40_000],
  [5_000, 40_000],
  [40_000, 200_000],
  [40_000, 200_000],
  [200_000, 1_200_000],
] as const;

/** Decimals of a quantity, each as likely; an instrument that is not fractional has none. */
const quantityDecimals = [0, 0, 2, 4, 4, 6, 8, 10] as const;

interface Account {
  readonly accountId: string;
  readonly userId: string;
  readonly status: string;
}
type Cell = string | boolean;

/** Draws a whole number from 0 up to, not including, `limit` (at most 2^32). */
type Draw = (limit: number) => number;

const book = makeBook();
const directory = process.argv[2] ?? import.meta.dirname;
await mkdir(directory, { recursive: true });
for (const [name, text] of book) {
  await writeFile(join(directory, name), text);
}

function makeBook(): ReadonlyMap<string, string> {
  const accounts = makeAccounts();
  const users = new Set(accounts.map(({ userId }) => userId));
  return new Map([
    [
      'users.csv',
      csv(
        ['user_id'],
        [...users].map((id) => [id]),
      ),
    ],
    [
      'accounts.csv',
      csv(
        ['account_id', 'user_id', 'status', 'currency'],
        accounts.map(({ accountId, userId, status }) => [accountId, userId, status, 'EUR']),
      ),
    ],
    [
      'instruments.csv',
      csv(
        ['isin', 'name', 'trading_status', 'fractional'],
        allInstruments.map((one) => [
          parseIsin(one.isin),
          one.name,
          one.tradingStatus,
          one.fractional,
        ]),
      ),
    ],
    [
      'prices.csv',
      csv(
        ['isin', 'price', 'currency'],
        allInstruments.map(({ isin, price }) => [isin, price, 'EUR']),
      ),
    ],
    [
      'positions.csv',
      csv(['account_id', 'isin', 'quantity', 'locked', 'as_of'], positionRows(accounts)),
    ],
  ]);
}

function makeAccounts(): readonly Account[] {
  const draw = sfc32(streams.ids);
  const accounts: Account[] = [];
  for (let number = 1; number <= accountsCount; number += 1) {
    const ownerBefore = number % sharedUserEvery === 0 ? accounts.at(-1)?.userId : undefined;
    accounts.push({
      userId: ownerBefore ?? uuid(draw),
      accountId: uuid(draw),
      status: statusOf(number),
    });
  }
  return accounts;
}

function statusOf(number: number): string {
  if (number % otherStatusEvery !== 0) return 'ACTIVE';
  return at(otherStatuses, (number / otherStatusEvery - 1) % otherStatuses.length);
}

function positionRows(accounts: readonly Account[]): readonly (readonly Cell[])[] {
  const draw = sfc32(streams.holdings);
  return accounts.flatMap(({ accountId }, index) => {
    const positions = showcaseAccounts[index] ?? drawPositions(draw, index + 1);
    return positions.map(({ isin, quantity, locked }) => [accountId, isin, quantity, locked, asOf]);
  });
}

function drawPositions(draw: Draw, number: number): readonly HeldPosition[] {
  const firstIsLocked = number % lockedPosition.every === lockedPosition.from;
  return drawInstruments(draw).map((instrument, index) => {
    const decimals = instrument.fractional ? pick(draw, quantityDecimals) : 0;
    const quantity = drawQuantity(draw, { price: instrument.price, decimals });
    const locked = firstIsLocked && index === 0 ? half(quantity, decimals) : new Big(0);
    return { isin: instrument.isin, quantity: quantity.toFixed(), locked: locked.toFixed() };
  });
}

/** Of two drawn counts the smaller: half of the portfolios have twelve positions at most. */
function drawInstruments(draw: Draw): readonly ListedInstrument[] {
  const count = 1 + Math.min(draw(maxPositions), draw(maxPositions));
  const left = [...plainInstruments];
  return Array.from({ length: count }, () => at(left.splice(draw(left.length), 1), 0));
}

function drawQuantity(
  draw: Draw,
  { price, decimals }: { readonly price: string; readonly decimals: number },
): Big {
  const [least, most] = pick(draw, worthCents);
  const cents = least + draw(most - least);
  const quantity = new Big(cents).div(100).div(price).round(decimals, Big.roundDown);
  return quantity.gt(0) ? quantity : new Big(1);
}

function half(quantity: Big, decimals: number): Big {
  return quantity.div(2).round(decimals, Big.roundUp);
}

function pick<T>(draw: Draw, choices: readonly T[]): T {
  return at(choices, draw(choices.length));
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new RangeError(`there is nothing at ${index} of ${list.length}`);
  return found;
}

function uuid(draw: Draw): string {
  return uuidv4({ random: Uint8Array.from({ length: 16 }, () => draw(256)) });
}

/**
 * The generator sfc32 of PractRand: three words of state, a counter, and additions and shifts
 * only, so every machine draws the same numbers. The first rounds mix the seed.
 */
function sfc32(seed: number): Draw {
  let [a, b, c, counter] = [0, 0, seed, 1];
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 15; round += 1) {
    next();
  }
  return (limit) => Math.floor((next() / 2 ** 32) * limit);
}

/** RFC 4180, but with a line feed alone at the end of each line. */
function csv(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [columns, ...rows].map((row) => `${row.map(csvCell).join(',')}\n`).join('');
}

function csvCell(cell: Cell): string {
  const text = String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
