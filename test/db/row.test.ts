import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rowsOf } from '../../src/db/row.ts';
import { compile, type Fragment } from '../../src/db/sql.ts';
import { decimal } from '../../src/money.ts';

function statement(strings: TemplateStringsArray, table: Fragment) {
  return compile(strings, [table], false);
}

test('things are rows of a statement, a list of values for each column', () => {
  const tenantId = 't';
  const orders = [
    { isin: 'A', quantity: decimal('0.000000000001'), symbol: undefined },
    { isin: 'B', quantity: decimal('1000000000000000000000'), symbol: 'b' },
  ];
  const table = rowsOf(orders, { tenantId }).as(`n (
    tenant_id uuid, isin text, quantity numeric,
    symbol text
  )`);
  assert.deepEqual(statement`select from ${table}`, {
    text:
      'select from unnest($1::uuid[], $2::text[], $3::numeric[], $4::text[])' +
      ' as n (tenant_id, isin, quantity, symbol)',
    values: [
      ['t', 't'],
      ['A', 'B'],
      ['0.000000000001', '1000000000000000000000'],
      [null, 'b'],
    ],
  });
});

test('rows may be counted, and have members that only some kinds of them have', () => {
  const outcomes: readonly ({ at: Date } | { reason: string })[] = [
    { at: new Date(0) },
    { reason: 'r' },
  ];
  const table = rowsOf(outcomes).as('o (at timestamptz, reason text, place for ordinality)');
  assert.deepEqual(statement`select from ${table}`, {
    text: 'select from unnest($1::timestamptz[], $2::text[]) with ordinality as o (at, reason, place)',
    values: [
      [new Date(0), null],
      [null, 'r'],
    ],
  });
});

test('rows may also be one JSON text', () => {
  const rows = [{ accountId: 'a', types: ['x'], upTo: undefined }];
  const table = rowsOf(rows, { at: new Date(0) }).asRecords(
    'g (account_id uuid, types text[], up_to bigint, at timestamptz)',
  );
  assert.deepEqual(statement`select from ${table}`, {
    text: 'select from json_to_recordset($1::json) as g (account_id uuid, types text[], up_to bigint, at timestamptz)',
    values: ['[{"account_id":"a","types":["x"],"at":"1970-01-01T00:00:00.000Z"}]'],
  });
});

test('a column that is no member does not compile', () => {
  const orders = [{ isin: 'A', lots: [] }];
  // @ts-expect-error: misspelt
  rowsOf(orders).as('n (isni text)');
  // @ts-expect-error: not what a column holds
  rowsOf(orders).as('n (isin text, lots text)');
  rowsOf(orders).as('n (isin text)');
});
