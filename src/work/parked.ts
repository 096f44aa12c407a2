// What is parked and when. Pure: which errors are our own mistakes, which never go away by themselves,
// and how often the row they concern is tried before it waits for a person.

import { isConnectionError, isDataError, isServerError } from '../db/errors.ts';

/**
 * The steps whose rows can be parked, and two kinds that only a person can see to: what was corrected
 * after the end (`correction`), and reports that contradict what is known (`report`).
 */
export type ParkedStep =
  | 'start'
  | 'release'
  | 'submit'
  | 'answer'
  | 'receive'
  | 'apply'
  | 'advance'
  | 'stop'
  | 'settle'
  | 'reserve'
  | 'report'
  | 'publish';

/** Times a row is worked on alone and fails before it is parked. */
export const triesMax = 5;

const firstGapMs = 1_000;

/** How long a row that failed so many times rests: long enough for a rival to be gone. */
export function gapMsAfter(tries: number): number {
  return firstGapMs * 2 ** (Math.min(tries, triesMax) - 1);
}

/**
 * True when the error says that what was worked on is wrong, or the code is: an assertion, a broken
 * value, a constraint. False for trouble of operation (the database gone or too slow, a lost race),
 * which passes and must never park anything.
 */
export function isMistake(error: unknown): boolean {
  if (isConnectionError(error)) return false;
  return isDataError(error) || !isServerError(error);
}

const reasonLengthMax = 1_000;

/** One line about an error, for a person. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.replace(/\p{Cc}+/gu, ' ').slice(0, reasonLengthMax) || 'unknown';
}
