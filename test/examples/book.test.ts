// The example book: that its files are what make.ts makes, that they hold to the limits an import
// checks, and that the README tells the truth about them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Big } from 'big.js';
import { parse } from 'csv-parse/sync';
import { isIsin } from '../../src/book/isin.ts';

type Row = Readonly<Record<string, string>>;

const bookFolder = join(import.meta.dirname, '../../examples/book');
const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const asOf = '2026-01-02T17:30:00Z';
const withoutLiquidation = ['PENDING_APPROVAL', 'LOCKED', 'CLOSED'];
const neverSoldWholly = ['IE00BF2GFH28', 'ZZREFUSED006'];
const behaviourSwitches = [
  'IE00BKBF6H24',
  'IE00B3XXRP09',
  'DE0005933931',
  'IE00B95PGT31',
  'IE00B5M1WJ87',
  ...neverSoldWholly,
];

const users = read('users.csv');
const accounts = read('accounts.csv');
const instruments = read('instruments.csv');
const prices = read('prices.csv');
const positions = read('positions.csv');
const readme = readFileSync(join(bookFolder, 'README.md'), 'utf8');

const instrumentOf = new Map(instruments.map((row) => [cell(row, 'isin'), row]));
const priceOf = new Map(prices.map((row) => [cell(row, 'isin'), cell(row, 'price')]));
const positionsOf = Map.groupBy(positions, (row) => cell(row, 'account_id'));

