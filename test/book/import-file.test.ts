// What a line must be by itself: every kind of wrong field, and what is taken as it is.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { shown } from '../../src/book/import-fields.ts';
import {
  accountsFile,
  type BookFile,
  instrumentsFile,
  positionsFile,
  pricesFile,
  readRow,
  usersFile,
} from '../../src/book/import-file.ts';
import { character, fc } from '../support/properties.ts';

const reading = { latest: new Date('2026-01-05T09:00:00.000Z') };
const id = '143d980c-b742-4448-aa4a-78893d650617';
const isin = 'DE0007164600';
const asOf = '2026-01-02T17:30:00Z';

const right: Record<string, Record<string, string>> = {
  'users.csv': { user_id: id },
  'accounts.csv': { account_id: id, user_id: id, status: 'ACTIVE', currency: 'EUR' },
  'instruments.csv': { isin, name: 'SAP SE', trading_status: 'ACTIVE', fractional: 'true' },
  'listings.csv': { isin, mic: 'XETR', symbol: 'SAP', currency: 'EUR', lot_size: '1' },
  'rates.csv': { currency: 'USD', rate: '0.9213', as_of: asOf },
  'prices.csv': { isin, price: '1.5', currency: 'EUR' },
  'positions.csv': { account_id: id, isin, quantity: '1.5', locked: '0.5', as_of: asOf },
};

/** Reads a right line with some fields changed: its row, or what is wrong. */
function readChanged<Column extends string>(
  file: BookFile<Column>,
  changes: Partial<Record<Column, string>>,
) {
  const line: Record<string, string> = { ...right[file.name], ...changes };
  const read = readRow(
    file,
    Object.keys(file.columns).map((column) => line[column] ?? ''),
    reading,
  );
  return 'row' in read ? read.row : read.fault;
}

const files = [usersFile, accountsFile, instrumentsFile, pricesFile, positionsFile];

suite('a right line', () => {
  for (const file of files as readonly BookFile<string>[]) {
    test(`of ${file.name} is taken`, () => {
      const row = readChanged(file, {});
      assert.ok(typeof row === 'object');
      const expected = right[file.name];
      assert.ok(expected !== undefined);
      if ('as_of' in expected) expected['as_of'] = '2026-01-02T17:30:00.000Z';
      assert.deepEqual(row, expected);
    });
  }

  test('may write its ids in capitals; they are kept in lower case', () => {
    assert.deepEqual(readChanged(usersFile, { user_id: id.toUpperCase() }), { user_id: id });
  });
});

suite('a UUID', () => {
  for (const text of [
    '',
    'x',
    id.slice(1),
    `{${id}}`,
    ` ${id}`,
    id.replaceAll('-', ''),
    `${id}0`,
  ]) {
    test(`is not ${JSON.stringify(text)}`, () => {
      assert.match(String(readChanged(usersFile, { user_id: text })), /^user_id: ".*" is no UUID$/);
      const account = { account_id: text };
      assert.match(String(readChanged(positionsFile, account)), /^account_id: ".*" is no UUID$/);
    });
  }
});

test('an ISIN has its form and its check digit', () => {
  const faultOf = (text: string) => String(readChanged(pricesFile, { isin: text }));
  assert.match(faultOf('DE0007164601'), /^isin: not an ISIN: the check digit .* must be 0, not 1$/);
  assert.match(faultOf('DE000716460'), /^isin: not an ISIN: 11 characters/);
  assert.match(faultOf('de0007164600'), /^isin: not an ISIN: "de0007164600" is not two letters/);
});

test('words are taken from their lists only', () => {
  assert.equal(
    readChanged(accountsFile, { status: 'OPEN' }),
    'status: "OPEN" is none of: PENDING_APPROVAL, ACTIVE, CLOSING, CLOSED, LOCKED',
  );
  assert.equal(
    readChanged(accountsFile, { status: 'active' }),
    'status: "active" is none of: PENDING_APPROVAL, ACTIVE, CLOSING, CLOSED, LOCKED',
  );
  assert.equal(readChanged(accountsFile, { currency: 'USD' }), 'currency: "USD" is none of: EUR');
  assert.equal(readChanged(pricesFile, { currency: 'USD' }), 'currency: "USD" is none of: EUR');
  assert.equal(
    readChanged(instrumentsFile, { trading_status: '' }),
    'trading_status: "" is none of: ACTIVE, INACTIVE',
  );
  assert.equal(
    readChanged(instrumentsFile, { fractional: 'yes' }),
    'fractional: "yes" is none of: true, false',
  );
});

test('a name is one line of text', () => {
  assert.equal(readChanged(instrumentsFile, { name: ' ' }), 'name: is empty');
  assert.equal(
    readChanged(instrumentsFile, { name: 'A\nB' }),
    'name: "A\\nB" has a control character',
  );
  assert.equal(
    readChanged(instrumentsFile, { name: 'A\u0000' }),
    'name: "A\\u0000" has a control character',
  );
  assert.equal(
    readChanged(instrumentsFile, { name: 'x'.repeat(201) }),
    'name: has 201 characters, at most 200 are allowed',
  );
});

