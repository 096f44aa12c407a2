// The Logon that opens a connection, and what its answer has to say. Source: FIX 4.4 volume 2, "Logon".

import { type Field, type FixMessage, fieldOf } from './codec.ts';
import type { Effect } from './effects.ts';
import { numberIn } from './header.ts';

/** What both sides agree on when they log on. */
export interface LogonTerms {
  readonly heartbeatS: number;
  /** FIX 1137 of FIXT.1.1; undefined before it. */
  readonly applicationVersion: string | undefined;
  /** What the venue wants in the Logon besides, such as 553 and 554. */
  readonly logonFields: readonly Field[];
}

/** `resets`: a new trading day begins, both sides count from 1 again. */
export function logon(terms: LogonTerms, resets: boolean): Effect {
  const { heartbeatS, applicationVersion, logonFields } = terms;
  const fields: readonly Field[] = [
    [35, 'A'],
    [98, '0'],
    [108, String(heartbeatS)],
    ...(resets ? [[141, 'Y'] as const] : []),
    ...(applicationVersion === undefined ? [] : [[1137, applicationVersion] as const]),
    ...logonFields,
  ];
  return { type: 'send', fields };
}

/** Why the session cannot go on after this Logon; undefined: it can. `next` is what was expected. */
export function wrongLogon(
  message: FixMessage,
  { heartbeatS }: LogonTerms,
  next: number,
): string | undefined {
  const number = numberIn(message, 34) ?? 0;
  if (fieldOf(message, 141) === 'Y' && next !== 1) {
    return `the venue has reset its numbers (141=Y); ${next} was expected`;
  }
  if (number < next) return tooLow(next, number);
  const theirs = fieldOf(message, 108);
  if (theirs !== String(heartbeatS)) {
    return `HeartBtInt (108) is ${theirs ?? 'missing'}, not ${heartbeatS}`;
  }
  return fieldOf(message, 98) === '0' ? undefined : 'EncryptMethod (98) is not 0';
}

export function tooLow(expected: number, received: number): string {
  return `MsgSeqNum too low, expecting ${expected} but received ${received}`;
}
