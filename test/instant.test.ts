// Instants and dates of RFC 3339: what each form says, and what is none.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasLostPlus, parseDate, parseInstant } from '../src/instant.ts';
import { fc } from './support/properties.ts';

const instants: Readonly<Record<string, string>> = {
  '2026-01-01T00:00:00Z': '2026-01-01T00:00:00.000Z',
  '2026-01-01t00:00:00z': '2026-01-01T00:00:00.000Z',
  '2026-01-01T00:00:00z': '2026-01-01T00:00:00.000Z',
  '2026-01-01t02:00:00+02:00': '2026-01-01T00:00:00.000Z',
  '2026-01-01T02:00:00+02:00': '2026-01-01T00:00:00.000Z',
  '2025-12-31T20:30:00-03:30': '2026-01-01T00:00:00.000Z',
  '2026-01-01T00:00:00-00:00': '2026-01-01T00:00:00.000Z',
  '2026-01-01T00:00:00.5Z': '2026-01-01T00:00:00.500Z',
  '2026-01-01T00:00:00.123456789012Z': '2026-01-01T00:00:00.123Z',
  '2026-12-31T23:59:60Z': '2027-01-01T00:00:00.000Z',
  '2026-06-30T23:59:60z': '2026-07-01T00:00:00.000Z',
  '1990-12-31T15:59:60-08:00': '1991-01-01T00:00:00.000Z',
  '2016-12-31T23:59:60.25Z': '2017-01-01T00:00:00.250Z',
  '2024-02-29T12:00:00Z': '2024-02-29T12:00:00.000Z',
  '0001-01-01T00:00:00Z': '0001-01-01T00:00:00.000Z',
  '0099-03-01T00:00:00Z': '0099-03-01T00:00:00.000Z',
  '9999-12-31T23:59:59.999Z': '9999-12-31T23:59:59.999Z',
};

const none = [
  '',
  '2026-01-01',
  '2026-01-01T00:00:00',
  '2026-01-01 00:00:00Z',
  '2026-01-01T00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:60:00Z',
  '2026-01-01T00:00:61Z',
  '2026-01-01T12:00:60Z',
  '2026-01-15T23:59:60Z',
  '2026-12-31T23:59:60+01:00',
  '2026-01-01T00:00:00.Z',
  '2026-01-01T00:00:00+24:00',
  '2026-01-01T00:00:00+00:60',
  '2026-01-01T00:00:00+0200',
  '2026-01-01T00:00:00 02:00',
  '2026-02-29T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-00-01T00:00:00Z',
  '2026-01-00T00:00:00Z',
  '0000-12-31T00:00:00Z',
  '0001-01-01T00:00:00+01:00',
  '9999-12-31T23:59:60Z',
  '9999-12-31T23:59:59-01:00',
  '+002026-01-01T00:00:00Z',
  '2026-01-01T00:00:00Z\n',
  '２026-01-01T00:00:00Z',
];

describe('a date-time', () => {
  for (const [text, is] of Object.entries(instants)) {
    test(text, () => assert.equal(parseInstant(text)?.at.toISOString(), is));
  }
  for (const text of none) {
    test(`is not ${JSON.stringify(text)}`, () => assert.equal(parseInstant(text), undefined));
  }

  test('says whether it was finer than a millisecond', () => {
    assert.equal(parseInstant('2026-01-01T00:00:00.123Z')?.isFiner, false);
    assert.equal(parseInstant('2026-01-01T00:00:00.123000Z')?.isFiner, false);
    assert.equal(parseInstant('2026-01-01T00:00:00.1230001Z')?.isFiner, true);
  });

  test('comes out as it was written, whichever it is', () => {
    const from = { min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z') };
    fc.assert(
      fc.property(fc.date({ ...from, noInvalidDate: true }), (at) => {
        assert.deepEqual(parseInstant(at.toISOString()), { at, isFiner: false });
        assert.deepEqual(parseInstant(at.toISOString().toLowerCase()), { at, isFiner: false });
      }),
    );
  });
});

test('a date is a day of the calendar, of the years 1 to 9999', () => {
  for (const text of ['0001-01-01', '2024-02-29', '2000-02-29', '9999-12-31']) {
    assert.equal(parseDate(text)?.toISOString(), `${text}T00:00:00.000Z`);
  }
  const wrong = [
    '0000-12-31',
    '2026-02-29',
    '1900-02-29',
    '2026-04-31',
    '2026-1-1',
    '26-01-01',
    '',
  ];
  for (const text of [...wrong, '2026-13-01', '2026-00-01', '2026-01-32', '-2026-01-01']) {
    assert.equal(parseDate(text), undefined, text);
  }
});

test('a plus that became a space is known as one', () => {
  assert.ok(hasLostPlus('2026-01-01T02:00:00 02:00'));
  assert.ok(hasLostPlus('2026-01-01t02:00:00.5 02:00'));
  for (const text of ['2026-01-01 02:00:00Z', '2026-01-01T02:00:00+02:00', 'a b', ' ']) {
    assert.ok(!hasLostPlus(text), text);
  }
});
