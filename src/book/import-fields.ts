// What the single values of the imported files may be. Each reader takes the text of one field and
// gives it back in one canonical form, in which SQL takes it, or says what is wrong with it.
// Nothing is trimmed, rounded or mended. What only the database knows is left to its statements.

import { parseId } from '../ids.ts';
import { parseInstant } from '../instant.ts';
import { accountCurrency } from '../money.ts';
import { printableLine } from '../printable.ts';
import {
  asOfAheadMsMax,
  instrumentNameMax,
  integerDigitsMax,
  priceDecimalsMax,
  quantityDecimalsMax,
  shownValueMax,
} from './import-limits.ts';
import { parseIsin } from './isin.ts';

/** What is wrong with a field, to stand after its name and a colon. */
export interface FieldFault {
  readonly fault: string;
}

/** What a field is judged by, beside its text. */
export interface Reading {
  /** The latest instant that is not in the future. */
  readonly latest: Date;
}

/** Reads one field: its canonical text, or what is wrong. */
export type ReadField = (text: string, reading: Reading) => string | FieldFault;

export const readUuid: ReadField = (text) =>
  parseId(text) ?? { fault: `${shown(text)} is no UUID` };

export const readIsin: ReadField = (text) => {
  try {
    return parseIsin(text);
  } catch (error) {
    if (error instanceof RangeError) return { fault: printableLine(error.message) };
    throw error;
  }
};

export const readName: ReadField = (text) => {
  if (text.trim() === '') return { fault: 'is empty' };
  if (text.length > instrumentNameMax) {
    return { fault: `has ${text.length} characters, at most ${instrumentNameMax} are allowed` };
  }
  return /\p{Cc}/u.test(text) ? { fault: `${shown(text)} has a control character` } : text;
};

/** Reads one of a few words, exactly as written here. */
export function readOneOf(words: readonly string[]): ReadField {
  const choice = words.join(', ');
  return (text) =>
    words.includes(text) ? text : { fault: `${shown(text)} is none of: ${choice}` };
}

/** A market identifier code, ISO 10383. */
export const readMic: ReadField = (text) => {
  return /^[A-Z0-9]{4}$/.test(text) ? text : { fault: `${shown(text)} is no MIC, such as XETR` };
};

/** Three capital letters: ISO 4217, or what markets use beside it, such as GBX. */
export const readAnyCurrency: ReadField = (text) => {
  return /^[A-Z]{3}$/.test(text) ? text : { fault: `${shown(text)} is no currency, such as USD` };
};

/** A currency that accounts are not in. */
export const readForeignCurrency: ReadField = (text, reading) => {
  if (text !== accountCurrency) return readAnyCurrency(text, reading);
  return { fault: `${shown(text)} is the currency of accounts and needs no rate` };
};

/** What a venue calls an instrument; empty where it goes by the ISIN. */
export const readSymbol: ReadField = (text) => {
  if (/^[ -~]{0,64}$/.test(text)) return text;
  return { fault: `${shown(text)} is not at most 64 printable ASCII characters` };
};

/** Whole units, or a power of ten below one: what a multiple of it is stays a whole number where it has to. */
export const readLotSize: ReadField = (text) => {
  const lot = readDecimal(text, quantityDecimalsMax);
  if (typeof lot !== 'string' || /^[1-9]\d*$|^0\.0*1$/.test(lot)) return lot;
  return { fault: `${shown(text)} is neither a whole number from 1 on nor such as 0.1 or 0.001` };
};

export const readQuantity: ReadField = (text) => readDecimal(text, quantityDecimalsMax);

export const readPrice: ReadField = (text) => {
  const price = readDecimal(text, priceDecimalsMax);
  if (typeof price === 'string' && !/[1-9]/.test(price)) {
    return { fault: `${shown(text)} is not more than 0` };
  }
  return price;
};

function readDecimal(text: string, decimalsMax: number): string | FieldFault {
  const parts = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?$/.exec(text);
  if (parts === null) {
    return { fault: `${shown(text)} is not a number in plain notation, such as 12 or 0.75` };
  }
  const [, sign, whole = '', decimals = ''] = parts;
  if (sign === '-') return { fault: `${shown(text)} is negative` };
  if (whole.length > integerDigitsMax) {
    return { fault: `${shown(text)} has more than ${integerDigitsMax} digits before the point` };
  }
  if (decimals.length > decimalsMax) {
    return { fault: `${shown(text)} has more than ${decimalsMax} decimals` };
  }
  return text;
}

/**
 * Reads an RFC 3339 instant from 1970 on that is not in the future.
 *
 * What is finer than a millisecond is cut off, as it is from the times of executions: so an instant
 * never comes out later than it was, and never after an execution that it preceded.
 */
export const readInstant: ReadField = (text, reading) => {
  const instant = parseInstant(text)?.at;
  if (instant === undefined || instant.getTime() < 0) {
    return { fault: `${shown(text)} is no RFC 3339 instant such as 2026-01-31T17:30:00Z` };
  }
  if (instant.getTime() > reading.latest.getTime() + asOfAheadMsMax) {
    return { fault: `${shown(text)} is in the future` };
  }
  return instant.toISOString();
};

/** A text from a file or directory for people to read: bounded, and harmless to a terminal. */
export function shown(text: string): string {
  const cut = text.length > shownValueMax ? `${text.slice(0, shownValueMax)}…` : text;
  return printableLine(JSON.stringify(cut));
}
