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

/** What stops a session, and what a person does about it. */
export interface Wrong {
  readonly reason: string;
  readonly remedy: string;
}

/** What to do, by what has come up. It is not sent to the venue. */
export const remedies = {
  numbers:
    'agree with the venue which numbers are right, then: unwind fix resume MIC --next-in … --next-out …',
  reset:
    'find out with the venue what was reported before, then: unwind fix resume MIC --next-in …',
  compId:
    'compare sender_comp_id and target_comp_id of the profile with what the venue has assigned',
  clock: 'one of the two clocks is wrong: compare them, or raise sending_time_tolerance_s',
  version: 'set version of the profile to what the venue speaks',
  refused: 'ask the venue; compare CompIDs, logon_fields and numbers (unwind fix status)',
  broken: 'show the venue what it has sent: unwind fix log',
} as const;

/** Why the session cannot go on after this Logon; undefined: it can. `next` is what was expected. */
export function wrongLogon(
  message: FixMessage,
  { heartbeatS }: LogonTerms,
  next: number,
): Wrong | undefined {
  const number = numberIn(message, 34) ?? 0;
  if (fieldOf(message, 141) === 'Y' && next !== 1) {
    const reason = `the venue has reset its numbers (141=Y); ${next} was expected`;
    return { reason, remedy: remedies.reset };
  }
  if (number < next) return { reason: tooLow(next, number), remedy: remedies.numbers };
  const theirs = fieldOf(message, 108);
  if (theirs !== String(heartbeatS)) {
    const reason = `HeartBtInt (108) is ${theirs ?? 'missing'}, not ${heartbeatS}`;
    return { reason, remedy: `set heartbeat_s of the profile to what the venue wants` };
  }
  if (fieldOf(message, 98) === '0') return undefined;
  return { reason: 'EncryptMethod (98) is not 0', remedy: remedies.broken };
}

export function refusedLogon(text = 'no reason given'): string {
  return `the venue refused the Logon: ${text}; ${remedies.refused}`;
}

export function tooLow(expected: number, received: number): string {
  return `MsgSeqNum too low, expecting ${expected} but received ${received}`;
}