test('make.ts makes the committed files, byte for byte', () => {
  const directory = mkdtempSync(join(tmpdir(), 'book-'));
  try {
    execFileSync(process.execPath, [join(bookFolder, 'make.ts'), directory], { timeout: 300_000 });
    const committed = readdirSync(bookFolder).filter((name) => name.endsWith('.csv'));
    assert.deepEqual(readdirSync(directory).sort(), committed.sort());
    for (const name of committed) {
      const same = readFileSync(join(directory, name)).equals(readFileSync(join(bookFolder, name)));
      assert.ok(same, `${name} is not what make.ts makes; run node examples/book/make.ts`);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the files have the columns the README names', () => {
  const columns: Record<string, string[]> = {};
  let file = '';
  for (const [name = '', column = ''] of tableOf('File')) {
    file = name || file;
    columns[file] = [...(columns[file] ?? []), column];
  }
  assert.deepEqual(columns, {
    'users.csv': Object.keys(users[0] ?? {}),
    'accounts.csv': Object.keys(accounts[0] ?? {}),
    'instruments.csv': Object.keys(instruments[0] ?? {}),
    'prices.csv': Object.keys(prices[0] ?? {}),
    'positions.csv': Object.keys(positions[0] ?? {}),
  });
});

test('every id is a UUID and stands once', () => {
  const ids = [...column(users, 'user_id'), ...column(accounts, 'account_id')];
  assert.deepEqual(repeated(ids), []);
  for (const id of ids) {
    assert.match(id, uuidV4);
  }
});

test('every ISIN has a valid check digit and stands once, with one price', () => {
  const isins = column(instruments, 'isin');
  assert.deepEqual(
    isins.filter((isin) => !isIsin(isin)),
    [],
  );
  assert.deepEqual(repeated(isins), []);
  assert.deepEqual(repeated(column(instruments, 'name')), []);
  assert.deepEqual(column(prices, 'isin'), isins);
  assert.ok(isins.length - behaviourSwitches.length >= 60);
});

test('what a row refers to exists', () => {
  const accountIds = new Set(column(accounts, 'account_id'));
  assert.deepEqual(new Set(column(accounts, 'user_id')), new Set(column(users, 'user_id')));
  assert.deepEqual(new Set(column(positions, 'account_id')), accountIds);
  for (const isin of column(positions, 'isin')) {
    assert.ok(instrumentOf.has(isin), isin);
  }
});

test('an account holds 1 to 40 instruments, each once', () => {
  const counts = [...positionsOf.values()].map((held) => {
    assert.deepEqual(repeated(column(held, 'isin')), []);
    return held.length;
  });
  assert.equal(Math.min(...counts), 1);
  assert.equal(Math.max(...counts), 40);
});

test('the numbers of users, accounts and their statuses are as the README says', () => {
  const perUser = tally(column(accounts, 'user_id'));
  assert.deepEqual(
    tally([...perUser.values()].map(String)),
    new Map(Object.entries({ 1: 920, 2: 40 })),
  );
  assert.deepEqual(Object.fromEntries(tally(column(accounts, 'status'))), {
    ACTIVE: 975,
    CLOSING: 10,
    PENDING_APPROVAL: 5,
    LOCKED: 5,
    CLOSED: 5,
  });
  const [head = ''] = readme.split('\n## ');
  for (const rows of [users, accounts, instruments, positions]) {
    assert.match(head, new RegExp(`\\b${rows.length.toLocaleString('en-GB')}\\s`));
  }
  assert.match(head, new RegExp(`EUR ${worthOf(positions).div(1_000_000).toFixed(0)} million`));
});

test('prices are positive plain decimals in EUR with at most 12 decimals', () => {
  for (const row of [...prices, ...accounts]) {
    assert.equal(row['currency'], 'EUR');
  }
  for (const price of priceOf.values()) {
    assert.match(price, /^(0|[1-9][0-9]*)(\.[0-9]{1,12})?$/);
    assert.ok(new Big(price).gt(0));
  }
});

test('quantities have at most 15 decimals, none where not fractional, and cover the locks', () => {
  for (const row of positions) {
    const [quantity, locked] = [cell(row, 'quantity'), cell(row, 'locked')];
    const fractional = cell(instrumentOf.get(cell(row, 'isin')) ?? {}, 'fractional');
    const form = fractional === 'true' ? /^(0|[1-9][0-9]*)(\.[0-9]{1,15})?$/ : /^[0-9]+$/;
    assert.match(quantity, form, JSON.stringify(row));
    assert.match(locked, form, JSON.stringify(row));
    assert.ok(new Big(quantity).gt(0) && new Big(quantity).gte(locked), JSON.stringify(row));
    assert.equal(row['as_of'], asOf);
  }
  assert.equal(positions.filter((row) => row['locked'] !== '0').length, 12);
  assert.ok(positions.filter((row) => /\.[0-9]{6,10}$/.test(cell(row, 'quantity'))).length > 1_000);
});

test('the first account is a portfolio to demonstrate with', () => {
  const held = holdingsOf(0);
  assert.equal(cell(accounts[0] ?? {}, 'status'), 'ACTIVE');
  assert.equal(held.length, 10);
  assert.deepEqual(
    column(held, 'isin').filter((isin) => behaviourSwitches.includes(isin)),
    ['IE00B5M1WJ87'],
  );
  assert.ok(held.every((row) => row['locked'] === '0'));
  assert.ok(worthOf(held).gt(35_000) && worthOf(held).lt(36_000), worthOf(held).toFixed());
});

test('the second account has five positions, all plainly sold', () => {
  const held = holdingsOf(1);
  assert.equal(held.length, 5);
  assert.ok(
    held.every((row) => row['locked'] === '0' && !behaviourSwitches.includes(cell(row, 'isin'))),
  );
  assert.ok(worthOf(held).gt(15_000) && worthOf(held).lt(16_000), worthOf(held).toFixed());
});

test('the accounts of the README are where it says and hold what it says', () => {
  const listed = tableOf('No.');
  assert.equal(listed.length, 18);
  for (const [number = '', id = '', text = ''] of listed) {
    const account = accounts[Number(number) - 1] ?? {};
    assert.equal(account['account_id'], id);
    const held = column(holdingsOf(Number(number) - 1), 'isin');
    for (const [, isin = ''] of text.matchAll(/\b([A-Z]{2}[A-Z0-9]{9}[0-9])\b/g)) {
      assert.ok(held.includes(isin), `account ${number} holds no ${isin}`);
    }
    const [, status = 'ACTIVE'] = /^is ([A-Z_]+)/.exec(text) ?? [];
    assert.equal(account['status'], status, `account ${number}`);
  }
  assert.equal(accounts[23]?.['user_id'], accounts[24]?.['user_id']);
  assert.equal(holdingsOf(402).length, 40);
});

test('only the accounts the README names hold what is not plainly sold', () => {
  const holders = accounts.flatMap((_, index) =>
    holdingsOf(index).some((row) => behaviourSwitches.includes(cell(row, 'isin')) || !trades(row))
      ? [index + 1]
      : [],
  );
  assert.deepEqual(holders, [1, 3, 4, 5, 6, 7, 8]);
});

test('a liquidation of every account would end as the README says', () => {
  const outcomes = accounts.map((account, index) => outcomeOf(account, holdingsOf(index)));
  const said = tableOf('Outcome').map(([outcome = '', count]) => [
    /^\w+/.exec(outcome)?.[0],
    Number(count),
  ]);
  assert.deepEqual(Object.fromEntries(tally(outcomes)), Object.fromEntries(said));
});

test('the README names every instrument that switches a behaviour', () => {
  const listed = tableOf('ISIN').map(([isin, name]) => [isin, name]);
  assert.deepEqual(
    listed,
    behaviourSwitches.map((isin) => [isin, instrumentOf.get(isin)?.['name']]),
  );
});

function outcomeOf(account: Row, held: readonly Row[]): string {
  if (withoutLiquidation.includes(cell(account, 'status'))) {
    return '409';
  }
  if (held.some((row) => row['locked'] !== '0' || !trades(row))) {
    return 'PROCESSING';
  }
  const stays = held.some((row) => neverSoldWholly.includes(cell(row, 'isin')));
  return stays ? 'CANCELLED' : 'FILLED';
}

function trades(position: Row): boolean {
  return instrumentOf.get(cell(position, 'isin'))?.['trading_status'] === 'ACTIVE';
}

function worthOf(held: readonly Row[]): Big {
  return held.reduce((sum, row) => {
    const price = priceOf.get(cell(row, 'isin')) ?? '0';
    return sum.plus(new Big(cell(row, 'quantity')).times(price));
  }, new Big(0));
}

function holdingsOf(index: number): readonly Row[] {
  return positionsOf.get(accounts[index]?.['account_id'] ?? '') ?? [];
}

/** The rows of the README's table whose first column has this name, without markup. */
function tableOf(firstColumn: string): readonly (readonly string[])[] {
  const rows = readme
    .split('\n')
    .map((line) => (line.startsWith('|') ? line.split('|').slice(1, -1) : []))
    .map((cells) => cells.map((text) => text.replaceAll('`', '').trim()));
  const head = rows.findIndex(([first]) => first === firstColumn);
  const end = rows.findIndex((cells, index) => index > head && cells.length === 0);
  return rows.slice(head + 2, end);
}

function read(file: string): readonly Row[] {
  return parse<Row>(readFileSync(join(bookFolder, file)), { columns: true });
}

function cell(row: Row, name: string): string {
  const text = row[name];
  assert.ok(text, `${name} is missing in ${JSON.stringify(row)}`);
  return text;
}

function column(rows: readonly Row[], name: string): string[] {
  return rows.map((row) => cell(row, name));
}

function tally(values: readonly string[]): Map<string, number> {
  return values.reduce((counts, one) => counts.set(one, (counts.get(one) ?? 0) + 1), new Map());
}

function repeated(values: readonly string[]): string[] {
  return [...tally(values)].filter(([, count]) => count > 1).map(([value]) => value);
}