suite('a decimal', () => {
  const plain = 'is not a number in plain notation, such as 12 or 0.75';
  const quantities: readonly (readonly [string, string])[] = [
    ['', plain],
    ['NaN', plain],
    ['Infinity', plain],
    ['1e3', plain],
    ['1E-3', plain],
    ['+1', plain],
    ['.5', plain],
    ['5.', plain],
    ['01', plain],
    ['1,5', plain],
    ['1 000', plain],
    ['0x10', plain],
    [' 1', plain],
    ['１', plain],
    ['-1', 'is negative'],
    ['-0.5', 'is negative'],
    [`0.${'1'.repeat(16)}`, 'has more than 15 decimals'],
    [`0.${'0'.repeat(16)}`, 'has more than 15 decimals'],
    ['1'.repeat(19), 'has more than 18 digits before the point'],
  ];
  for (const [text, fault] of quantities) {
    test(`is not ${JSON.stringify(text)}`, () => {
      const shownText = JSON.stringify(text);
      const expected = (column: string) => `${column}: ${shownText} ${fault}`;
      assert.equal(readChanged(positionsFile, { quantity: text }), expected('quantity'));
      assert.equal(readChanged(positionsFile, { locked: text }), expected('locked'));
    });
  }

  test('has at most 12 decimals as a price and is more than 0', () => {
    const faultOf = (price: string) => readChanged(pricesFile, { price });
    assert.equal(faultOf('1.1234567890123'), 'price: "1.1234567890123" has more than 12 decimals');
    assert.equal(faultOf('0'), 'price: "0" is not more than 0');
    assert.equal(faultOf('0.000'), 'price: "0.000" is not more than 0');
    assert.equal(faultOf('-1'), 'price: "-1" is negative');
    assert.equal(faultOf('NaN'), `price: "NaN" ${plain}`);
    assert.equal(typeof faultOf('0.000000000001'), 'object');
  });

  test('is taken with as many digits as it may have', () => {
    const quantity = `${'9'.repeat(18)}.${'9'.repeat(15)}`;
    assert.equal(typeof readChanged(positionsFile, { quantity }), 'object');
  });
});

test('no more may be locked than there is', () => {
  const read = (quantity: string, locked: string) =>
    readChanged(positionsFile, { quantity, locked });
  assert.equal(
    read('1.5', '1.500000000000001'),
    'locked: 1.500000000000001 is more than the quantity, 1.5',
  );
  assert.equal(read('9', '10'), 'locked: 10 is more than the quantity, 9');
  assert.equal(typeof read('1.5', '1.50'), 'object');
  assert.equal(typeof read('0', '0.00'), 'object');
});

suite('an instant', () => {
  const wrong = [
    '',
    '2026-01-02',
    '2026-01-02 17:30:00Z',
    '2026-01-02T17:30:00',
    '2026-01-02T17:30Z',
    '2026-02-29T00:00:00Z',
    '2025-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-02T24:00:00Z',
    '2026-01-02T17:60:00Z',
    '2026-01-02T17:30:60Z',
    '2026-01-02T17:30:00+24:00',
    '2026-01-02T17:30:00.Z',
    '1969-12-31T23:59:59Z',
    '0000-01-01T00:00:00Z',
    '+002026-01-02T17:30:00Z',
    '1767375000',
  ];
  for (const text of wrong) {
    test(`is not ${JSON.stringify(text)}`, () => {
      assert.equal(
        readChanged(positionsFile, { as_of: text }),
        `as_of: ${JSON.stringify(text)} is no RFC 3339 instant such as 2026-01-31T17:30:00Z`,
      );
    });
  }

  test('is not in the future, but for what clocks differ', () => {
    const read = (text: string) => readChanged(positionsFile, { as_of: text });
    assert.equal(typeof read('2026-01-05T09:00:30Z'), 'object');
    assert.equal(
      read('2026-01-05T09:00:30.001Z'),
      'as_of: "2026-01-05T09:00:30.001Z" is in the future',
    );
    assert.equal(typeof read('2026-01-05T18:59:00+10:00'), 'object');
    assert.equal(
      read('2026-01-05T09:00:00-00:01'),
      'as_of: "2026-01-05T09:00:00-00:01" is in the future',
    );
  });

  test('is kept in UTC, cut to the millisecond', () => {
    const read = (text: string) => {
      const row = readChanged(positionsFile, { as_of: text });
      return typeof row === 'object' ? row.as_of : row;
    };
    assert.equal(read('2026-01-02T17:30:00.123999999Z'), '2026-01-02T17:30:00.123Z');
    assert.equal(read('2026-01-02T17:30:00.999999999+02:00'), '2026-01-02T15:30:00.999Z');
    assert.equal(read('2026-01-02t17:30:00z'), '2026-01-02T17:30:00.000Z');
    assert.equal(read('2024-02-29T00:00:00Z'), '2024-02-29T00:00:00.000Z');
  });

  test('comes out as it was written, whichever it is', () => {
    const instants = fc.date({
      min: new Date('1970-01-01T00:00:00Z'),
      max: reading.latest,
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(instants, (instant) => {
        const row = readChanged(positionsFile, { as_of: instant.toISOString() });
        assert.ok(typeof row === 'object');
        assert.equal(row.as_of, instant.toISOString());
      }),
    );
  });
});

test('a text is shown bounded and without what a terminal would obey', () => {
  assert.equal(shown('\u001b[31mred'), '"\\u001b[31mred"');
  assert.equal(shown('\u009b31m\u202egnirts'), '"\\u009b31m\\u202egnirts"');
  assert.equal(shown('x'.repeat(100)), `"${'x'.repeat(60)}…"`);
  assert.equal(shown('Übung'), '"Übung"');
});

test('whatever stands in a line, it is taken or its fault is one line of bounded text', () => {
  const field = fc.oneof(fc.string({ unit: character, maxLength: 300 }), fc.constant(id));
  fc.assert(
    fc.property(fc.array(field, { minLength: 5, maxLength: 5 }), (fields) => {
      for (const file of files as readonly BookFile<string>[]) {
        const read = readRow(file, fields, reading);
        if ('row' in read) continue;
        assert.ok(read.fault.length < 1_000);
        assert.doesNotMatch(read.fault, /\p{C}/u);
      }
    }),
  );
});
