// Exact decimals. No amount, price or quantity of the service is ever a JavaScript number: strings on
// the wire and from SQL, `Decimal` where the code computes. Nothing here divides.

import Big from 'big.js';

/** An exact decimal number. */
export type Decimal = Big;

// A private constructor, so that no other user of the library can change its settings under us;
// strict: it takes strings only, and refuses to become a number that would lose digits.
const Exact = Big();
Exact.strict = true;

const plainNotation = /^-?[0-9]+(\.[0-9]+)?$/;

/** The decimal that a text in plain notation names. @throws RangeError when it names none. */
export function decimal(text: string): Decimal {
  if (!plainNotation.test(text)) throw new RangeError('not a decimal number in plain notation');
  return new Exact(text);
}

export const zero: Decimal = decimal('0');
const one = decimal('1');

/** Plain notation, never an exponent: the form that SQL and the wire take. */
export function plain(value: Decimal): string {
  return value.toFixed();
}

/**
 * An amount of the account's currency for a person, in whole cents: rounded up, so that what is
 * above a limit reads so.
 */
export function roundedUp(value: Decimal): string {
  const cents = value.round(2, Big.roundUp);
  return cents.toFixed(cents.eq(cents.round(0, Big.roundDown)) ? 0 : 2);
}

export function sum(values: Iterable<Decimal>): Decimal {
  let total = zero;
  for (const value of values) total = total.plus(value);
  return total;
}

export function smaller(a: Decimal, b: Decimal): Decimal {
  return a.lt(b) ? a : b;
}

/** The currency of accounts. */
export const accountCurrency = 'EUR';

/**
 * Proceeds of one execution in the currency of the account: quantity times price, times the rate of a price
 * in another one, half-even to the cent (decisions, point 1). It is exact until then, and rounded once.
 */
export function proceedsOf(sale: { quantity: Decimal; price: Decimal; rate?: Decimal }): Decimal {
  const { quantity, price, rate = one } = sale;
  return quantity.times(price).times(rate).round(2, Big.roundHalfEven);
}

/**
 * The part of a quantity that can be sold: whole units unless the instrument is fractional, and whole lots
 * where the venue trades in lots.
 */
export function sellable(quantity: Decimal, fractional: boolean, lotSize?: Decimal): Decimal {
  if (lotSize === undefined) return fractional ? quantity : quantity.round(0, Big.roundDown);
  const step = fractional || lotSize.gt('1') ? lotSize : one;
  return quantity.minus(quantity.mod(step));
}
