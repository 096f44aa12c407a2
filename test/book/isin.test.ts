// The form and the check digit of an ISIN: known numbers, each kind of mistake, and the properties
// that make the check digit worth having.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isIsin, parseIsin } from '../../src/book/isin.ts';
import { fc } from '../support/properties.ts';

const knownIsins: readonly (readonly [isin: string, why: string])[] = [
  ['US0378331005', 'digits only after the prefix'],
  ['DE000BAY0017', 'letters in the middle'],
  ['DE000A1EWWW0', 'letters next to the check digit, which is 0'],
  ['NL00150001Q9', 'the highest check digit'],
  ['IE00B4L5Y983', 'letters and digits in turn'],
  ['ES0144580Y14', 'one letter among digits'],
  ['XS0203470157', 'a prefix that is no country'],
  ['AU0000XVGZA3', 'an even number of letters'],
  ['AU0000VXGZA3', 'two letters swapped: a mistake this check digit cannot see'],
];

const refusedTexts: readonly (readonly [text: string, reason: RegExp])[] = [
  ['', /^not an ISIN: 0 characters where there must be 12$/],
  ['US037833100', /11 characters/],
  ['US03783310055', /13 characters/],
  ['US0378331005\n', /13 characters/],
  [' US037833100', /not two letters/],
  ['us0378331005', /not two letters/],
  ['U50378331005', /not two letters/],
  ['US03783310O!', /not two letters/],
  ['US037833100X', /not two letters/],
  ['US03783310٠5', /not two letters/],
  ['ÜS0378331005', /not two letters/],
  ['US0378331006', /check digit of "US0378331006" must be 5, not 6/],
  ['US0378331015', /check digit of "US0378331015" must be 3, not 5/],
];

const letters = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZ');
const digits = fc.constantFrom(...'0123456789');
const bodies = fc
  .tuple(
    fc.array(letters, { minLength: 2, maxLength: 2 }),
    fc.array(fc.oneof(letters, digits), { minLength: 9, maxLength: 9 }),
  )
  .map(([prefix, rest]) => [...prefix, ...rest].join(''));

/** The digits that make an ISIN of a body. */
function checkDigitsOf(body: string): readonly string[] {
  return [...'0123456789'].filter((digit) => isIsin(`${body}${digit}`));
}

const isins = bodies.map((body) => `${body}${checkDigitsOf(body).join('')}`);

/** One changed digit: the place is one that holds a digit, the new digit differs from the old. */
const misread = isins
  .chain((isin) =>
    fc.tuple(
      fc.constant(isin),
      fc.constantFrom(...placesOf(isin, /[0-9]/g)),
      fc.integer({ min: 1, max: 9 }),
    ),
  )
  .map(([isin, place, step]) => ({
    isin,
    changed: replaced(isin, place, `${(Number(isin[place]) + step) % 10}`),
  }));

for (const [isin, why] of knownIsins) {
  test(`${isin} is an ISIN: ${why}`, () => {
    assert.equal(parseIsin(isin), isin);
    assert.equal(isIsin(isin), true);
    assert.deepEqual(checkDigitsOf(isin.slice(0, -1)), [isin.slice(-1)]);
  });
}

for (const [text, reason] of refusedTexts) {
  test(`${JSON.stringify(text)} is refused with a reason`, () => {
    assert.equal(isIsin(text), false);
    assert.throws(() => parseIsin(text), { name: 'RangeError', message: reason });
  });
}

test('a long text is refused without being repeated in the message', () => {
  assert.throws(() => parseIsin('X'.repeat(1_000_000)), { message: /^.{1,80}$/ });
});

test('every body has exactly one right check digit', () => {
  fc.assert(
    fc.property(bodies, (body) => {
      assert.equal(checkDigitsOf(body).length, 1);
    }),
  );
});

test('one misread digit is always found', () => {
  fc.assert(
    fc.property(misread, ({ changed }) => {
      assert.equal(isIsin(changed), false);
      assert.throws(() => parseIsin(changed), /check digit/);
    }),
  );
});

test('two swapped digits are always found, 0 and 9 excepted', () => {
  fc.assert(
    fc.property(isins, (isin) => {
      for (const place of placesOf(isin, /(?=[0-9]{2})/g)) {
        const [first, second] = [isin[place] ?? '', isin[place + 1] ?? ''];
        const swapped = replaced(isin, place, `${second}${first}`);
        const unseen = first === second || ['09', '90'].includes(`${first}${second}`);
        assert.equal(isIsin(swapped), unseen, `${isin} and ${swapped}`);
      }
    }),
  );
});

test('no text makes parseIsin and isIsin disagree', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 14 }), isins), (text) => {
      if (isIsin(text)) {
        assert.equal(parseIsin(text), text);
      } else {
        assert.throws(() => parseIsin(text), RangeError);
      }
    }),
  );
});

function placesOf(text: string, pattern: RegExp): number[] {
  return [...text.matchAll(pattern)].map((match) => match.index);
}

function replaced(text: string, place: number, by: string): string {
  return `${text.slice(0, place)}${by}${text.slice(place + by.length)}`;
}
